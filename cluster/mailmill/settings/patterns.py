"""The patterns of rulesets, compiled: addresses with wildcards, expressions, client addresses and names.

A pattern is held against the sender's side of a message (the envelope sender and its client), against the
recipient's, or against the names of viruses. What only the client has is never found on the recipient's side.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address, summarize_address_range
from typing import Final, Protocol

from mailmill.hostnames import HostName, Reverse
from mailmill.settings.expressions import Expression
from mailmill.settings.facts import Address, MailFacts, Side
from mailmill.settings.glob import Glob
from mailmill.settings.index import (
    VIRUS_KEY,
    Index,
    Key,
    below_key,
    domain_key,
    join_keys,
    name_key,
    user_key,
)

#: The most keys that a list of patterns has in the index of a ruleset; a longer one has its own.
MOST_KEYS: Final = 64


class Pattern(Protocol):
    """A compiled pattern."""

    @property
    def client_only(self) -> bool:
        """Whether it asks about the client, so that it can match on the sender's side only."""

    @property
    def asks_names(self) -> bool:
        """Whether it asks for the client's name."""

    def matches(self, facts: MailFacts, side: Side) -> bool:
        """Say whether the pattern fits that side of a recipient's copy of a message."""

    def keys(self, side: Side) -> tuple[Key, ...] | None:
        """Return index keys of which all mail that matches on that side has at least one.

        Empty: no mail matches on that side. None: there is no such list.
        """


def _address(facts: MailFacts, side: Side) -> Address:
    return facts.sender_address if side is Side.SENDER else facts.recipient_address


@dataclass(frozen=True, slots=True)
class Anything:
    """All mail."""

    client_only = False
    asks_names = False

    def matches(self, _facts: MailFacts, _side: Side) -> bool:
        """See `Pattern`."""
        return True

    def keys(self, _side: Side) -> tuple[Key, ...] | None:
        """See `Pattern`."""
        return None


@dataclass(frozen=True, slots=True)
class ExactAddress:
    """One address; the empty one is the null sender."""

    text: str
    client_only = False
    asks_names = False

    def matches(self, facts: MailFacts, side: Side) -> bool:
        """See `Pattern`."""
        return _address(facts, side).text == self.text

    def keys(self, _side: Side) -> tuple[Key, ...] | None:
        """See `Pattern`."""
        return (self.text,)


@dataclass(frozen=True, slots=True)
class Domain:
    """All addresses of one domain."""

    domain: str
    client_only = False
    asks_names = False

    def matches(self, facts: MailFacts, side: Side) -> bool:
        """See `Pattern`."""
        return _address(facts, side).domain == self.domain

    def keys(self, _side: Side) -> tuple[Key, ...] | None:
        """See `Pattern`."""
        return (domain_key(self.domain),)


@dataclass(frozen=True, slots=True)
class Wildcard:
    """Addresses whose two halves look like this."""

    local: Glob
    domain: Glob
    client_only = False
    asks_names = False

    def matches(self, facts: MailFacts, side: Side) -> bool:
        """See `Pattern`."""
        address = _address(facts, side)
        return self.domain.fits(address.domain) and self.local.fits(address.local)

    def keys(self, _side: Side) -> tuple[Key, ...] | None:
        """See `Pattern`."""
        if len(self.domain.parts) == 1:
            return (domain_key(self.domain.parts[0]),)
        if self.domain.parts[-1].startswith("."):
            return (below_key(self.domain.parts[-1][1:]),)
        if len(self.local.parts) == 1:
            return (user_key(self.local.parts[0]),)
        return None


@dataclass(frozen=True, slots=True)
class AddressExpression:
    """Addresses in which a regular expression is found."""

    expression: Expression
    client_only = False
    asks_names = False

    def matches(self, facts: MailFacts, side: Side) -> bool:
        """See `Pattern`."""
        return self.expression.search(_address(facts, side).text)

    def keys(self, _side: Side) -> tuple[Key, ...] | None:
        """See `Pattern`."""
        return None


@dataclass(frozen=True, slots=True)
class ClientRange:
    """Client addresses from `low` to `high` (both included), as numbers of one IP version."""

    version: int
    low: int
    high: int
    client_only = True
    asks_names = False

    def matches(self, facts: MailFacts, side: Side) -> bool:
        """See `Pattern`."""
        client = facts.client_number
        if side is not Side.SENDER or client is None:
            return False
        return client.version == self.version and self.low <= client.number <= self.high

    def keys(self, side: Side) -> tuple[Key, ...] | None:
        """See `Pattern`."""
        if side is not Side.SENDER:
            return ()
        if self.version == 4:  # noqa: PLR2004 - IPv4
            networks: Iterable[tuple[int, int, int]] = (
                (int(network.network_address), network.prefixlen, 32)
                for network in summarize_address_range(IPv4Address(self.low), IPv4Address(self.high))
            )
        else:
            networks = (
                (int(network.network_address), network.prefixlen, 128)
                for network in summarize_address_range(IPv6Address(self.low), IPv6Address(self.high))
            )
        return tuple((self.version, bits, first >> (size - bits)) for first, bits, size in networks)


