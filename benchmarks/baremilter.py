"""A milter that keeps nothing: what Postfix, libmilter and pymilter take before the first line of ours.

It hears the stages that ours hears, answers where ours answers, and discards. No edge can be faster.

`python -m benchmarks.baremilter SOCKET PROCESSES`
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

import Milter

from benchmarks.load import environment
from mailmill_local.probes import ask
from mailmill_local.servers.base import Server

#: What ours negotiates on an open edge: no answers but at the end, no DATA, no unknown commands.
_WANTED: Final[int] = (
    Milter.P_NR_CONN
    | Milter.P_NR_HELO
    | Milter.P_NR_MAIL
    | Milter.P_NR_RCPT
    | Milter.P_NR_HDR
    | Milter.P_NR_EOH
    | Milter.P_NR_BODY
    | Milter.P_NODATA
    | Milter.P_NOUNKNOWN
    | Milter.P_HDR_LEADSPC
)


class BareMilter(Server):
    """The milter on a unix socket.

    Args:
        directory: Its working directory, which holds the socket.
        processes: How many share the socket.
    """

    programs: ClassVar = ()

    def __init__(self, directory: Path, *, processes: int) -> None:
        super().__init__(directory, name="bare milter")
        self.socket = directory / "milter.sock"
        self._processes = processes

    def render(self) -> None:
        """Write nothing: the command line says it all."""

    def command(self) -> list[str]:
        """Return the command line."""
        return [sys.executable, "-m", "benchmarks.baremilter", str(self.socket), str(self._processes)]

    def environment(self) -> Mapping[str, str]:
        """Return the environment in which this package is found."""
        return environment()

    def healthy(self) -> bool:
        """Tell whether it listens."""
        return ask(self.socket, b"", b"")


def _negotiate(_ctx: Any, options: list[int]) -> int:
    options[:] = [0, options[1] & _WANTED, 0, 0]
    return int(Milter.CONTINUE)


def _silent(*_: Any) -> int:
    return int(Milter.NOREPLY)


def _continue(*_: Any) -> int:
    return int(Milter.CONTINUE)


def _discard(_ctx: Any) -> int:
    return int(Milter.DISCARD)


def serve(path: str, processes: int) -> None:
    """Serve until SIGTERM ends the process group."""
    Milter.set_flags(0)
    for setter in (
        Milter.set_connect_callback,
        Milter.set_helo_callback,
        Milter.set_envfrom_callback,
        Milter.set_envrcpt_callback,
        Milter.set_header_callback,
        Milter.set_eoh_callback,
        Milter.set_body_callback,
    ):
        setter(_silent)
    Milter.set_eom_callback(_discard)
    Milter.set_abort_callback(_continue)
    Milter.set_close_callback(_continue)
    Milter.register("bare", negotiate=_negotiate)
    Milter.setconn(f"unix:{path}")
    Milter.opensocket(True)  # noqa: FBT003 - it takes no keyword: remove a socket that is in the way
    Path(path).chmod(0o666)
    children = []
    for _ in range(processes):
        child = os.fork()
        if child == 0:
            Milter.main()
            os._exit(0)
        children.append(child)

    def end(*_: Any) -> None:
        for child in children:
            os.kill(child, signal.SIGKILL)
        sys.exit()

    signal.signal(signal.SIGTERM, end)
    signal.pause()


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
