"""Options of MailScanner's about what is done with spam."""

from __future__ import annotations

from typing import Final

from mailmill.settings.known.record import DIFFERENT, SUPPORTED, Known
from mailmill.settings.option import Rules

_ACTIONS: Final = (
    "Decided for each recipient. striphtml, custom(...), store-mcp, store-nonmcp and store-/DIRECTORY "
    "are not supported yet."
)

OPTIONS: Final = (
    Known("Spam Actions", DIFFERENT, 'deliver header "X-Spam-Status: Yes"', _ACTIONS, rules=Rules.FIRST),
    Known("High Scoring Spam Actions", DIFFERENT, "store", _ACTIONS, rules=Rules.FIRST),
    Known(
        "Non Spam Actions",
        DIFFERENT,
        'deliver header "X-Spam-Status: No"',
        _ACTIONS,
        rules=Rules.FIRST,
    ),
    Known(
        "SpamAssassin Rule Actions",
        DIFFERENT,
        "",
        "For each recipient. The names are those of the spam scanner in use, so rspamd's symbols too.",
        rules=Rules.ALL,
    ),
    Known(
        "Enable Spam Bounce",
        DIFFERENT,
        "%rules-dir%/bounce.rules",
        "The default is no here; MailScanner ships a ruleset.",
        rules=Rules.FIRST,
    ),
    Known("Bounce Spam As Attachment", SUPPORTED, "no", rules=Rules.FIRST),
)
