"""Mailmill's own processes, as definitions: what is run, and how one sees that it is ready."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final

from mailmill_local.probes import HOST, ask
from mailmill_local.process import Sink, ignore
from mailmill_local.servers.base import Server

#: The directory of the commands of the environment that this program runs in.
COMMANDS: Final = Path(sys.executable).parent

#: Tells whether a process is ready.
Check = Callable[[], bool]


class MailmillProcess(Server):
    """One process of Mailmill.

    Args:
        directory: Its working directory.
        name: What its lines are marked with.
        arguments: The command, from the environment's `bin`, and its arguments.
        conf: The MailScanner.conf.
        ready_line: Matches a line of its log that says that it is ready.
        ready: Asks it instead; the two exclude each other.
        user: The user that it is started as; None: the present one (it drops root itself).
    """

    programs: ClassVar = ()

    def __init__(
        self,
        directory: Path,
        *,
        name: str,
        arguments: Sequence[str],
        conf: Path,
        ready_line: str = "",
        ready: Check | None = None,
        sink: Sink = ignore,
        user: str | None = None,
    ) -> None:
        super().__init__(directory, name=name, sink=self._watch, user=user)
        self._lines = sink
        self._arguments = list(arguments)
        self._conf = conf
        self._ready_line = re.compile(ready_line)
        self._ready = ready
        self._said_ready = threading.Event()
        #: Variables that are added to its environment at the next start.
        self.variables: dict[str, str] = {}

    def render(self) -> None:
        """Forget that an earlier process was ready."""
        self._said_ready.clear()

    def command(self) -> list[str]:
        """Return the command line."""
        return [str(COMMANDS / self._arguments[0]), *self._arguments[1:]]

    def environment(self) -> Mapping[str, str]:
        """Return the environment: MAILMILL_CONF, and lines that are not kept in a buffer."""
        return {
            **super().environment(),
            "MAILMILL_CONF": str(self._conf),
            "PYTHONUNBUFFERED": "1",
            "HOME": str(self.directory),
            **self.variables,
        }

    def healthy(self) -> bool:
        """Tell whether it is ready."""
        return self._ready() if self._ready else self._said_ready.is_set()

    def _watch(self, name: str, line: str) -> None:
        if self._ready_line.search(line):
            self._said_ready.set()
        self._lines(name, line)


def milter(directory: Path, conf: Path, socket: Path, sink: Sink = ignore) -> MailmillProcess:
    """Return the milter on its unix socket."""
    return MailmillProcess(
        directory,
        name="milter",
        arguments=["mailmill", "milter"],
        conf=conf,
        ready=lambda: ask(socket, b"", b""),
        sink=sink,
    )


def queue_manager(directory: Path, conf: Path, sink: Sink = ignore) -> MailmillProcess:
    """Return the queue manager."""
    return MailmillProcess(
        directory,
        name="queue-manager",
        arguments=["mailmill", "queue-manager"],
        conf=conf,
        ready_line="queue manager for",
        sink=sink,
    )


def worker(
    queue: str, directory: Path, conf: Path, sink: Sink = ignore, *, concurrency: int = 0, number: int = 1
) -> MailmillProcess:
    """Return a worker of a queue: `scan` or `deliver`; 0 leaves the number of its processes to itself."""
    more = [f"--concurrency={concurrency}"] if concurrency else []
    name = queue if number == 1 else f"{queue}{number}"
    return MailmillProcess(
        directory,
        name=name,
        arguments=["mailmill", "worker", queue, f"--name={name}@{os.uname().nodename}", *more],
        conf=conf,
        ready_line=r" ready\.$",
        sink=sink,
    )


def recorder(directory: Path, conf: Path, sink: Sink = ignore) -> MailmillProcess:
    """Return the recorder of the message log."""
    return MailmillProcess(
        directory,
        name="recorder",
        arguments=["mailmill", "recorder"],
        conf=conf,
        ready_line="storing events",
        sink=sink,
    )


def flower(directory: Path, conf: Path, port: int, sink: Sink = ignore) -> MailmillProcess:
    """Return Flower, Celery's web page, on a loopback port; without rights of its own."""
    return MailmillProcess(
        directory,
        name="flower",
        arguments=["mailmill", "flower", f"--address={HOST}", f"--port={port}"],
        conf=conf,
        ready=lambda: ask(port, b"GET /healthcheck HTTP/1.0\r\n\r\n", b"HTTP/1.1 200"),
        sink=sink,
        user="nobody" if os.geteuid() == 0 else None,
    )
