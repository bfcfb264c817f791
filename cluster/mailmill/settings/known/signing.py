"""Options of MailScanner's about signatures and warnings in the text."""

from __future__ import annotations

from typing import Final

from mailmill.settings.known.record import DIFFERENT, NOT_YET, SUPPORTED, Known
from mailmill.settings.option import Rules

_NOT_CHANGED: Final = "Texts of messages are not changed."

OPTIONS: Final = (
    Known("Sign Messages Already Processed", SUPPORTED, "no", rules=Rules.FIRST),
    Known(
        "Sign Clean Messages",
        DIFFERENT,
        "yes",
        "The default is no here. Messages with a DKIM or ARC signature, spam, and messages that were not "
        "looked into completely are not signed.",
        rules=Rules.FIRST,
    ),
    Known("Inline HTML Signature", SUPPORTED, "%report-dir%/inline.sig.html", rules=Rules.FIRST),
    Known("Inline Text Signature", SUPPORTED, "%report-dir%/inline.sig.txt", rules=Rules.FIRST),
    Known("Signature Image Filename", NOT_YET, "%report-dir%/sig.jpg", _NOT_CHANGED, rules=Rules.FIRST),
    Known("Signature Image <img> Filename", NOT_YET, "signature.jpg", _NOT_CHANGED, rules=Rules.FIRST),
    Known("Attach Image To Signature", NOT_YET, "no", _NOT_CHANGED, does="no", rules=Rules.ALL),
    Known("Attach Image To HTML Message Only", NOT_YET, "yes", _NOT_CHANGED, rules=Rules.ALL),
    Known("Allow Multiple HTML Signatures", NOT_YET, "no", _NOT_CHANGED, rules=Rules.ALL),
    Known("Dont Sign HTML If Headers Exist", SUPPORTED, "", rules=Rules.ALL),
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
