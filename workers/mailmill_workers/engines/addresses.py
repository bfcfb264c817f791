"""Addresses of servers in MailScanner.conf: the path of a unix socket, or a host with or without a port."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

_MAX_PORT = 65_535


@dataclass(frozen=True)
class UnixAddress:
    """The path of a unix socket."""

    path: str

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True)
class TcpAddress:
    """A host (name, IPv4 or IPv6 address without brackets) and a TCP port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


Address = UnixAddress | TcpAddress


def parse_address(text: str, default_port: int) -> Address:
    """Return the address in `text`: `/PATH`, `HOST`, `HOST:PORT`, `[IPV6]:PORT`, `[IPV6]` or `IPV6`.

    Raises:
        ValueError: it is none of these.
    """
    if text.startswith("/"):
        return UnixAddress(text)
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(f"not an address: {text!r}")
        return TcpAddress(str(ipaddress.IPv6Address(host)), _port(rest[1:], text) if rest else default_port)
    if text.count(":") > 1:
        return TcpAddress(str(ipaddress.IPv6Address(text)), default_port)
    host, colon, port = text.partition(":")
    if not host or any(char.isspace() or char == "/" for char in host):
        raise ValueError(f"not an address: {text!r}")
    return TcpAddress(host, _port(port, text) if colon else default_port)


def _port(digits: str, text: str) -> int:
    if not (digits.isascii() and digits.isdigit() and 1 <= int(digits[:6]) <= _MAX_PORT):
        raise ValueError(f"not a port: {text!r}")
    return int(digits)
