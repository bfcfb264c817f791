"""Options of MailScanner's about notices."""

from __future__ import annotations

from typing import Final

from mailmill.settings.known.record import DIFFERENT, NOT_APPLICABLE, NOT_YET, SUPPORTED, Known
from mailmill.settings.option import Rules

_NOT_SENDERS: Final = "Senders are not told."

OPTIONS: Final = (
    Known(
        "Notify Senders",
        DIFFERENT,
        "yes",
        "The default is no here: the sender of bad mail is nearly always forged.",
        rules=Rules.FIRST,
    ),
    Known("Notify Senders Of Viruses", SUPPORTED, "no", rules=Rules.FIRST),
    Known("Notify Senders Of Blocked Filenames Or Filetypes", SUPPORTED, "yes", rules=Rules.FIRST),
    Known(
        "Notify Senders Of Blocked Size Attachments",
        NOT_YET,
        "no",
        _NOT_SENDERS,
        does="no",
        rules=Rules.FIRST,
    ),
    Known(
        "Notify Senders Of Other Blocked Content",
        SUPPORTED,
        "yes",
        "That is mail that could not be looked into.",
        rules=Rules.FIRST,
    ),
    Known(
        "Never Notify Senders Of Precedence",
        SUPPORTED,
        "list bulk",
        "Programs that answer by themselves and mailing lists are never told either.",
        rules=Rules.ALL,
    ),
    Known(
        "Send Notices",
        SUPPORTED,
        "yes",
        "One notice for each stopped message, never one for several.",
        rules=Rules.FIRST,
    ),
    Known(
        "Notices Include Full Headers",
        DIFFERENT,
        "yes",
        "The default is no here.",
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
        DIFFERENT,
        "-- \\nMailScanner\\nEmail Virus Scanner\\nwww.mailscanner.info",
        "The default is empty here.",
        rules=Rules.FIRST,
    ),
    Known("Notices From", SUPPORTED, "MailScanner", rules=Rules.FIRST),
    Known("Notices To", SUPPORTED, "postmaster", rules=Rules.ALL),
    Known("Local Postmaster", SUPPORTED, "postmaster", rules=Rules.FIRST),
)
