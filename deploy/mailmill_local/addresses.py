"""Where the parts of a system find each other: on loopback, unless each has a network of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mailmill_local.probes import HOST


@dataclass(frozen=True)
class Addresses:
    """The addresses of the servers that other parts connect to."""

    #: What the servers listen on; it must include loopback, on which they are asked for their health.
    listen: str = HOST
    #: Whose mail both Postfixes take (main.cf: mynetworks).
    clients: str = "127.0.0.0/8"
    redis: str = HOST
    relay: str = HOST


#: All on loopback.
LOOPBACK: Final = Addresses()
