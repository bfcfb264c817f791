"""A ruleset: the values that an option has for different mail, and how they are looked up."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from mailmill.settings.facts import MailFacts
from mailmill.settings.patterns import Pattern, Subject

T = TypeVar("T")


class Direction(enum.Enum):
    """Which side of the mail a pattern is held against."""

    FROM = "From"
    TO = "To"
    FROM_OR_TO = "FromOrTo"
    FROM_AND_TO = "FromAndTo"


@dataclass(frozen=True)
class Condition:
    """One `Direction pattern`."""

    direction: Direction
    pattern: Pattern

    def matches(self, facts: MailFacts) -> bool:
        """Say whether this holds for a recipient's copy of a message."""
        if self.direction is Direction.FROM:
            return self.pattern.matches(facts, Subject.SENDER)
        if self.direction is Direction.TO:
            return self.pattern.matches(facts, Subject.RECIPIENT)
        sides = (self.pattern.matches(facts, side) for side in Subject)
        return any(sides) if self.direction is Direction.FROM_OR_TO else all(sides)

    @property
    def keys(self) -> tuple[str, ...]:
        """Index keys of which mail that matches has at least one; empty when there is no such list."""
        if self.direction is Direction.FROM_OR_TO:
            found = [self.pattern.key(side) for side in Subject]
        elif self.direction is Direction.TO:
            found = [self.pattern.key(Subject.RECIPIENT)]
        else:
            found = [self.pattern.key(Subject.SENDER)]
        return () if None in found else tuple(key for key in found if key)


@dataclass(frozen=True)
class Rule(Generic[T]):
    """One line of a ruleset: its value counts when all its conditions (one or two) hold."""

    conditions: tuple[Condition, ...]
    value: T

    def matches(self, facts: MailFacts) -> bool:
        """Say whether the rule holds for a recipient's copy of a message."""
        return all(condition.matches(facts) for condition in self.conditions)


class RuleSet(Generic[T]):
    """The values of one option. A plain value in MailScanner.conf is a ruleset without rules."""

    def __init__(self, rules: Sequence[Rule[T]], default: T) -> None:
        """Use the rules in their order, and `default` for mail that none of them matches."""
        self.rules = tuple(rules)
        self.default = default
        self._index: dict[str, list[int]] = {}
        self._unindexed: list[int] = []
        for number, rule in enumerate(self.rules):
            keys = next((c.keys for c in rule.conditions if c.keys), ())
            for key in keys:
                self._index.setdefault(key, []).append(number)
            if not keys:
                self._unindexed.append(number)

    @classmethod
    def constant(cls, value: T) -> RuleSet[T]:
        """Return the ruleset that has one value for all mail."""
        return cls((), value)

    @property
    def is_constant(self) -> bool:
        """Whether the value is `default` for all mail."""
        return not self.rules

    def first(self, facts: MailFacts) -> T:
        """Return the value of the first rule that matches, or the default."""
        return next(self._matching(facts), self.default)

    def all(self, facts: MailFacts) -> tuple[T, ...]:
        """Return the values of all rules that match, in their order; the default alone when none does."""
        return tuple(self._matching(facts)) or (self.default,)

    def _matching(self, facts: MailFacts) -> Iterator[T]:
        if not self.rules:
            return
        numbers = list(self._unindexed)
        for key in _keys_of(facts):
            numbers += self._index.get(key, ())
        for number in sorted(set(numbers)):
            rule = self.rules[number]
            if rule.matches(facts):
                yield rule.value


def _keys_of(facts: MailFacts) -> Iterator[str]:
    """Yield every index key that a pattern matching this mail can have (see `Pattern.key`)."""
    for side, address in (
        (Subject.SENDER, facts.sender_address),
        (Subject.RECIPIENT, facts.recipient_address),
    ):
        yield f"{side.value} {address.text}"
        yield f"{side.value} @{address.domain}"
