"""A ruleset: the values that an option has for different mail, and how they are looked up."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from mailmill.settings.facts import MailFacts
from mailmill.settings.patterns import Pattern, Side, join_keys, mail_keys

T = TypeVar("T")


class Direction(enum.Enum):
    """Which sides of the mail a pattern is held against."""

    FROM = "From"
    TO = "To"
    FROM_OR_TO = "FromOrTo"
    FROM_AND_TO = "FromAndTo"

    @property
    def sides(self) -> tuple[Side, ...]:
        """The sides, the sender first."""
        return {Direction.FROM: (Side.SENDER,), Direction.TO: (Side.RECIPIENT,)}.get(self, tuple(Side))


@dataclass(frozen=True)
class Condition:
    """One `Direction pattern`."""

    direction: Direction
    pattern: Pattern

    def matches(self, facts: MailFacts) -> bool:
        """Say whether this holds for a recipient's copy of a message."""
        found = (self.pattern.matches(facts, side) for side in self.direction.sides)
        return all(found) if self.direction is Direction.FROM_AND_TO else any(found)

    @property
    def keys(self) -> tuple[str, ...] | None:
        """Index keys as in `Pattern.keys`, for both sides together."""
        several = [self.pattern.keys(side) for side in self.direction.sides]
        if self.direction is Direction.FROM_AND_TO:
            return _shortest(several)
        return join_keys(iter(several))


@dataclass(frozen=True)
class Rule(Generic[T]):
    """One line of a ruleset: its value counts when all its conditions (one or two) hold."""

    conditions: tuple[Condition, ...]
    value: T

    def matches(self, facts: MailFacts) -> bool:
        """Say whether the rule holds for a recipient's copy of a message."""
        return all(condition.matches(facts) for condition in self.conditions)

    @property
    def keys(self) -> tuple[str, ...] | None:
        """Index keys as in `Pattern.keys`."""
        return _shortest([condition.keys for condition in self.conditions])


class RuleSet(Generic[T]):
    """The values of one option. A plain value in MailScanner.conf is a ruleset without rules.

    Rules are evaluated for one recipient at a time. Those for whole addresses, domains and client addresses
    are found through an index, so that a list of many thousands costs no more than a short one.
    """

    def __init__(self, rules: Sequence[Rule[T]], default: T) -> None:
        """Use the rules in their order, and `default` for mail that none of them matches."""
        self.rules = tuple(rules)
        self.default = default
        self._index: dict[str, list[int]] = {}
        self._unindexed: list[int] = []
        for number, rule in enumerate(self.rules):
            keys = rule.keys
            if keys is None:
                self._unindexed.append(number)
                continue
            for key in dict.fromkeys(keys):
                self._index.setdefault(key, []).append(number)

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
        numbers = set(self._unindexed)
        for key in mail_keys(facts):
            numbers.update(self._index.get(key, ()))
        for number in sorted(numbers):
            rule = self.rules[number]
            if rule.matches(facts):
                yield rule.value


def _shortest(several: Sequence[tuple[str, ...] | None]) -> tuple[str, ...] | None:
    """Return the keys of mail that all of several patterns match: any one list will do."""
    return min((keys for keys in several if keys is not None), key=len, default=None)