@dataclass(frozen=True, slots=True)
class ClientExpression:
    """Client addresses in which a regular expression is found."""

    expression: Expression
    client_only = True
    asks_names = False

    def matches(self, facts: MailFacts, side: Side) -> bool:
        """See `Pattern`."""
        return side is Side.SENDER and self.expression.search(facts.client_text)

    def keys(self, side: Side) -> tuple[Key, ...] | None:
        """See `Pattern`."""
        return None if side is Side.SENDER else ()


@dataclass(frozen=True, slots=True)
class ClientName:
    """Clients with a name that looks like this, or with one below it."""

    name: Glob
    #: Whether the name must lead back to the client's address.
    verified: bool
    client_only = True
    asks_names = True

    def matches(self, facts: MailFacts, side: Side) -> bool:
        """See `Pattern`."""
        if side is not Side.SENDER or not _has_name(facts.client_host, verified=self.verified):
            return False
        return any(self.name.fits(name) for name in facts.client_names)

    def keys(self, side: Side) -> tuple[Key, ...] | None:
        """See `Pattern`."""
        if side is not Side.SENDER:
            return ()
        if len(self.name.parts) == 1:
            return (name_key(self.name.parts[0]),)
        return (name_key(self.name.parts[-1][1:]),) if self.name.parts[-1].startswith(".") else None


@dataclass(frozen=True, slots=True)
class ClientNameExpression:
    """Clients in whose name a regular expression is found."""

    expression: Expression
    #: Whether the name must lead back to the client's address.
    verified: bool
    client_only = True
    asks_names = True

    def matches(self, facts: MailFacts, side: Side) -> bool:
        """See `Pattern`."""
        if side is not Side.SENDER or not _has_name(facts.client_host, verified=self.verified):
            return False
        return self.expression.search(facts.client_host.name)

    def keys(self, side: Side) -> tuple[Key, ...] | None:
        """See `Pattern`."""
        return None if side is Side.SENDER else ()


@dataclass(frozen=True, slots=True)
class ClientReverse:
    """Clients of which this is known: that they have no name, or one that leads elsewhere."""

    reverse: Reverse
    client_only = True
    asks_names = True

    def matches(self, facts: MailFacts, side: Side) -> bool:
        """See `Pattern`."""
        return side is Side.SENDER and facts.client_host.reverse is self.reverse

    def keys(self, side: Side) -> tuple[Key, ...] | None:
        """See `Pattern`."""
        return None if side is Side.SENDER else ()


def _has_name(host: HostName, *, verified: bool) -> bool:
    return host.reverse is Reverse.VERIFIED or (not verified and host.reverse is Reverse.SPOOFED)


@dataclass(frozen=True, slots=True)
class VirusName:
    """Mail in which a virus was found whose name looks like this, or has the expression in it."""

    name: Glob | Expression
    client_only = False
    asks_names = False

    def matches(self, facts: MailFacts, side: Side) -> bool:
        """See `Pattern`."""
        test = self.name.fits if isinstance(self.name, Glob) else self.name.search
        return side is Side.VIRUS and any(test(virus.lower()) for virus in facts.viruses)

    def keys(self, side: Side) -> tuple[Key, ...] | None:
        """See `Pattern`."""
        return (VIRUS_KEY,) if side is Side.VIRUS else ()


@dataclass(frozen=True)
class AnyOf:
    """Mail that fits at least one pattern of a list."""

    patterns: tuple[Pattern, ...]

    @property
    def client_only(self) -> bool:
        """See `Pattern`."""
        return all(pattern.client_only for pattern in self.patterns)

    @property
    def asks_names(self) -> bool:
        """See `Pattern`."""
        return any(pattern.asks_names for pattern in self.patterns)

    def matches(self, facts: MailFacts, side: Side) -> bool:
        """See `Pattern`."""
        found = self._index.candidates(facts, (side,))
        return any(self.patterns[number].matches(facts, side) for number in found)

    def keys(self, side: Side) -> tuple[Key, ...] | None:
        """See `Pattern`."""
        if len(self.patterns) > MOST_KEYS:
            return None
        return join_keys(pattern.keys(side) for pattern in self.patterns)

    @cached_property
    def _index(self) -> Index:
        sides = (Side.SENDER, Side.RECIPIENT, Side.VIRUS)
        return Index(
            join_keys(_sided(pattern.keys(side), side) for side in sides) for pattern in self.patterns
        )


def _sided(keys: tuple[Key, ...] | None, side: Side) -> tuple[tuple[Side, Key], ...] | None:
    return None if keys is None else tuple((side, key) for key in keys)
