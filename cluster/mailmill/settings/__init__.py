"""MailScanner.conf: the table of options, the parser and the values in force."""

from __future__ import annotations

from mailmill.settings.facts import MailFacts
from mailmill.settings.option import Option, Origin, Rules
from mailmill.settings.ruleset import RuleSet
from mailmill.settings.values import Settings

__all__ = ["MailFacts", "Option", "Origin", "RuleSet", "Rules", "Settings"]
