"""MailScanner.conf: the table of options, the parser and the values in force."""

from __future__ import annotations

from mailmill.settings.option import Option, Origin, Rules
from mailmill.settings.values import Settings

__all__ = ["Option", "Origin", "Rules", "Settings"]
