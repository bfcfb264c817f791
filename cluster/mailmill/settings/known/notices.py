"""Options of MailScanner's about notices."""

from __future__ import annotations

from typing import Final

from mailmill.settings.known.record import NOT_APPLICABLE, NOT_YET, SUPPORTED, Known
from mailmill.settings.option import Rules

_NOT_SENDERS: Final = "Senders are not told."

OPTIONS: Final = (
    Known(
        "Notify Senders",
        NOT_YET,
        "yes",
        "Senders are not told: the sender of bad mail is nearly always forged.",
        does="no",
        rules=Rules.FIRST,
    ),
    Known(
        "Notify Senders Of Viruses",
        NOT_YET,
        "no",
        "Senders are not told: the sender of bad mail is nearly always forged.",
        does="no",
        rules=Rules.FIRST,
    ),
    Known(
        "Notify Senders Of Blocked Filenames Or Filetypes",
        NOT_YET,
        "yes",
        _NOT_SENDERS,
        does="no",
        rules=Rules.FIRST,
    ),
    Known(
        "Notify Senders Of Blocked Size Attachments",
        NOT_YET,
        "no",
        _NOT_SENDERS,
        does="no",
        rules=Rules.FIRST,
    ),
    Known(
        "Notify Senders Of Other Blocked Content", NOT_YET, "yes", _NOT_SENDERS, does="no", rules=Rules.FIRST
    ),
    Known("Never Notify Senders Of Precedence", NOT_YET, "list bulk", _NOT_SENDERS, rules=Rules.ALL),
    Known(
        "Send Notices",
        SUPPORTED,
        "yes",
        "One notice for each stopped message, never one for several.",
        rules=Rules.FIRST,
    ),
    Known(
        "Notices Include Full Headers",
        NOT_YET,
        "yes",
        "Notices have no headers of the message; these stand in the quarantine.",
        does="no",
        rules=Rules.FIRST,
    ),
    Known(
        "Hide Incoming Work Dir in Notices",
        NOT_APPLICABLE,
        "no",
        "There is no work directory whose name could be seen.",
        rules=Rules.FIRST,
    ),
    Known(
        "Notice Signature",
        NOT_YET,
        "-- \\nMailScanner\\nEmail Virus Scanner\\nwww.mailscanner.info",
        "Notices have no signature.",
        rules=Rules.FIRST,
    ),
    Known("Notices From", SUPPORTED, "MailScanner", rules=Rules.FIRST),
    Known("Notices To", SUPPORTED, "postmaster", rules=Rules.ALL),
    Known("Local Postmaster", SUPPORTED, "postmaster", rules=Rules.FIRST),
)
