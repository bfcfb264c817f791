"""The networks that a container is attached to."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Final

#: The kernel's routes (Linux: net/ipv4/fib_trie.c): interface, destination, gateway, four numbers, mask and
#: three more. Addresses are hexadecimal in the machine's byte order: little endian wherever Docker runs.
ROUTES: Final = Path("/proc/net/route")
_NO_GATEWAY: Final = "00000000"


def attached_networks(routes: Path = ROUTES) -> list[str]:
    """Return the IPv4 networks that are reached without a gateway, and loopback, as `10.1.0.0/16`.

    Raises:
        OSError: there is no table of routes.
    """
    networks = [ipaddress.IPv4Network("127.0.0.0/8")]
    for line in routes.read_text().splitlines()[1:]:
        _, destination, gateway, *_, mask, _, _, _ = line.split()
        if gateway == _NO_GATEWAY:
            networks.append(ipaddress.IPv4Network((_address(destination), str(_address(mask)))))
    return [str(network) for network in networks]


def _address(number: str) -> ipaddress.IPv4Address:
    return ipaddress.IPv4Address(bytes.fromhex(number)[::-1])
