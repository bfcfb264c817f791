"""Options of MailScanner's about watermarks."""

from __future__ import annotations

from typing import Final

from mailmill.settings.known.record import NOT_YET, Known
from mailmill.settings.option import Rules

_NOT_CHECKED: Final = "Watermarks are not checked."

OPTIONS: Final = (
    Known(
        "Use Watermarking",
        NOT_YET,
        "no",
        "Bounces of mail that was never sent are left to the spam scanner.",
        does="no",
        rules=Rules.ALL,
    ),
    Known("Add Watermark", NOT_YET, "yes", "Watermarks are not added.", does="no", rules=Rules.ALL),
    Known("Check Watermarks With No Sender", NOT_YET, "yes", _NOT_CHECKED, does="no", rules=Rules.ALL),
    Known(
        "Treat Invalid Watermarks With No Sender as Spam",
        NOT_YET,
        "nothing",
        _NOT_CHECKED,
        does="nothing",
        rules=Rules.ALL,
    ),
    Known("Check Watermarks To Skip Spam Checks", NOT_YET, "yes", _NOT_CHECKED, does="no", rules=Rules.ALL),
    Known("Watermark Secret", NOT_YET, "%org-name%-Secret", _NOT_CHECKED, rules=Rules.FIRST),
    Known("Watermark Lifetime", NOT_YET, "604800", _NOT_CHECKED, rules=Rules.FIRST),
    Known(
        "Watermark Header", NOT_YET, "X-%org-name%-MailScanner-Watermark:", _NOT_CHECKED, rules=Rules.FIRST
    ),
)
