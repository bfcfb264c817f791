"""SpamAssassin's spamd with local tests only: no DNS, no learning."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

from mailmill_local.probes import HOST, ask
from mailmill_local.process import Sink, ignore
from mailmill_local.servers.base import Server, program


class Spamd(Server):
    """spamd on a loopback port.

    Args:
        directory: Its working directory.
        port: The loopback port.
        processes: How many messages it looks into at the same time; all are there from the start.
    """

    programs: ClassVar = ("spamd",)

    def __init__(
        self, directory: Path, *, port: int, processes: int = 2, sink: Sink = ignore, name: str = "spamd"
    ) -> None:
        super().__init__(directory, name=name, sink=sink)
        self.port = port
        self._processes = processes

    def render(self) -> None:
        """Write nothing: the command line says it all."""

    def command(self) -> list[str]:
        """Return the command line."""
        user = ["--username=nobody"] if os.geteuid() == 0 else []
        return [
            program("spamd"),
            "--local",
            "--nouser-config",
            "--syslog=stderr",
            "--log-timestamp-fmt=",
            f"--listen={HOST}:{self.port}",
            f"--pidfile={self.directory / 'spamd.pid'}",
            f"--min-children={self._processes}",
            f"--max-children={self._processes}",
            "--cf=use_bayes 0",
            *user,
        ]

    def healthy(self) -> bool:
        """Tell whether it answers PING."""
        return ask(self.port, b"PING SPAMC/1.2\r\n\r\n", b"SPAMD/1.5 0 PONG")
