"""Options of MailScanner's about batches and limits."""

from __future__ import annotations

from typing import Final

from mailmill.settings.known.record import DIFFERENT, NOT_APPLICABLE, NOT_YET, SUPPORTED, Known
from mailmill.settings.option import Rules

OPTIONS: Final = (
    Known(
        "Max Unscanned Bytes Per Scan",
        DIFFERENT,
        "100m",
        "The size of one scan task, whether its mail is checked for viruses or not.",
    ),
    Known(
        "Max Unsafe Bytes Per Scan",
        NOT_APPLICABLE,
        "50m",
        "Each scan task has one limit: Max Unscanned Bytes Per Scan.",
    ),
    Known(
        "Max Unscanned Messages Per Scan",
        DIFFERENT,
        "30",
        "The length of one scan task, whether its mail is checked for viruses or not.",
    ),
    Known(
        "Max Unsafe Messages Per Scan",
        NOT_APPLICABLE,
        "30",
        "Each scan task has one limit: Max Unscanned Messages Per Scan.",
    ),
    Known(
        "Max Normal Queue Size", NOT_APPLICABLE, "800", "Mail is handed out in its order, however much waits."
    ),
    Known(
        "Scan Messages",
        NOT_YET,
        "yes",
        "All mail is scanned. Virus Scanning and Spam Checks can be switched off by rulesets.",
        does="yes",
        rules=Rules.ALL,
    ),
    Known(
        "Reject Message",
        NOT_YET,
        "no",
        "Is Definitely Spam with Milter Scanner refuses mail in the SMTP session instead.",
        does="no",
        rules=Rules.FIRST,
    ),
    Known("Maximum Processing Attempts", SUPPORTED, "6"),
    Known(
        "Processing Attempts Database",
        NOT_APPLICABLE,
        "/var/spool/MailScanner/incoming/Processing.db",
        "Attempts are counted in Redis, for the whole cluster.",
    ),
    Known(
        "Maximum Attachments Per Message",
        NOT_YET,
        "200",
        "Maximum Message Parts limits the parts of a message.",
        rules=Rules.FIRST,
    ),
    Known(
        "Maximum Message Size",
        NOT_YET,
        "%rules-dir%/max.message.size.rules",
        "Postfix refuses large mail itself: message_size_limit.",
        does="0",
        rules=Rules.FIRST,
    ),
    Known(
        "Maximum Attachment Size",
        NOT_YET,
        "-1",
        "Attachments are not judged by their size.",
        does="-1",
        rules=Rules.FIRST,
    ),
    Known(
        "Minimum Attachment Size",
        NOT_YET,
        "-1",
        "Attachments are not judged by their size.",
        does="-1",
        rules=Rules.FIRST,
    ),
)
