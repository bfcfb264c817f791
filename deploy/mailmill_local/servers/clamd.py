"""ClamAV's daemon with a small signature database of our own: no download, ready in a second."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import ClassVar, Final

from mailmill_local.probes import HOST, ask
from mailmill_local.process import Sink, ignore
from mailmill_local.servers.base import Server, ServerError, program

SIGNATURES: Final = Path(__file__).parents[2] / "clamav" / "signatures.py"


class Clamd(Server):
    """clamd on a unix socket and a loopback port.

    Args:
        directory: Holds its configuration, its database and its socket.
        port: The loopback port.
        max_megabytes: The largest stream, file and scan that it looks into, in MiB; more is reported as
            `Heuristics.Limits.Exceeded`.
    """

    programs: ClassVar = ("clamd",)

    def __init__(
        self,
        directory: Path,
        *,
        port: int,
        max_megabytes: int = 100,
        sink: Sink = ignore,
        name: str = "clamd",
    ) -> None:
        super().__init__(directory, name=name, sink=sink)
        self.port = port
        self._max_megabytes = max_megabytes

    @property
    def socket(self) -> Path:
        """The path of its unix socket."""
        return self.directory / "clamd.ctl"

    def render(self) -> None:
        """Write clamd.conf and the signature database.

        Raises:
            ServerError: the database cannot be made.
        """
        database = self.directory / "database"
        database.mkdir(exist_ok=True)
        made = subprocess.run(
            [sys.executable, str(SIGNATURES), str(database)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise ServerError(f"{SIGNATURES.name} failed: {made.stderr}")
        temporary = self.directory / "tmp"
        temporary.mkdir(exist_ok=True)
        limit = f"{self._max_megabytes}M"
        lines = [
            "Foreground yes",
            "LogTime no",
            f"DatabaseDirectory {database}",
            f"TemporaryDirectory {temporary}",
            f"LocalSocket {self.socket}",
            "LocalSocketMode 666",
            "FixStaleSocket yes",
            f"TCPAddr {HOST}",
            f"TCPSocket {self.port}",
            "AlertExceedsMax yes",
            f"StreamMaxLength {limit}",
            f"MaxScanSize {limit}",
            f"MaxFileSize {limit}",
            "MaxThreads 4",
        ]
        if os.geteuid() == 0:
            # Debian's profile of clamd drops to `clamav`, which could not write below private directories.
            lines.append("User root")
        (self.directory / "clamd.conf").write_text("\n".join(lines) + "\n")

    def command(self) -> list[str]:
        """Return the command line."""
        return [program("clamd"), "--foreground", f"--config-file={self.directory / 'clamd.conf'}"]

    def healthy(self) -> bool:
        """Tell whether both sockets answer PING."""
        return all(ask(address, b"zPING\0", b"PONG") for address in (self.port, self.socket))
