"""Options of MailScanner's about the quarantine."""

from __future__ import annotations

from typing import Final

from mailmill.settings.known.record import DIFFERENT, NOT_APPLICABLE, NOT_YET, SUPPORTED, Known
from mailmill.settings.option import Rules

_ALWAYS_KEPT: Final = "Stopped messages are always kept."

OPTIONS: Final = (
    Known("Quarantine Infections", DIFFERENT, "yes", _ALWAYS_KEPT, does="yes", rules=Rules.ALL),
    Known("Quarantine Silent Viruses", DIFFERENT, "no", _ALWAYS_KEPT, does="yes", rules=Rules.ALL),
    Known("Quarantine Denial Of Service", DIFFERENT, "yes", _ALWAYS_KEPT, does="yes", rules=Rules.ALL),
    Known("Quarantine Modified Body", NOT_APPLICABLE, "no", "Bodies are never changed.", rules=Rules.ALL),
    Known(
        "Quarantine Whole Message",
        DIFFERENT,
        "no",
        "Messages are always kept whole, as RFC 5322 files.",
        does="yes",
        rules=Rules.ALL,
    ),
    Known(
        "Quarantine Whole Messages As Queue Files",
        DIFFERENT,
        "no",
        "Messages are always kept as RFC 5322 files.",
        does="no",
    ),
    Known(
        "Keep Spam And MCP Archive Clean",
        DIFFERENT,
        "no",
        "An infected message is stopped before its spam actions.",
        does="yes",
        rules=Rules.FIRST,
    ),
    Known(
        "Quarantine User",
        NOT_APPLICABLE,
        "",
        "Files belong to Run As User, which is the only one that may write them.",
    ),
    Known("Quarantine Group", SUPPORTED, ""),
    Known("Quarantine Permissions", SUPPORTED, "0660", "The default is 0600 here."),
    Known(
        "Archive Mail",
        NOT_YET,
        "",
        "Use always_bcc or recipient_bcc_maps of Postfix.",
        does="",
        rules=Rules.ALL,
    ),
    Known("Missing Mail Archive Is", NOT_YET, "directory", "Mail is not archived.", rules=Rules.ALL),
    Known(
        "Archive Public Keys",
        NOT_APPLICABLE,
        "no",
        "Not documented by MailScanner.",
        does="no",
        rules=Rules.FIRST,
    ),
    Known("Public Key Archive Dir", NOT_APPLICABLE, "", "Not documented by MailScanner.", rules=Rules.FIRST),
)
