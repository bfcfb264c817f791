"""A ruleset: the values that an option has for different mail, and how they are looked up."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Generic, TypeVar

from mailmill.settings.facts import MailFacts, Side
from mailmill.settings.index import Index, SidedKey, join_keys
from mailmill.settings.patterns import Pattern

T = TypeVar("T")


class Direction(enum.Enum):
    """Which sides of the mail a pattern is held against."""

    FROM = "From"
    TO = "To"
    FROM_OR_TO = "FromOrTo"
    FROM_AND_TO = "FromAndTo"
    VIRUS = "Virus"

    @property
    def sides(self) -> tuple[Side, ...]:
        """The sides, the sender first."""
        return _SIDES[self]


_SIDES: Final = {
    Direction.FROM: (Side.SENDER,),
    Direction.TO: (Side.RECIPIENT,),
    Direction.FROM_OR_TO: (Side.SENDER, Side.RECIPIENT),
    Direction.FROM_AND_TO: (Side.SENDER, Side.RECIPIENT),
    Direction.VIRUS: (Side.VIRUS,),
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One `Direction pattern`."""

    direction: Direction
    pattern: Pattern

    def matches(self, facts: MailFacts) -> bool:
        """Say whether this holds for a recipient's copy of a message."""
        found = (self.pattern.matches(facts, side) for side in self.direction.sides)
        return all(found) if self.direction is Direction.FROM_AND_TO else any(found)

    @property
    def keys(self) -> tuple[SidedKey, ...] | None:
        """Index keys as in `Pattern.keys`, for all sides together."""
        several = [
            None if keys is None else tuple((side, key) for key in keys)
            for side in self.direction.sides
            for keys in (self.pattern.keys(side),)
        ]
        if self.direction is Direction.FROM_AND_TO:
            return _shortest(several)
        return join_keys(several)


@dataclass(frozen=True, slots=True)
class Rule(Generic[T]):
    """One line of a ruleset: its value counts when all its conditions (one or two) hold."""

    conditions: tuple[Condition, ...]
    value: T
    #: Its line in the file, from 1; 0 when it is from no file.
    line: int = field(default=0, compare=False)

    def matches(self, facts: MailFacts) -> bool:
        """Say whether the rule holds for a recipient's copy of a message."""
        return all(condition.matches(facts) for condition in self.conditions)

    @property
    def keys(self) -> tuple[SidedKey, ...] | None:
        """Index keys as in `Pattern.keys`, for all sides together."""
        return _shortest([condition.keys for condition in self.conditions])


class RuleSet(Generic[T]):
    """The values of one option. A plain value in MailScanner.conf is a ruleset without rules.

    Rules are evaluated for one recipient at a time. All but regular expressions and odd wildcards are found
    through an index, so that a list of many thousands costs no more than a short one.
    """

    def __init__(
        self, rules: Sequence[Rule[T]], default: T, path: Path | None = None, default_line: int = 0
    ) -> None:
        """Use the rules in their order, and `default` for mail that none of them matches.

        Args:
            rules: the rules without those for all mail.
            default: the value of the last rule for all mail, or else of the option.
            path: the file that they are from.
            default_line: the line of the default there; 0 when it is the option's.
        """
        self.rules = tuple(rules)
        self.default = default
        self.path = path
        self.default_line = default_line
        self._asks_names = any(
            condition.pattern.asks_names for rule in self.rules for condition in rule.conditions
        )
        self._index = Index(rule.keys for rule in self.rules)

    @classmethod
    def constant(cls, value: T) -> RuleSet[T]:
        """Return the ruleset that has one value for all mail."""
        return cls((), value)

    @property
    def is_constant(self) -> bool:
        """Whether the value is `default` for all mail."""
        return not self.rules

    @property
    def asks_names(self) -> bool:
        """Whether a rule asks for the name of the client."""
        return self._asks_names

    @property
    def may_wait(self) -> bool:
        """Whether `first` may keep its caller waiting, for the DNS or for somebody's function."""
        return self._asks_names

    def first(self, facts: MailFacts) -> T:
        """Return the value of the first rule that matches, or the default."""
        if not self.rules:
            return self.default
        return next((rule.value for rule in self.matching(facts)), self.default)

    def all(self, facts: MailFacts) -> tuple[T, ...]:
        """Return the values of all rules that match, in their order; the default alone when none does."""
        return tuple(rule.value for rule in self.matching(facts)) or (self.default,)

    def matching(self, facts: MailFacts) -> Iterator[Rule[T]]:
        """Yield the rules that match, in their order."""
        for number in self._index.candidates(facts):
            rule = self.rules[number]
            if rule.matches(facts):
                yield rule


def _shortest(several: Sequence[tuple[SidedKey, ...] | None]) -> tuple[SidedKey, ...] | None:
    """Return the keys of mail that all of several patterns match: any one list will do."""
    return min((keys for keys in several if keys is not None), key=len, default=None)
