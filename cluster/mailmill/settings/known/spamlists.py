"""Options of MailScanner's about spam lists, whitelists and blacklists."""

from __future__ import annotations

from typing import Final

from mailmill.settings.known.record import NOT_YET, SUPPORTED, Known
from mailmill.settings.option import Rules

_SCANNERS_LISTS: Final = "DNS lists are the spam scanner's."

OPTIONS: Final = (
    Known("Spam Checks", SUPPORTED, "yes", rules=Rules.FIRST),
    Known(
        "Spam List Definitions",
        NOT_YET,
        "%etc-dir%/spam.lists.conf",
        "DNS lists are the spam scanner's: the module rbl of rspamd.",
    ),
    Known(
        "Spam List",
        NOT_YET,
        "",
        "DNS lists are the spam scanner's: the module rbl of rspamd, or postscreen of Postfix.",
        does="",
        rules=Rules.FIRST,
    ),
    Known(
        "Spam Domain List",
        NOT_YET,
        "",
        "DNS lists are the spam scanner's: the module rbl of rspamd.",
        does="",
        rules=Rules.ALL,
    ),
    Known("Spam Lists To Be Spam", NOT_YET, "1", _SCANNERS_LISTS, rules=Rules.FIRST),
    Known("Spam Lists To Reach High Score", NOT_YET, "3", _SCANNERS_LISTS, rules=Rules.FIRST),
    Known("Spam List Timeout", NOT_YET, "10", _SCANNERS_LISTS),
    Known("Max Spam List Timeouts", NOT_YET, "7", _SCANNERS_LISTS, rules=Rules.FIRST),
    Known("Spam List Timeouts History", NOT_YET, "10", _SCANNERS_LISTS),
    Known("Spam List Skip If Authenticated", NOT_YET, "no", _SCANNERS_LISTS),
    Known(
        "Auto Whitelist Auth Users",
        NOT_YET,
        "no",
        "Authenticated senders are checked like others.",
        does="no",
    ),
    Known(
        "Is Definitely Not Spam",
        SUPPORTED,
        "%rules-dir%/spam.whitelist.rules",
        "Decided for each recipient.",
        rules=Rules.FIRST,
    ),
    Known(
        "Is Definitely Spam",
        SUPPORTED,
        "no",
        "Decided for each recipient; with Milter Scanner refused in the SMTP session.",
        rules=Rules.FIRST,
    ),
    Known("Definite Spam Is High Scoring", SUPPORTED, "no", rules=Rules.FIRST),
    Known("Ignore Spam Whitelist If Recipients Exceed", SUPPORTED, "20"),
    Known("Max Spam Check Size", SUPPORTED, "200k", rules=Rules.FIRST),
)
