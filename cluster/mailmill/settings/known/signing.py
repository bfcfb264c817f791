"""Options of MailScanner's about signatures and warnings in the text."""

from __future__ import annotations

from typing import Final

from mailmill.settings.known.record import NOT_YET, Known
from mailmill.settings.option import Rules

_NOT_CHANGED: Final = "Texts of messages are not changed."

OPTIONS: Final = (
    Known("Sign Messages Already Processed", NOT_YET, "no", _NOT_CHANGED, does="no", rules=Rules.FIRST),
    Known("Sign Clean Messages", NOT_YET, "yes", _NOT_CHANGED, does="no", rules=Rules.FIRST),
    Known(
        "Inline HTML Signature",
        NOT_YET,
        "%report-dir%/inline.sig.html",
        _NOT_CHANGED,
        rules=Rules.FIRST,
    ),
    Known("Inline Text Signature", NOT_YET, "%report-dir%/inline.sig.txt", _NOT_CHANGED, rules=Rules.FIRST),
    Known("Signature Image Filename", NOT_YET, "%report-dir%/sig.jpg", _NOT_CHANGED, rules=Rules.FIRST),
    Known("Signature Image <img> Filename", NOT_YET, "signature.jpg", _NOT_CHANGED, rules=Rules.FIRST),
    Known("Attach Image To Signature", NOT_YET, "no", _NOT_CHANGED, does="no", rules=Rules.ALL),
    Known("Attach Image To HTML Message Only", NOT_YET, "yes", _NOT_CHANGED, rules=Rules.ALL),
    Known("Allow Multiple HTML Signatures", NOT_YET, "no", _NOT_CHANGED, rules=Rules.ALL),
    Known("Dont Sign HTML If Headers Exist", NOT_YET, "", _NOT_CHANGED, rules=Rules.ALL),
    Known(
        "External Message Warning",
        NOT_YET,
        "%rules-dir%/external.message.rules",
        _NOT_CHANGED,
        does="no",
        rules=Rules.FIRST,
    ),
    Known(
        "Inline HTML External Warning",
        NOT_YET,
        "%report-dir%/inline.external.warning.html",
        _NOT_CHANGED,
        rules=Rules.FIRST,
    ),
    Known(
        "Inline Text External Warning",
        NOT_YET,
        "%report-dir%/inline.external.warning.txt",
        _NOT_CHANGED,
        rules=Rules.FIRST,
    ),
)
