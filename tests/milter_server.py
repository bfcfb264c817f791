"""Runs the real `mailmill milter` for tests: a parent with children, on a unix socket in a directory."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from mailmill.spool import Spool, State
from mailmill.spoolfile import SpoolFile

_COMMAND = [sys.executable, "-c", "from mailmill.cli import main; main()"]
#: Seconds to wait for something that must happen; a loaded machine may need some.
PATIENCE = 30.0


def wait_for(condition, what: str, patience: float = PATIENCE):
    """Return the condition's first true value."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {patience} s")


class MilterServer:
    """A milter with its own configuration, spool and log below `directory`."""

    #: `Milter Library` of those that do not say it.
    library = "builtin"

    def __init__(self, directory: Path, *, prefix: tuple[str, ...] = (), **options: str) -> None:
        """Take options as keywords with _ for spaces; `prefix` is a command to run it under."""
        self.directory = directory
        self.socket = directory / "milter.sock"
        self.spool = Spool(directory / "in")
        self.log_file = directory / "log"
        self._prefix = prefix
        self._conf = directory / "MailScanner.conf"
        values = {
            "Milter Bind": str(self.socket),
            "Milter Library": self.library,
            "Milter Max Children": "2",
            "Milter PID File": str(directory / "pid"),
            "Incoming Queue Dir": str(directory / "in"),
            "Outgoing Queue Dir": str(directory / "out"),
            "Edge Name": "edge",
            "Milter Min Free Space": "0",
        } | {name.replace("_", " "): value for name, value in options.items()}
        self._conf.write_text("".join(f"{name} = {value}\n" for name, value in values.items()))
        self._conf.chmod(0o644)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, wait: bool = True) -> Self:
        ready = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        address = self.directory / "notify"
        address.unlink(missing_ok=True)
        ready.bind(str(address))
        address.chmod(0o666)
        ready.settimeout(PATIENCE)
        environ = {k: v for k, v in os.environ.items() if not k.startswith("MAILMILL_")}
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [*self._prefix, *_COMMAND, "--conf", str(self._conf), "milter"],
                stdout=log,
                stderr=log,
                env=environ | {"NOTIFY_SOCKET": str(address)},
                start_new_session=True,
            )
        with ready:
            if wait:
                try:
                    assert ready.recv(100) == b"READY=1"
                except TimeoutError:
                    self.stop()
                    raise AssertionError(f"the milter does not start:\n{self.log}") from None
        return self

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    @property
    def parent(self) -> int:
        return int((self.directory / "pid").read_text())

    @property
    def children(self) -> list[int]:
        text = Path(f"/proc/{self.parent}/task/{self.parent}/children").read_text()
        return [int(pid) for pid in text.split()]

    def messages(self) -> list[SpoolFile]:
        return [self.spool.read(name, State.ACTIVE) for name in sorted(self.spool.names(State.ACTIVE))]

    def files(self) -> list[str]:
        return [f"{state}/{name}" for state in State for name in self.spool.names(state)]

    def clear(self) -> None:
        """Let all messages have reached their end, as a queue manager would."""
        spool = Spool(self.spool.root)
        spool.intake.take_charge()
        for state in State:
            for name in list(spool.names(state)):
                spool.remove(name, state)
        spool.flush()

    def wait(self) -> int:
        """Return the exit status of a process that must end by itself."""
        return self.process.wait(PATIENCE)

    def stop(self) -> int:
        if self.process.poll() is None:
            with contextlib.suppress(OSError, ValueError):
                os.kill(self.parent, signal.SIGTERM)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
