"""What all servers have in common: render, start, wait until healthy, stop."""

from __future__ import annotations

import os
import pwd
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Final, Self

from mailmill_local.probes import wait_until
from mailmill_local.process import Process, Sink, ignore

#: Seconds in which a server must become healthy; the slowest (rspamd, spamd) take about 5 on a busy machine.
READY_SECONDS: Final = 60.0
#: Debian keeps daemons in /usr/sbin, which is not on every user's PATH.
SEARCH_PATH: Final = os.pathsep.join(
    [os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"]
)


class ServerError(Exception):
    """A server did not start, did not become healthy or has ended; the message holds its last lines."""


class Server(ABC):
    """One real server below a directory of its own; nothing outside of it is changed.

    Args:
        directory: Where it keeps everything. Other users must be able to pass through its parents, because
            most servers give up root.
        sink: Gets each line of output with the server's name.
        name: What its lines are marked with.
        user: The user that it is started as; None: the present one, and it gives up root itself.
    """

    #: The programs that it runs, as found on PATH.
    programs: ClassVar[tuple[str, ...]]

    def __init__(self, directory: Path, *, name: str, sink: Sink = ignore, user: str | None = None) -> None:
        self.directory = directory
        self._user = user
        self.name = name
        self._sink = sink
        self._process: Process | None = None
        #: Where it is started and asked for its health, for instance in another network namespace.
        self.inside: Callable[[], AbstractContextManager[None]] = nullcontext

    @abstractmethod
    def render(self) -> None:
        """Write the configuration; what a killed predecessor left in the directory does no harm."""

    @abstractmethod
    def command(self) -> list[str]:
        """Return the program that stays in the foreground, and its arguments."""

    @abstractmethod
    def healthy(self) -> bool:
        """Ask the server in its own protocol."""

    def environment(self) -> Mapping[str, str]:
        """Return the environment of the program."""
        return {**os.environ, "PATH": SEARCH_PATH}

    @property
    def process(self) -> Process:
        """The running program.

        Raises:
            ServerError: it was not started.
        """
        if self._process is None:
            raise ServerError(f"{self.name} was not started")
        return self._process

    def start(self) -> None:
        """Render and start; do not wait.

        Raises:
            ServerError: it cannot be started.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        self.render()
        try:
            with self.inside():
                self._process = Process(
                    self.name,
                    self.command(),
                    sink=self._sink,
                    environment=self.environment(),
                    directory=self.directory,
                    user=self._user,
                )
        except OSError as error:
            raise ServerError(f"{self.name} does not start: {error}") from error

    def wait_healthy(self, seconds: float = READY_SECONDS) -> None:
        """Wait until the server answers.

        Raises:
            ServerError: it has ended, or does not answer within `seconds`.
        """

        def settled() -> bool:
            self.check_running()
            with self.inside():
                return self.healthy()

        if not wait_until(settled, seconds):
            raise ServerError(self._report(f"is not healthy after {seconds:g} s"))

    @property
    def started(self) -> bool:
        """Whether it was started and not stopped; it may have died meanwhile."""
        return self._process is not None

    def check_running(self) -> None:
        """Look whether the server still runs.

        Raises:
            ServerError: it was started and has ended by itself.
        """
        if self._process is not None and self._process.exit_status is not None:
            raise ServerError(self._report(f"has ended with status {self._process.exit_status}"))

    def stop(self) -> None:
        """Stop the server, by force when it does not stop by itself; one that never ran is stopped."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def __enter__(self) -> Self:
        try:
            self.start()
            self.wait_healthy()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _report(self, what: str) -> str:
        return "\n".join([f"{self.name} {what}; its last lines:", *self.process.tail()])


def program(name: str) -> str:
    """Return the path of a program.

    Raises:
        ServerError: it is not installed.
    """
    found = shutil.which(name, path=SEARCH_PATH)
    if found is None:
        raise ServerError(f"{name} is not installed")
    return found


def give_to(path: Path, user: str) -> None:
    """Make `user` and its primary group the owner of a path; without root the owner stays."""
    if os.geteuid() == 0:
        entry = pwd.getpwnam(user)
        os.chown(path, entry.pw_uid, entry.pw_gid)
