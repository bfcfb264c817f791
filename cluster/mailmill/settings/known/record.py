"""What is known of one option of MailScanner's: how Mailmill stands to it."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from mailmill.settings.option import Rules, option_key


class Status(enum.Enum):
    """How Mailmill stands to an option of MailScanner's."""

    SUPPORTED = "supported"
    DIFFERENT = "supported differently"
    NOT_YET = "not supported yet"
    NOT_APPLICABLE = "not applicable"


SUPPORTED: Final = Status.SUPPORTED
DIFFERENT: Final = Status.DIFFERENT
NOT_YET: Final = Status.NOT_YET
NOT_APPLICABLE: Final = Status.NOT_APPLICABLE


@dataclass(frozen=True)
class Known:
    """One option of MailScanner's. Its name, default and ruleset are those of MailScanner 5.5.3."""

    name: str
    status: Status
    #: What the file that MailScanner ships says; for an option that is not in it, what its code assumes.
    default: str
    #: How it differs, why it does not apply, or what to do instead. Empty when it is simply supported.
    note: str = ""
    #: The value that says what Mailmill does; None: there is no such value, or the option is read.
    does: str | None = None
    #: Whether MailScanner takes a ruleset there.
    rules: Rules = Rules.NONE

    @property
    def key(self) -> str:
        """The name as it is compared, see `option_key`."""
        return option_key(self.name)
