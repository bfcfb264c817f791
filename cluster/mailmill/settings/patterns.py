"""The patterns of rulesets, compiled: addresses with wildcards, expressions, client addresses and names.

A pattern is held against the sender's side of a message (the envelope sender and its client) or against the
recipient's. What only the client has (address, name) is never found on the recipient's side.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from mailmill.settings.facts import Address, MailFacts


class Side(enum.Enum):
    """What a pattern is held against."""

    SENDER = "from"
    RECIPIENT = "to"


class Pattern(Protocol):
    """A compiled pattern."""

    @property
    def client_only(self) -> bool:
        """Whether it asks about the client, so that it can match on the sender's side only."""

    def matches(self, facts: MailFacts, side: Side) -> bool:
        """Say whether the pattern fits that side of a recipient's copy of a message."""

    def keys(self, side: Side) -> tuple[str, ...] | None:
        """Return index keys of which all mail that matches on that side has at least one (see `mail_keys`).

        Empty: no mail matches on that side. None: there is no such list.
        """


def mail_keys(facts: MailFacts) -> Iterator[str]:
    """Yield all index keys that a recipient's copy of a message has."""
    for side in Side:
        address = _address(facts, side)
        yield _address_key(side, address)
        yield _domain_key(side, address.domain)
    if facts.client_number:
        yield _client_key(*facts.client_number)


def _address(facts: MailFacts, side: Side) -> Address:
    return facts.sender_address if side is Side.SENDER else facts.recipient_address


def _address_key(side: Side, address: Address) -> str:
    return f"{side.value} {address.text}"


def _domain_key(side: Side, domain: str) -> str:
    return f"{side.value} @{domain}"


def _client_key(version: int, number: int) -> str:
    return f"client {version} {number}"


@dataclass(frozen=True)
class Anything:
    """All mail."""

    client_only = False

    def matches(self, _facts: MailFacts, _side: Side) -> bool:
        """See `Pattern`."""
        return True

    def keys(self, _side: Side) -> tuple[str, ...] | None:
        """See `Pattern`."""
        return None


@dataclass(frozen=True)
class ExactAddress:
    """One address; the empty one is the null sender."""

    address: Address
    client_only = False

    def matches(self, facts: MailFacts, side: Side) -> bool:
        """See `Pattern`."""
        return _address(facts, side) == self.address

    def keys(self, side: Side) -> tuple[str, ...] | None:
        """See `Pattern`."""
        return (_address_key(side, self.address),)


@dataclass(frozen=True)
class Domain:
    """All addresses of one domain."""

    domain: str
    client_only = False

    def matches(self, facts: MailFacts, side: Side) -> bool:
        """See `Pattern`."""
        return _address(facts, side).domain == self.domain

    def keys(self, side: Side) -> tuple[str, ...] | None:
        """See `Pattern`."""
        return (_domain_key(side, self.domain),)


@dataclass(frozen=True)
class Wildcard:
    """Addresses whose two halves fit expressions made from `*`."""

    local: re.Pattern[str]
    domain: re.Pattern[str]
    client_only = False

    def matches(self, facts: MailFacts, side: Side) -> bool:
        """See `Pattern`."""
        address = _address(facts, side)
        return bool(self.domain.fullmatch(address.domain) and self.local.fullmatch(address.local))

    def keys(self, _side: Side) -> tuple[str, ...] | None:
        """See `Pattern`."""
        return None


@dataclass(frozen=True)
class AddressExpression:
    """Addresses in which a regular expression is found."""

    expression: re.Pattern[str]
    client_only = False

    def matches(self, facts: MailFacts, side: Side) -> bool:
        """See `Pattern`."""
        return bool(self.expression.search(_address(facts, side).text))

    def keys(self, _side: Side) -> tuple[str, ...] | None:
        """See `Pattern`."""
        return None


@dataclass(frozen=True)
class ClientRange:
    """Client addresses from `low` to `high` (both included), as numbers of one IP version."""

    version: int
    low: int
    high: int
    client_only = True

    def matches(self, facts: MailFacts, side: Side) -> bool:
        """See `Pattern`."""
        client = facts.client_number
        if side is Side.RECIPIENT or client is None:
            return False
        return client.version == self.version and self.low <= client.number <= self.high

    def keys(self, side: Side) -> tuple[str, ...] | None:
        """See `Pattern`."""
        if side is Side.RECIPIENT:
            return ()
        return (_client_key(self.version, self.low),) if self.low == self.high else None


@dataclass(frozen=True)
class ClientExpression:
    """Client addresses in which a regular expression is found."""

    expression: re.Pattern[str]
    client_only = True

    def matches(self, facts: MailFacts, side: Side) -> bool:
        """See `Pattern`."""
        return side is Side.SENDER and bool(self.expression.search(facts.client_text))

    def keys(self, side: Side) -> tuple[str, ...] | None:
        """See `Pattern`."""
        return () if side is Side.RECIPIENT else None


@dataclass(frozen=True)
class ClientName:
    """Verified client names in which a regular expression is found; the empty name stands for none."""

    expression: re.Pattern[str]
    client_only = True

    def matches(self, facts: MailFacts, side: Side) -> bool:
        """See `Pattern`."""
        return side is Side.SENDER and bool(self.expression.search(facts.client_host))

    def keys(self, side: Side) -> tuple[str, ...] | None:
        """See `Pattern`."""
        return () if side is Side.RECIPIENT else None


@dataclass(frozen=True)
class AnyOf:
    """Mail that fits at least one pattern of a list."""

    patterns: tuple[Pattern, ...]

    @property
    def client_only(self) -> bool:
        """See `Pattern`."""
        return all(pattern.client_only for pattern in self.patterns)

    def matches(self, facts: MailFacts, side: Side) -> bool:
        """See `Pattern`."""
        return any(pattern.matches(facts, side) for pattern in self.patterns)

    def keys(self, side: Side) -> tuple[str, ...] | None:
        """See `Pattern`."""
        return join_keys(pattern.keys(side) for pattern in self.patterns)


def join_keys(several: Iterator[tuple[str, ...] | None]) -> tuple[str, ...] | None:
    """Return the keys of mail that any of several patterns matches; None when one of them has no list."""
    joined: list[str] = []
    for keys in several:
        if keys is None:
            return None
        joined += keys
    return tuple(joined)
