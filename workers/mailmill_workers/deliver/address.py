"""Where a relay listens, and how connections to it are opened."""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final

from mailmill.errors import ConfigError

#: `host`, `host:port`, `[v6]` or `[v6]:port`.
_ADDRESS: Final = re.compile(r"(?:\[(?P<v6>[^\s\[\]]+)\]|(?P<host>[^\s:\[\]]+))(?::(?P<port>[0-9]{1,5}))?\Z")
_MAX_PORT: Final = 65_535


@dataclass(frozen=True)
class Inet:
    """A TCP address."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"inet:{host}:{self.port}"


@dataclass(frozen=True)
class Unix:
    """A unix socket."""

    path: str

    def __str__(self) -> str:
        return f"unix:{self.path}"


RelayAddress = Inet | Unix
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connector = Callable[[RelayAddress], Awaitable[Streams]]


async def open_connection(address: RelayAddress) -> Streams:
    """Return a new connection; raises OSError when there is none to be had."""
    if isinstance(address, Unix):
        return await asyncio.open_unix_connection(address.path)
    return await asyncio.open_connection(address.host, address.port)


def parse_addresses(option: str, texts: Iterable[str], default_port: int) -> tuple[Inet, ...]:
    """Return the addresses that an option lists.

    Raises:
        ConfigError: some are not addresses; each problem begins with `option` and has the text.
    """
    addresses, problems = [], []
    for text in texts:
        if _is_v6(text):
            addresses.append(Inet(text, default_port))
            continue
        match = _ADDRESS.match(text)
        port = int(match["port"] or default_port) if match else 0
        if not match or not 0 < port <= _MAX_PORT or (match["v6"] and not _is_v6(match["v6"])):
            problems.append(f"{option}: {text!r} is not HOST, HOST:PORT or [IPV6]:PORT")
            continue
        addresses.append(Inet(match["v6"] or match["host"], port))
    if problems:
        raise ConfigError(problems)
    return tuple(addresses)


def _is_v6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True
