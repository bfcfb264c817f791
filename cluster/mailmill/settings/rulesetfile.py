"""The syntax of ruleset files: `Direction pattern [and Direction pattern] value`."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Generic, TypeVar

from mailmill.settings.files import DiskFiles, Files
from mailmill.settings.lines import Line, read_lines
from mailmill.settings.patterns import AnyOf, Anything, Pattern
from mailmill.settings.patternsyntax import parse_pattern, parse_virus
from mailmill.settings.ruleset import Condition, Direction, Rule, RuleSet

T = TypeVar("T")

_CONDITION: Final = re.compile(r"(\S+)\s+(\S+)(?:\s+(.*))?")
_AND: Final = re.compile(r"and\s+(.*)", re.IGNORECASE)
#: How deep files of patterns may name further ones (MailScanner: 4).
_MAX_DEPTH: Final = 4
#: Different values of a file that are remembered while it is read.
_KEPT_VALUES: Final = 1024


@dataclass
class RuleSetReader(Generic[T]):
    """Reads a ruleset file; what is wrong in it is added to `problems` and `warnings`, with file and line."""

    #: Turns the text of a value into the value; raises ValueError.
    parse: Callable[[str], T]
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    #: Where files are read from.
    files: Files = field(default_factory=DiskFiles)
    #: `file:line: option` that names the file.
    named_by: str = ""
    #: Turns the path of a file of patterns into that of a copy, see `ConfFile.located`.
    located: Callable[[str], str] = str

    def read(self, path: Path, default: T) -> RuleSet[T]:
        """Return the rules of a file; `default` counts when the file has none of its own."""
        # Most values of a long file are the same: they are one object.
        parse = functools.lru_cache(_KEPT_VALUES)(self.parse)
        rules: list[Rule[T]] = []
        default_line = 0
        for line in self._lines(path, self.named_by):
            where = f"{path}:{line.number}"
            try:
                rule = self._rule(line, where, parse)
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

    def _rule(self, line: Line, where: str, parse: Callable[[str], T]) -> Rule[T]:
        condition, rest = self._condition(line.text, where)
        conditions = [condition]
        if more := _AND.fullmatch(rest):
            condition, rest = self._condition(more[1], where)
            conditions.append(condition)
        return Rule(tuple(conditions), parse(rest), line.number)

    def _condition(self, text: str, where: str) -> tuple[Condition, str]:
        words = _CONDITION.fullmatch(text)
        if not words:
            raise ValueError(f"not understood: {text!r} (Direction pattern value)")
        direction = _direction(words[1])
        parse = parse_virus if direction is Direction.VIRUS else parse_pattern
        condition = Condition(direction, self._pattern(words[2], parse, where, depth=0))
        if condition.pattern.client_only and condition.direction in {Direction.TO, Direction.FROM_AND_TO}:
            self.warnings.append(f"{where}: {words[1]} {words[2]} never matches: only From: knows the client")
        return condition, words[3] or ""

    def _pattern(self, text: str, parse: Callable[[str], Pattern], where: str, depth: int) -> Pattern:
        if len(text) > 1 and text.startswith("/") and not text.endswith("/"):
            return AnyOf(tuple(self._pattern_list(Path(self.located(text)), parse, where, depth + 1)))
        return parse(text)

    def _pattern_list(
        self, path: Path, parse: Callable[[str], Pattern], named_by: str, depth: int
    ) -> Iterator[Pattern]:
        """Yield the patterns in a file of patterns, one a line."""
        if depth > _MAX_DEPTH:
            raise ValueError(f"files of patterns are nested more than {_MAX_DEPTH} deep at {path}")
        for line in self._lines(path, named_by):
            where = f"{path}:{line.number}"
            try:
                yield self._pattern(line.text, parse, where, depth)
            except ValueError as exc:
                self.problems.append(f"{where}: {exc}")

    def _lines(self, path: Path, named_by: str) -> Iterator[Line]:
        return read_lines(path, self.problems, self.warnings, self.files, named_by)


def _direction(word: str) -> Direction:
    """Return the direction of a word that contains from, to, and or virus, as MailScanner reads it."""
    sides = word.lower()
    if "virus" in sides:
        return Direction.VIRUS
    if "and" in sides:
        return Direction.FROM_AND_TO
    if "from" in sides:
        return Direction.FROM_OR_TO if "to" in sides else Direction.FROM
    if "to" in sides:
        return Direction.TO
    raise ValueError(f"{word!r} is none of From:, To:, FromOrTo:, FromAndTo:, Virus:")
