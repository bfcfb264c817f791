"""The values of options for one recipient's copy of a message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from mailmill.settings.facts import MailFacts
from mailmill.settings.option import Option, Rules
from mailmill.settings.options import TABLE
from mailmill.settings.options.reports import LANGUAGE_STRINGS
from mailmill.settings.ruleset import RuleSet
from mailmill.settings.values import Settings

T = TypeVar("T")


class MailSettings:
    """What `Settings` says about one recipient's copy: the results of rulesets, and what is for all mail."""

    def __init__(self, settings: Settings, facts: MailFacts) -> None:
        self._settings = settings
        self.facts = facts

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the recipient's language, see `mailmill.reports.strings`."""
        return self._settings.reports.words(self[LANGUAGE_STRINGS])

    def __getitem__(self, option: Option[T]) -> T:
        """Return the value of an option; where all rules that match count, their values are joined."""
        rules: RuleSet[T] = self._settings.ruleset(option)
        if rules.is_constant:
            return rules.default
        if option.rules is not Rules.ALL:
            return rules.first(self.facts)
        return option.join(rules.all(self.facts))


def asks_names(settings: Settings) -> bool:
    """Say whether a rule asks for the name of the client, which may have to be looked up."""
    return any(settings.ruleset(option).asks_names for option in TABLE.values())
