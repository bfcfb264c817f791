"""The syntax of ruleset files: `Direction pattern [and Direction pattern] value`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Generic, TypeVar

from mailmill.settings.files import DiskFiles, Files
from mailmill.settings.lines import Line, read_lines
from mailmill.settings.patterns import AnyOf, Anything, Pattern
from mailmill.settings.patternsyntax import parse_pattern
from mailmill.settings.ruleset import Condition, Direction, Rule, RuleSet

T = TypeVar("T")

_CONDITION: Final = re.compile(r"(\S+)\s+(\S+)(?:\s+(.*))?")
_AND: Final = re.compile(r"and\s+(.*)", re.IGNORECASE)
#: How deep files of patterns may name further ones (MailScanner: 4).
_MAX_DEPTH: Final = 4


@dataclass
class RuleSetReader(Generic[T]):
    """Reads a ruleset file; what is wrong in it is added to `problems` and `warnings`, with file and line."""

    #: Turns the text of a value into the value; raises ValueError.
    parse: Callable[[str], T]
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    #: Where files are read from.
    files: Files = field(default_factory=DiskFiles)

    def read(self, path: Path, default: T) -> RuleSet[T]:
        """Return the rules of a file; `default` counts when the file has none of its own."""
        rules: list[Rule[T]] = []
        default_line = 0
        for line in self._lines(path):
            where = f"{path}:{line.number}"
            try:
                rule = self._rule(line, where)
            except ValueError as exc:
                self.problems.append(f"{where}: {exc}")
                continue
            if not all(isinstance(condition.pattern, Anything) for condition in rule.conditions):
                rules.append(rule)
                continue
            if default_line:
                self.warnings.append(
                    f"{where}: the default was set before ({path}:{default_line}); this one counts"
                )
            default, default_line = rule.value, line.number
        return RuleSet(rules, default, path, default_line)

    def _rule(self, line: Line, where: str) -> Rule[T]:
        condition, rest = self._condition(line.text, where)
        conditions = [condition]
        if more := _AND.fullmatch(rest):
            condition, rest = self._condition(more[1], where)
            conditions.append(condition)
        return Rule(tuple(conditions), self.parse(rest), line.number)

    def _condition(self, text: str, where: str) -> tuple[Condition, str]:
        words = _CONDITION.fullmatch(text)
        if not words:
            raise ValueError(f"not understood: {text!r} (Direction pattern value)")
        condition = Condition(_direction(words[1]), self._pattern(words[2], depth=0))
        if condition.pattern.client_only and condition.direction in {Direction.TO, Direction.FROM_AND_TO}:
            self.warnings.append(f"{where}: {words[1]} {words[2]} never matches: only From: knows the client")
        return condition, words[3] or ""

    def _pattern(self, text: str, depth: int) -> Pattern:
        if len(text) > 1 and text.startswith("/") and not text.endswith("/"):
            return AnyOf(tuple(self._pattern_list(Path(text), depth + 1)))
        return parse_pattern(text)

    def _pattern_list(self, path: Path, depth: int) -> Iterator[Pattern]:
        """Yield the patterns in a file of patterns, one a line."""
        if depth > _MAX_DEPTH:
            raise ValueError(f"files of patterns are nested more than {_MAX_DEPTH} deep at {path}")
        for line in self._lines(path):
            try:
                yield self._pattern(line.text, depth)
            except ValueError as exc:
                self.problems.append(f"{path}:{line.number}: {exc}")

    def _lines(self, path: Path) -> Iterator[Line]:
        return read_lines(path, self.problems, self.warnings, self.files)


def _direction(word: str) -> Direction:
    """Return the direction of a word that contains from, to or and, as MailScanner reads it."""
    sides = word.lower()
    if "virus" in sides:
        raise ValueError("Virus: rules are not supported")
    if "and" in sides:
        return Direction.FROM_AND_TO
    if "from" in sides:
        return Direction.FROM_OR_TO if "to" in sides else Direction.FROM
    if "to" in sides:
        return Direction.TO
    raise ValueError(f"{word!r} is none of From:, To:, FromOrTo:, FromAndTo:")
