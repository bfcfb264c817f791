"""The syntax of ruleset files: `Direction pattern [and Direction pattern] value`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from mailmill.settings.conffile import logical_lines
from mailmill.settings.patterns import Anything, Pattern, parse_pattern
from mailmill.settings.ruleset import Condition, Direction, Rule, RuleSet

T = TypeVar("T")


@dataclass
class RuleSetFile(Generic[T]):
    """One ruleset file being read."""

    #: Turns the text of a value (unexpanded) into the value; raises ValueError.
    parse: Callable[[str], T]
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def read(self, path: Path, default: T) -> RuleSet[T]:
        """Return the rules of a file; `default` counts when it has no default of its own."""
        rules: list[Rule[T]] = []
        try:
            data = path.read_bytes()
        except OSError as exc:
            self.problems.append(f"{path}: cannot be read: {exc.strerror or exc}")
            return RuleSet.constant(default)
        for number, line, _ in logical_lines(data):
            try:
                rule = self._rule(line)
            except ValueError as exc:
                self.problems.append(f"{path}:{number}: {exc}")
                continue
            if all(isinstance(condition.pattern, Anything) for condition in rule.conditions):
                default = rule.value
            else:
                rules.append(rule)
        return RuleSet(rules, default)

    def _rule(self, line: str) -> Rule[T]:
        condition, rest = self._condition(line)
        conditions = [condition]
        word, _, more = rest.partition(" ")
        if word.lower() == "and":
            condition, rest = self._condition(more)
            conditions.append(condition)
        return Rule(tuple(conditions), self.parse(rest))

    def _condition(self, text: str) -> tuple[Condition, str]:
        words = text.split(None, 2)
        if len(words) < 2:  # noqa: PLR2004 - a direction and a pattern
            raise ValueError(f"not understood: {text!r} (Direction pattern value)")
        return Condition(_direction(words[0]), _pattern(words[1])), words[2] if len(words) > 2 else ""  # noqa: PLR2004 - a value


def _direction(word: str) -> Direction:
    sides = word.lower()
    if "and" in sides:
        return Direction.FROM_AND_TO
    if "from" in sides:
        return Direction.FROM_OR_TO if "to" in sides else Direction.FROM
    if "to" in sides:
        return Direction.TO
    raise ValueError(f"{word!r} is none of From:, To:, FromOrTo:, FromAndTo:")


def _pattern(text: str) -> Pattern:
    return parse_pattern(text)
