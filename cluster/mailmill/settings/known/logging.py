"""Options of MailScanner's about logging."""

from __future__ import annotations

from typing import Final

from mailmill.settings.known.record import DIFFERENT, NOT_APPLICABLE, NOT_YET, Known
from mailmill.settings.option import Rules

_MESSAGE_LOG: Final = "The message log has the verdict of every message: mailmill trace."
_ONLY_FORBIDDEN: Final = "Only what was forbidden is logged."

OPTIONS: Final = (
    Known(
        "Syslog Facility",
        NOT_APPLICABLE,
        "mail",
        "Logs go to standard error, from where journald or the container takes them.",
    ),
    Known(
        "Syslog Socket Type",
        NOT_APPLICABLE,
        "",
        "Logs go to standard error, from where journald or the container takes them.",
    ),
    Known("Log Speed", DIFFERENT, "no", "The message log has the time of every step: mailmill trace."),
    Known("Log Spam", DIFFERENT, "no", _MESSAGE_LOG, does="yes"),
    Known("Log Non Spam", DIFFERENT, "no", _MESSAGE_LOG, does="yes"),
    Known(
        "Log Delivery And Non-Delivery",
        DIFFERENT,
        "no",
        "The message log has every delivery: mailmill trace.",
        does="yes",
    ),
    Known("Log Permitted Filenames", NOT_YET, "no", _ONLY_FORBIDDEN, does="no", rules=Rules.FIRST),
    Known("Log Permitted Filetypes", NOT_YET, "no", _ONLY_FORBIDDEN, does="no", rules=Rules.FIRST),
    Known("Log Permitted File MIME Types", NOT_YET, "no", _ONLY_FORBIDDEN, does="no", rules=Rules.FIRST),
    Known("Log Silent Viruses", DIFFERENT, "no", _MESSAGE_LOG, does="yes"),
    Known(
        "Log Dangerous HTML Tags", NOT_YET, "no", "HTML is delivered as it is.", does="no", rules=Rules.FIRST
    ),
    Known(
        "Log IFrame Tags",
        NOT_YET,
        "no",
        "HTML is delivered as it is. An older name of Log Dangerous HTML Tags.",
        does="no",
    ),
    Known("Log SpamAssassin Rule Actions", NOT_YET, "yes", "There are no actions for single rules."),
)
