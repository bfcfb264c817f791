"""Options of MailScanner's about what is done with spam."""

from __future__ import annotations

from typing import Final

from mailmill.settings.known.record import DIFFERENT, NOT_YET, Known
from mailmill.settings.option import Rules

_PLAIN_ACTIONS: Final = "deliver, delete, store and header; decided for each recipient."

OPTIONS: Final = (
    Known(
        "Spam Actions", DIFFERENT, 'deliver header "X-Spam-Status: Yes"', _PLAIN_ACTIONS, rules=Rules.FIRST
    ),
    Known("High Scoring Spam Actions", DIFFERENT, "store", _PLAIN_ACTIONS, rules=Rules.FIRST),
    Known(
        "Non Spam Actions",
        DIFFERENT,
        'deliver header "X-Spam-Status: No"',
        _PLAIN_ACTIONS,
        rules=Rules.FIRST,
    ),
    Known(
        "SpamAssassin Rule Actions",
        NOT_YET,
        "",
        "Let the spam scanner give points to what a rule finds.",
        does="",
        rules=Rules.ALL,
    ),
    Known(
        "Enable Spam Bounce",
        NOT_YET,
        "%rules-dir%/bounce.rules",
        "Spam is never bounced: its sender is nearly always forged.",
        does="no",
        rules=Rules.FIRST,
    ),
    Known(
        "Bounce Spam As Attachment",
        NOT_YET,
        "no",
        "Spam is never bounced: its sender is nearly always forged.",
        does="no",
        rules=Rules.FIRST,
    ),
)
