"""Options of MailScanner's about subject lines."""

from __future__ import annotations

from typing import Final

from mailmill.settings.known.record import NOT_YET, Known
from mailmill.settings.option import Rules

_NOT_CHANGED: Final = "Subjects are not changed."

OPTIONS: Final = (
    Known("Scanned Modify Subject", NOT_YET, "no", _NOT_CHANGED, does="no", rules=Rules.FIRST),
    Known("Scanned Subject Text", NOT_YET, "{Scanned}", _NOT_CHANGED, rules=Rules.FIRST),
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
    Known("Content Modify Subject", NOT_YET, "start", _NOT_CHANGED, does="no", rules=Rules.FIRST),
    Known("Content Subject Text", NOT_YET, "{Dangerous Content?}", _NOT_CHANGED, rules=Rules.FIRST),
    Known("Size Modify Subject", NOT_YET, "start", _NOT_CHANGED, does="no", rules=Rules.FIRST),
    Known("Size Subject Text", NOT_YET, "{Size}", _NOT_CHANGED, rules=Rules.FIRST),
    Known(
        "Disarmed Modify Subject",
        NOT_YET,
        "start",
        "HTML is delivered as it is.",
        does="no",
        rules=Rules.FIRST,
    ),
    Known("Disarmed Subject Text", NOT_YET, "{Disarmed}", "HTML is delivered as it is.", rules=Rules.FIRST),
    Known("Phishing Modify Subject", NOT_YET, "no", _NOT_CHANGED, does="no", rules=Rules.ALL),
    Known("Phishing Subject Text", NOT_YET, "{Fraud?}", _NOT_CHANGED, rules=Rules.FIRST),
    Known(
        "Spam Modify Subject",
        NOT_YET,
        "start",
        'Let mail programs sort by a header: Spam Actions = deliver header "X-Spam-Status: Yes".',
        does="no",
        rules=Rules.FIRST,
    ),
    Known("Spam Subject Text", NOT_YET, "{Spam?}", _NOT_CHANGED, rules=Rules.FIRST),
    Known(
        "High Scoring Spam Modify Subject",
        NOT_YET,
        "start",
        'Let mail programs sort by a header: Spam Actions = deliver header "X-Spam-Status: Yes".',
        does="no",
        rules=Rules.FIRST,
    ),
    Known("High Scoring Spam Subject Text", NOT_YET, "{Spam?}", _NOT_CHANGED, rules=Rules.FIRST),
)
