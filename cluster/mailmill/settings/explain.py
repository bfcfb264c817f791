"""Which rule of which file decides an option, for one recipient's copy of a message."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mailmill.settings.facts import MailFacts
from mailmill.settings.functions import FunctionValues
from mailmill.settings.lines import read_lines
from mailmill.settings.option import Option, Rules
from mailmill.settings.values import Settings


@dataclass(frozen=True)
class Reason:
    """One thing that decides: a rule, the default of a ruleset, or the value for all mail."""

    #: `file:line`, the name of an environment variable, or `default` for an option that nobody set.
    where: str
    #: The rule as it is written, or the value.
    text: str


@dataclass
class Explainer:
    """Explains the values of options; remembers the files that it looks into."""

    settings: Settings
    _lines: dict[Path, dict[int, str]] = field(default_factory=dict)

    def reasons(self, option: Option[Any], facts: MailFacts) -> tuple[Reason, ...]:
        """Return what decides an option; several only where an option takes all rules that match."""
        return tuple(self._reasons(option, facts))

    def _reasons(self, option: Option[Any], facts: MailFacts) -> Iterator[Reason]:
        rules = self.settings.ruleset(option)
        if isinstance(rules, FunctionValues):
            said = rules.first(facts)
            yield Reason(str(self.settings.source(option)), f"{self.settings.text(option)} says {said!r}")
            return
        if rules.path is None:
            yield Reason(str(self.settings.source(option)), self.settings.text(option))
            return
        matching = [rule.line for rule in rules.matching(facts)]
        lines = matching if option.rules is Rules.ALL else matching[:1]
        if not lines and not rules.default_line:
            yield Reason(f"{rules.path} has no default", option.default)
        for line in lines or [rules.default_line] * bool(rules.default_line):
            yield self._rule(rules.path, line)

    def _rule(self, path: Path, line: int) -> Reason:
        if path not in self._lines:
            lines = read_lines(path, [], [], self.settings.files)
            self._lines[path] = {each.number: each.text for each in lines}
        return Reason(f"{path}:{line}", " ".join(self._lines[path][line].split()))
