"""Plug-ins of an example site: a list of blocked senders, and an engine that finds secrets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mailmill.findings import Clean, Found
from mailmill.settings import MailFacts, Settings
from mailmill_workers.mail import Mail


def blocked(path: str) -> Callable[[MailFacts], bool | None]:
    """Return the function of `&Blocked(FILE)`: yes for the senders in a file, one a line."""
    senders = frozenset(Path(path).read_text().lower().split())

    def decide(facts: MailFacts) -> bool | None:
        # None leaves it to the default of the option.
        return True if facts.sender.lower() in senders else None

    return decide


class Secrets:
    """The engine `secrets`: stops mail that is marked as secret."""

    def __init__(self, _settings: Settings) -> None:
        self._mark = b"ACME TOP SECRET"

    def scan(self, mail: Mail) -> Clean | Found:
        """Return what is found in a message."""
        return Found(("Acme.Secret",)) if self._mark in mail.content else Clean()
