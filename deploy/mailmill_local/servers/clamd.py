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
    """clamd on a unix socket and a port.

    Args:
        directory: Holds its configuration, its database and its socket.
        port: The port.
        host: The address that it listens on; it must include loopback.
        max_megabytes: The largest stream, file and scan that it looks into, in MiB; more is reported as
            `Heuristics.Limits.Exceeded`.
    """

    programs: ClassVar = ("clamd",)

    def __init__(
        self,
        directory: Path,
        *,
        port: int,
        host: str = HOST,
        max_megabytes: int = 100,
        sink: Sink = ignore,
        name: str = "clamd",
    ) -> None:
        super().__init__(directory, name=name, sink=sink)
        self.port = port
        self._host = host
        self._max_megabytes = max_megabytes

    @property
    def socket(self) -> Path:
        """The path of its unix socket."""
        return self.directory / "clamd.ctl"

    @property
    def database(self) -> Path:
        """The directory of its signature databases."""
        return self.directory / "database"

    def render(self) -> None:
        """Write clamd.conf and the signature database.

        Raises:
            ServerError: the database cannot be made.
        """
        self.database.mkdir(exist_ok=True)
        self.write_signatures()
        temporary = self.directory / "tmp"
        temporary.mkdir(exist_ok=True)
        limit = f"{self._max_megabytes}M"
        lines = [
            "Foreground yes",
            "LogTime no",
            f"DatabaseDirectory {self.database}",
            f"TemporaryDirectory {temporary}",
            f"LocalSocket {self.socket}",
            "LocalSocketMode 666",
            "FixStaleSocket yes",
            f"TCPAddr {self._host}",
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

    def write_signatures(self) -> None:
        """Write the signature database.

        Raises:
            ServerError: it cannot be made.
        """
        made = subprocess.run(
            [sys.executable, str(SIGNATURES), str(self.database)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise ServerError(f"{SIGNATURES.name} failed: {made.stderr}")

    def command(self) -> list[str]:
        """Return the command line."""
        return [program("clamd"), "--foreground", f"--config-file={self.directory / 'clamd.conf'}"]

    def healthy(self) -> bool:
        """Tell whether both sockets answer PING."""
        return all(ask(address, b"zPING\0", b"PONG") for address in (self.port, self.socket))
