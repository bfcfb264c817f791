"""Options of MailScanner's about subject lines."""

from __future__ import annotations

from typing import Final

from mailmill.settings.known.record import DIFFERENT, NOT_YET, SUPPORTED, Known
from mailmill.settings.option import Rules

_NO_CHECK: Final = "There is no such check."
_SPAM: Final = (
    "The default is no where no file says otherwise, because a tag breaks DKIM signatures. Decided for each "
    "recipient."
)

OPTIONS: Final = (
    Known(
        "Scanned Modify Subject",
        DIFFERENT,
        "no",
        "Messages with a DKIM or ARC signature, and those that were not looked into completely, stay as they "
        "are.",
        rules=Rules.FIRST,
    ),
    Known("Scanned Subject Text", SUPPORTED, "{Scanned}", rules=Rules.FIRST),
    Known(
        "Virus Modify Subject",
        NOT_YET,
        "start",
        "Infected messages are kept in the quarantine, not delivered.",
        does="no",
        rules=Rules.FIRST,
    ),
    Known(
        "Virus Subject Text",
        NOT_YET,
        "{Virus?}",
        "Infected messages are kept in the quarantine, not delivered.",
        rules=Rules.FIRST,
    ),
    Known(
        "Filename Modify Subject",
        NOT_YET,
        "start",
        "Such messages are kept in the quarantine, not delivered.",
        does="no",
        rules=Rules.FIRST,
    ),
    Known(
        "Filename Subject Text",
        NOT_YET,
        "{Filename?}",
        "Such messages are kept in the quarantine, not delivered.",
        rules=Rules.FIRST,
    ),
    Known("Content Modify Subject", NOT_YET, "start", _NO_CHECK, does="no", rules=Rules.FIRST),
    Known("Content Subject Text", NOT_YET, "{Dangerous Content?}", _NO_CHECK, rules=Rules.FIRST),
    Known("Size Modify Subject", NOT_YET, "start", _NO_CHECK, does="no", rules=Rules.FIRST),
    Known("Size Subject Text", NOT_YET, "{Size}", _NO_CHECK, rules=Rules.FIRST),
    Known(
        "Disarmed Modify Subject",
        NOT_YET,
        "start",
        "HTML is delivered as it is.",
        does="no",
        rules=Rules.FIRST,
    ),
    Known("Disarmed Subject Text", NOT_YET, "{Disarmed}", "HTML is delivered as it is.", rules=Rules.FIRST),
    Known("Phishing Modify Subject", NOT_YET, "no", _NO_CHECK, does="no", rules=Rules.ALL),
    Known("Phishing Subject Text", NOT_YET, "{Fraud?}", _NO_CHECK, rules=Rules.FIRST),
    Known("Spam Modify Subject", DIFFERENT, "start", _SPAM, rules=Rules.FIRST),
    Known("Spam Subject Text", SUPPORTED, "{Spam?}", rules=Rules.FIRST),
    Known("High Scoring Spam Modify Subject", DIFFERENT, "start", _SPAM, rules=Rules.FIRST),
    Known("High Scoring Spam Subject Text", SUPPORTED, "{Spam?}", rules=Rules.FIRST),
)
