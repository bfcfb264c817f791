"""What a ruleset may ask about a message: the facts about one recipient's copy of it."""

from __future__ import annotations

import enum
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from mailmill.hostnames import HostName, Reverse

#: Postfix's word for a client whose reverse name does not lead back to its address.
UNKNOWN_CLIENT = "unknown"


class Side(enum.Enum):
    """What a pattern is held against."""

    SENDER = "from"
    RECIPIENT = "to"
    VIRUS = "virus"


class Address(NamedTuple):
    """A mail address as patterns compare it: lower case, without a dot at the end of the domain."""

    local: str
    domain: str

    @property
    def text(self) -> str:
        """The whole address; empty for the null sender."""
        return f"{self.local}@{self.domain}" if self.domain else self.local


class HostNumber(NamedTuple):
    """An IP address as patterns compare it: IPv4-mapped IPv6 addresses are IPv4."""

    #: 4 or 6.
    version: int
    number: int


def split_address(address: str) -> Address:
    """Return the two halves of a mail address, around its last `@`."""
    local, at, domain = address.lower().rpartition("@")
    return Address(local, domain.removesuffix(".")) if at else Address(domain, "")


def host_number(address: str) -> HostNumber | None:
    """Return an IP address as a number, or None when the text is none."""
    try:
        host = ipaddress.ip_address(address)
    except ValueError:
        return None
    if isinstance(host, ipaddress.IPv6Address) and host.ipv4_mapped:
        host = host.ipv4_mapped
    return HostNumber(host.version, int(host))


def _not_looked_up(_address: str) -> HostName:
    return HostName(Reverse.NONE)


@dataclass(frozen=True)
class MailFacts:
    """The facts about one recipient's copy of a message; every recipient's is asked about on its own."""

    #: Envelope sender without angle brackets; empty for the null sender.
    sender: str
    recipient: str
    #: IPv4 or IPv6 address of the SMTP client; empty for a local submission.
    client_address: str
    #: Verified name of the client; empty or `unknown` when it has none.
    client_name: str = ""
    #: Names of the viruses that were found; empty before the scan.
    viruses: tuple[str, ...] = ()
    #: Asks the DNS for the name of a client that Postfix could not verify one of; None: it has none.
    look_up: Callable[[str], HostName] = _not_looked_up

    @cached_property
    def sender_address(self) -> Address:
        """The sender as patterns compare it."""
        return split_address(self.sender)

    @cached_property
    def recipient_address(self) -> Address:
        """The recipient as patterns compare it."""
        return split_address(self.recipient)

    @cached_property
    def client_number(self) -> HostNumber | None:
        """The client's address as patterns compare it."""
        return host_number(self.client_address)

    @cached_property
    def client_text(self) -> str:
        """The client's address in its usual spelling; empty when it has none."""
        if self.client_number is None:
            return ""
        version, number = self.client_number
        return str(ipaddress.IPv4Address(number) if version == 4 else ipaddress.IPv6Address(number))  # noqa: PLR2004 - IPv4

    @cached_property
    def client_host(self) -> HostName:
        """The client's name as patterns compare it, and what is known of it."""
        name = self.client_name.lower().removesuffix(".")
        if name and name != UNKNOWN_CLIENT:
            return HostName(Reverse.VERIFIED, name)
        if not self.client_text:
            return HostName(Reverse.NONE)
        found = self.look_up(self.client_text)
        return HostName(found.reverse, found.name.lower().removesuffix("."))

    @cached_property
    def client_names(self) -> tuple[str, ...]:
        """The client's name, verified or not, and all that it is below; an empty one when it has none."""
        return tuple(_with_parents(self.client_host.name))

    def address_keys(self, side: Side) -> tuple[str, ...]:
        """Return the keys of the sender's or the recipient's address in an index of patterns."""
        return self._sender_keys if side is Side.SENDER else self._recipient_keys

    @cached_property
    def _sender_keys(self) -> tuple[str, ...]:
        return _keys(self.sender_address)

    @cached_property
    def _recipient_keys(self) -> tuple[str, ...]:
        return _keys(self.recipient_address)


def _keys(address: Address) -> tuple[str, ...]:
    local, domain = address
    _, *parents = _with_parents(domain)
    return (address.text, f"@{domain}", f"{local}@", *(f".{parent}" for parent in parents))


def _with_parents(name: str) -> list[str]:
    names = [name]
    while "." in name:
        name = name.partition(".")[2]
        names.append(name)
    return names
