"""The errors that Mailmill raises on purpose, all below `MailmillError`."""

from __future__ import annotations

from collections.abc import Sequence


class MailmillError(Exception):
    """Base of all errors of this project."""


class RecordError(MailmillError):
    """Stored bytes are not the record they should be."""


class SpoolError(MailmillError):
    """The spool cannot do what was asked; the message is where it was before."""


class DamagedSpoolFileError(SpoolError):
    """A spool file is truncated or altered: it must not be delivered and must not be deleted."""


class ConfigError(MailmillError):
    """The configuration cannot be used; `problems` holds one line for each fault.

    `warnings` holds what would have been warned about otherwise, so that a check tells everything at once.
    """

    def __init__(self, problems: list[str], warnings: Sequence[str] = ()) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
        self.warnings = tuple(warnings)


class NotNowError(ConfigError):
    """What the configuration names is not to be had at the moment: another start may be luckier."""


class ContentsError(MailmillError):
    """The contents store cannot be reached or refuses."""


class BrokerError(MailmillError):
    """The broker cannot be reached or refuses a task."""


class MessageLogError(MailmillError):
    """The database of the message log cannot be used."""
