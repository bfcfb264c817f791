"""Options of MailScanner's about reports and languages."""

from __future__ import annotations

from typing import Final

from mailmill.settings.known.record import DIFFERENT, NOT_APPLICABLE, NOT_YET, SUPPORTED, Known
from mailmill.settings.option import Rules

_NOT_REPLACED: Final = "Attachments are not replaced by a text."
_NOT_CHANGED: Final = "Texts of messages are not changed."
_IN_PLACE: Final = "It stands in place of the whole message, see Deliver Cleaned Messages."
_NOT_SENDERS: Final = "Senders are not told."

OPTIONS: Final = (
    Known(
        "Language Strings",
        DIFFERENT,
        "%report-dir%/languages.conf",
        "The words of the spam header, of reports and of notices; the rest is English.",
        rules=Rules.FIRST,
    ),
    Known(
        "Rejection Report",
        NOT_YET,
        "%report-dir%/rejection.report.txt",
        "Refused senders get the reply of the SMTP session.",
        rules=Rules.FIRST,
    ),
    Known(
        "Deleted Bad Content Message Report",
        NOT_YET,
        "%report-dir%/deleted.content.message.txt",
        _NOT_REPLACED,
        rules=Rules.FIRST,
    ),
    Known(
        "Deleted Bad Filename Message Report",
        NOT_YET,
        "%report-dir%/deleted.filename.message.txt",
        _NOT_REPLACED,
        rules=Rules.FIRST,
    ),
    Known(
        "Deleted Virus Message Report",
        NOT_YET,
        "%report-dir%/deleted.virus.message.txt",
        _NOT_REPLACED,
        rules=Rules.FIRST,
    ),
    Known(
        "Deleted Size Message Report",
        NOT_YET,
        "%report-dir%/deleted.size.message.txt",
        _NOT_REPLACED,
        rules=Rules.FIRST,
    ),
    Known(
        "Stored Bad Content Message Report",
        DIFFERENT,
        "%report-dir%/stored.content.message.txt",
        _IN_PLACE,
        rules=Rules.FIRST,
    ),
    Known(
        "Stored Bad Filename Message Report",
        DIFFERENT,
        "%report-dir%/stored.filename.message.txt",
        _IN_PLACE,
        rules=Rules.FIRST,
    ),
    Known(
        "Stored Virus Message Report",
        DIFFERENT,
        "%report-dir%/stored.virus.message.txt",
        _IN_PLACE,
        rules=Rules.FIRST,
    ),
    Known(
        "Stored Size Message Report",
        NOT_YET,
        "%report-dir%/stored.size.message.txt",
        _NOT_REPLACED,
        rules=Rules.FIRST,
    ),
    Known(
        "Disinfected Report",
        NOT_APPLICABLE,
        "%report-dir%/disinfected.report.txt",
        "Nothing is disinfected.",
        rules=Rules.FIRST,
    ),
    Known(
        "Inline HTML Warning",
        NOT_YET,
        "%report-dir%/inline.warning.html",
        _NOT_CHANGED,
        rules=Rules.FIRST,
    ),
    Known(
        "Inline Text Warning",
        NOT_YET,
        "%report-dir%/inline.warning.txt",
        _NOT_CHANGED,
        rules=Rules.FIRST,
    ),
    Known(
        "Sender Content Report",
        NOT_YET,
        "%report-dir%/sender.content.report.txt",
        "Nothing is blocked for its content: see Sender Bad Filename Report and Sender Error Report.",
        rules=Rules.FIRST,
    ),
    Known(
        "Sender Bad Content Report",
        NOT_YET,
        "/usr/share/MailScanner/reports/en/sender.content.report.txt",
        "As Sender Content Report. Not documented by MailScanner.",
        rules=Rules.FIRST,
    ),
    Known("Sender Error Report", SUPPORTED, "%report-dir%/sender.error.report.txt", rules=Rules.FIRST),
    Known(
        "Sender Bad Filename Report", SUPPORTED, "%report-dir%/sender.filename.report.txt", rules=Rules.FIRST
    ),
    Known("Sender Virus Report", SUPPORTED, "%report-dir%/sender.virus.report.txt", rules=Rules.FIRST),
    Known(
        "Sender Size Report", NOT_YET, "%report-dir%/sender.size.report.txt", _NOT_SENDERS, rules=Rules.FIRST
    ),
    Known("Sender Spam Report", SUPPORTED, "%report-dir%/sender.spam.report.txt", rules=Rules.FIRST),
    Known(
        "Sender Spam List Report",
        NOT_YET,
        "%report-dir%/sender.spam.rbl.report.txt",
        _NOT_SENDERS,
        rules=Rules.FIRST,
    ),
    Known(
        "Sender SpamAssassin Report", SUPPORTED, "%report-dir%/sender.spam.sa.report.txt", rules=Rules.FIRST
    ),
    Known("Inline Spam Warning", SUPPORTED, "%report-dir%/inline.spam.warning.txt", rules=Rules.FIRST),
    Known("Recipient Spam Report", SUPPORTED, "%report-dir%/recipient.spam.report.txt", rules=Rules.FIRST),
    Known(
        "Hide Incoming Work Dir",
        NOT_APPLICABLE,
        "yes",
        "There is no work directory whose name could be seen.",
        rules=Rules.FIRST,
    ),
    Known("Include Scanner Name In Reports", DIFFERENT, "yes", "Notices name the scanner.", does="yes"),
    Known("Warning Is Attachment", NOT_YET, "yes", _NOT_REPLACED, rules=Rules.FIRST),
    Known(
        "Attachment Warning Filename",
        NOT_YET,
        "%org-name%-Attachment-Warning.txt",
        _NOT_REPLACED,
        rules=Rules.FIRST,
    ),
    Known(
        "Attachment Encoding Charset",
        DIFFERENT,
        "ISO-8859-1",
        "The charset of report files that are not UTF-8; what is sent is UTF-8. No ruleset.",
        rules=Rules.FIRST,
    ),
)
