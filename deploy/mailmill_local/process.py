"""One program in the foreground: its lines go to a sink, and it ends when it is told to."""

from __future__ import annotations

import collections
import os
import pwd
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

#: Takes the name of a program and one line of its output, without the line end.
Sink = Callable[[str, str], None]

#: Lines of output that are kept for the report of a failure.
TAIL_LINES: Final = 40
#: Seconds that a program has to end after TERM before it is killed.
STOP_SECONDS: Final = 15.0


def ignore(name: str, line: str) -> None:
    """Drop a line of output."""


class Process:
    """A running program, the leader of its own session, so that all its children can be found.

    Args:
        name: What its lines are marked with.
        command: The program and its arguments.
        sink: Is called with every line, from a thread of its own.
        environment: The whole environment of the program.
        directory: Its working directory.
        user: The user that it runs as, with that user's primary group only; None: the present one.

    Raises:
        OSError: the program cannot be started.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        sink: Sink = ignore,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
        user: str | None = None,
    ) -> None:
        self.name = name
        self._sink = sink
        self._tail: collections.deque[str] = collections.deque(maxlen=TAIL_LINES)
        self._popen = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=None if environment is None else dict(environment),
            cwd=directory,
            user=user,
            group=None if user is None else pwd.getpwnam(user).pw_gid,
            extra_groups=None if user is None else [],
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, name=f"log of {name}", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process id, which is also the id of its process group and session."""
        return self._popen.pid

    @property
    def exit_status(self) -> int | None:
        """The exit status (negative: the signal that ended it), or None while it runs."""
        return self._popen.poll()

    def tail(self) -> list[str]:
        """Return the last lines of output, oldest first."""
        return list(self._tail)

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to the program and its children; those that are gone do not matter."""
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return

    def stop(self, seconds: float = STOP_SECONDS) -> int:
        """End the program: TERM to it, and KILL to its group when it takes longer than `seconds`.

        Returns:
            Its exit status; negative is the signal that ended it.
        """
        if self._popen.poll() is None:
            self._popen.send_signal(signal.SIGTERM)
            try:
                self._popen.wait(seconds)
            except subprocess.TimeoutExpired:
                self._sink(self.name, f"did not end within {seconds:g} s of TERM: killed")
        # Children that outlive their parent hold ports and the log pipe.
        self.signal_group(signal.SIGKILL)
        status = self._popen.wait()
        self._reader.join(timeout=2)
        if not self._reader.is_alive() and self._popen.stdout:
            self._popen.stdout.close()
        return status

    def _read(self) -> None:
        stream = self._popen.stdout
        if stream is None:
            return
        for raw in stream:
            line = raw.decode("utf-8", "replace").rstrip()
            self._tail.append(line)
            self._sink(self.name, line)
