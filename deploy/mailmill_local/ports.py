"""The loopback ports of the whole system, and who uses one that should be free."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, Self

from mailmill_local.probes import free_port

#: What the environment variables are called: `UP_EDGE_PORT`, `UP_RELAY_QMQP_PORT`, ...
_PREFIX: Final = "UP_"
#: /proc/net/tcp: state LISTEN (Linux: include/net/tcp_states.h).
_LISTEN: Final = "0A"
_HIGHEST: Final = 65_535


@dataclass(frozen=True)
class Ports:
    """One loopback port for each server; the usual port plus 10000, so that real services are not met."""

    edge: int = 2525
    relay_qmqp: int = 10_628
    relay_smtp: int = 10_025
    redis: int = 16_379
    clamd: int = 13_310
    rspamd: int = 21_333
    flower: int = 5555
    metrics: int = 19_628
    recorder_metrics: int = 19_629

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Return the ports with what the environment changes.

        Raises:
            ValueError: a variable is no port, or two servers have the same one.
        """
        chosen: dict[str, int] = {}
        for field in fields(cls):
            text = environ.get(variable(field.name), "")
            if not text:
                continue
            if not (text.isascii() and text.isdigit() and 0 < int(text) <= _HIGHEST):
                raise ValueError(f"{variable(field.name)}={text!r} is no port")
            chosen[field.name] = int(text)
        ports = cls(**chosen)
        names: dict[int, str] = {}
        for name, port in ports.items():
            if port in names:
                raise ValueError(f"port {port} is wanted for {names[port]} and for {name}")
            names[port] = name
        return ports

    @classmethod
    def free(cls) -> Self:
        """Return ports that nobody uses at this moment."""
        return cls(**{field.name: free_port() for field in fields(cls)})

    def items(self) -> list[tuple[str, int]]:
        """Return (name, port) of each server."""
        return [(field.name, getattr(self, field.name)) for field in fields(self)]


def variable(name: str) -> str:
    """Return the environment variable that changes a port."""
    return f"{_PREFIX}{name.upper()}_PORT"


def users_of(port: int, proc: Path = Path("/proc")) -> list[str] | None:
    """Return who listens on a TCP port, as `program (pid 123)`, or None when nobody does.

    The list is empty when somebody does and this user may not see who.
    """
    inodes = _listening(port, proc)
    if not inodes:
        return None
    wanted = {f"socket:[{inode}]" for inode in inodes}
    return [
        f"{_program(process)} (pid {process.name})"
        for process in sorted(proc.glob("[0-9]*"), key=lambda path: int(path.name))
        if _sockets(process) & wanted
    ]


def _listening(port: int, proc: Path) -> set[str]:
    """Return the inodes of the sockets that listen on a port, over IPv4 or IPv6."""
    inodes = set()
    for table in ("tcp", "tcp6"):
        try:
            lines = (proc / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for columns in map(str.split, lines):
            if columns[3] == _LISTEN and int(columns[1].rpartition(":")[2], 16) == port:
                inodes.add(columns[9])
    return inodes


def _sockets(process: Path) -> set[str]:
    try:
        links = list((process / "fd").iterdir())
    except OSError:
        return set()
    found = set()
    for link in links:
        try:
            found.add(str(link.readlink()))
        except OSError:
            continue
    return found


def _program(process: Path) -> str:
    try:
        return re.sub(r"\s+", " ", (process / "comm").read_text().strip())
    except OSError:
        return "?"
