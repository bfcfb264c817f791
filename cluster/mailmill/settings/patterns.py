"""The patterns of rulesets: addresses with wildcards, regular expressions, client addresses and names."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import Protocol

from mailmill.settings.facts import Address, MailFacts, split_address


class Subject(enum.Enum):
    """What a pattern is held against: the sender (and its client) or the recipient."""

    SENDER = "from"
    RECIPIENT = "to"


class Pattern(Protocol):
    """A compiled pattern."""

    def matches(self, facts: MailFacts, subject: Subject) -> bool:
        """Say whether the pattern fits that side of a recipient's copy of a message."""

    def key(self, subject: Subject) -> str | None:
        """Return the one index key that all mail matching on that side has, or None.

        It is the side, a space, and a whole address or `@domain`.
        """


def _address(facts: MailFacts, subject: Subject) -> Address:
    return facts.sender_address if subject is Subject.SENDER else facts.recipient_address


@dataclass(frozen=True)
class Anything:
    """All mail: `default`, `*`, `*@*`."""

    def matches(self, _facts: MailFacts, _subject: Subject) -> bool:
        """See `Pattern`."""
        return True

    def key(self, _subject: Subject) -> str | None:
        """See `Pattern`."""
        return None


@dataclass(frozen=True)
class ExactAddress:
    """One address; the empty one is the null sender."""

    address: Address

    def matches(self, facts: MailFacts, subject: Subject) -> bool:
        """See `Pattern`."""
        return _address(facts, subject) == self.address

    def key(self, subject: Subject) -> str | None:
        """See `Pattern`."""
        return f"{subject.value} {self.address.text}"


@dataclass(frozen=True)
class Domain:
    """All addresses of one domain."""

    domain: str

    def matches(self, facts: MailFacts, subject: Subject) -> bool:
        """See `Pattern`."""
        return _address(facts, subject).domain == self.domain

    def key(self, subject: Subject) -> str | None:
        """See `Pattern`."""
        return f"{subject.value} @{self.domain}"


@dataclass(frozen=True)
class Wildcard:
    """Addresses whose two halves fit expressions made from `*`."""

    local: re.Pattern[str]
    domain: re.Pattern[str]

    def matches(self, facts: MailFacts, subject: Subject) -> bool:
        """See `Pattern`."""
        address = _address(facts, subject)
        return bool(self.local.fullmatch(address.local) and self.domain.fullmatch(address.domain))

    def key(self, _subject: Subject) -> str | None:
        """See `Pattern`."""
        return None


def _glob(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in text.split("*")), re.DOTALL)


def parse_pattern(text: str) -> Pattern:
    """Return the pattern that stands in a ruleset.

    Raises:
        ValueError: it is none; the message says why.
    """
    if text.lower() in {"default", "*", "*@*", "*@", "@*"}:
        return Anything()
    if text == "<>":
        return ExactAddress(Address("", ""))
    whole = split_address(text if "@" in text else f"*@{text}")
    address = whole._replace(domain=whole.domain or "*")
    if "*" not in address.text:
        return ExactAddress(address)
    if address.local == "*" and "*" not in address.domain:
        return Domain(address.domain)
    return Wildcard(_glob(address.local), _glob(address.domain))
