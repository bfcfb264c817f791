"""Options of reports: the files with the texts that Mailmill sends, and who gets them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from mailmill.reports.files import is_charset
from mailmill.settings.kinds import OPTIONAL_PATH, TEXT, WORDS, YES_NO, Kind, join_words
from mailmill.settings.option import Option, Rules


def _charset(text: str) -> str:
    name = text.strip()
    if not is_charset(name):
        raise ValueError(f"must be the name of a charset such as ISO-8859-1, not {text!r}")
    return name


def _report(name: str, file: str, description: str) -> Option[Path | None]:
    return Option(
        name,
        OPTIONAL_PATH,
        default=f"%report-dir%/{file}",
        rules=Rules.FIRST,
        description=f"{description} A file that is not there: Mailmill's own English text. "
        "Empty: no such report.",
    )


LANGUAGE_STRINGS: Final = Option(
    "Language Strings",
    OPTIONAL_PATH,
    default="%report-dir%/languages.conf",
    rules=Rules.FIRST,
    description="The file of the words in headers and notices: NAME = text in each line. What is not there "
    "is English.",
)
ATTACHMENT_ENCODING_CHARSET: Final = Option(
    "Attachment Encoding Charset",
    Kind("the name of a charset", _charset),
    default="ISO-8859-1",
    description="The charset of report files that are not UTF-8 and do not name theirs in a Content-Type "
    "header. What is sent is UTF-8.",
)
REPORT_HOSTNAME: Final = Option(
    "Hostname",
    TEXT,
    default="",
    rules=Rules.FIRST,
    description="What $hostname is in reports. Empty: the name of the host that writes the report.",
)
NOTIFY_SENDERS: Final = Option(
    "Notify Senders",
    YES_NO,
    default="no",
    rules=Rules.FIRST,
    description="Tell the sender when a message was stopped, if one of the options Notify Senders Of "
    "... wants that too. Senders of bad mail are often forged: restrict this to your own with a "
    "ruleset. Never told are the null sender, mailing lists, programs that answer by themselves, and "
    "who asked for no report (NOTIFY).",
)
NOTIFY_SENDERS_OF_VIRUSES: Final = Option(
    "Notify Senders Of Viruses",
    YES_NO,
    default="no",
    rules=Rules.FIRST,
    description="Tell the sender of an infected message. Viruses of Silent Viruses are left out, unless "
    "Non-Forging Viruses has them.",
)
NOTIFY_SENDERS_OF_FILENAMES: Final = Option(
    "Notify Senders Of Blocked Filenames Or Filetypes",
    YES_NO,
    default="yes",
    rules=Rules.FIRST,
    description="Tell the sender of a message with a forbidden attachment, if Notify Senders is yes.",
)
NOTIFY_SENDERS_OF_OTHER: Final = Option(
    "Notify Senders Of Other Blocked Content",
    YES_NO,
    default="yes",
    rules=Rules.FIRST,
    description="Tell the sender of a message that could not be looked into, if Notify Senders is yes.",
)
NEVER_NOTIFY_PRECEDENCE: Final = Option(
    "Never Notify Senders Of Precedence",
    WORDS,
    default="list bulk",
    rules=Rules.ALL,
    join=join_words,
    description="Senders of messages with one of these words in a Precedence header are not told.",
)
SILENT_VIRUSES: Final = Option(
    "Silent Viruses",
    WORDS,
    default="HTML-IFrame All-Viruses",
    rules=Rules.ALL,
    join=join_words,
    description="Parts of the names of viruses of which neither senders nor recipients are told; All-Viruses "
    "is all of them.",
)
NON_FORGING_VIRUSES: Final = Option(
    "Non-Forging Viruses",
    WORDS,
    default="Joke/ OF97/ WM97/ W97M/ eicar",
    rules=Rules.ALL,
    join=join_words,
    description="Parts of the names of viruses that do not forge senders: both sides are told of them, "
    "whatever Silent Viruses says.",
)
SENDER_VIRUS_REPORT: Final = _report(
    "Sender Virus Report", "sender.virus.report.txt", "What the sender of an infected message is told."
)
SENDER_FILENAME_REPORT: Final = _report(
    "Sender Bad Filename Report",
    "sender.filename.report.txt",
    "What the sender of a message with a forbidden attachment is told.",
)
SENDER_ERROR_REPORT: Final = _report(
    "Sender Error Report",
    "sender.error.report.txt",
    "What the sender of a message that could not be looked into is told.",
)
ENABLE_SPAM_BOUNCE: Final = Option(
    "Enable Spam Bounce",
    YES_NO,
    default="no",
    rules=Rules.FIRST,
    description="Let the action bounce tell senders that their mail is taken for spam. Spam comes "
    "with forged senders: such bounces reach people who sent nothing, and get the server onto block "
    "lists. Allow it for your own senders only, with a ruleset.",
)
BOUNCE_SPAM_AS_ATTACHMENT: Final = Option(
    "Bounce Spam As Attachment",
    YES_NO,
    default="no",
    rules=Rules.FIRST,
    description="Attach the message to the report that the action bounce sends; of one over 50 kB its "
    "headers.",
)
SENDER_SPAM_REPORT: Final = _report(
    "Sender Spam Report",
    "sender.spam.report.txt",
    "What the action bounce tells a sender of Is Definitely Spam.",
)
SENDER_SPAMASSASSIN_REPORT: Final = _report(
    "Sender SpamAssassin Report",
    "sender.spam.sa.report.txt",
    "What the action bounce tells the sender of what the spam scanner calls spam.",
)
RECIPIENT_SPAM_REPORT: Final = _report(
    "Recipient Spam Report",
    "recipient.spam.report.txt",
    "What the action notify tells each recipient.",
)
INLINE_SPAM_WARNING: Final = _report(
    "Inline Spam Warning",
    "inline.spam.warning.txt",
    "The text above the message that the action attachment delivers as an attachment.",
)
DELIVER_CLEANED_MESSAGES: Final = Option(
    "Deliver Cleaned Messages",
    YES_NO,
    default="no",
    rules=Rules.ALL,
    join=any,
    description="Deliver a warning in place of a message that was stopped. The warning has the subject and "
    "the sender of the message and nothing else of it; the message itself is in the quarantine. Not for "
    "viruses of Silent Viruses, unless Non-Forging Viruses has them.",
)
STORED_VIRUS_MESSAGE: Final = _report(
    "Stored Virus Message Report",
    "stored.virus.message.txt",
    "What is delivered in place of an infected message.",
)
STORED_FILENAME_MESSAGE: Final = _report(
    "Stored Bad Filename Message Report",
    "stored.filename.message.txt",
    "What is delivered in place of a message with a forbidden attachment.",
)
STORED_CONTENT_MESSAGE: Final = _report(
    "Stored Bad Content Message Report",
    "stored.content.message.txt",
    "What is delivered in place of a message that could not be looked into.",
)
NOTICES_INCLUDE_FULL_HEADERS: Final = Option(
    "Notices Include Full Headers",
    YES_NO,
    default="no",
    rules=Rules.FIRST,
    description="Put the headers of the stopped message into the notice.",
)
NOTICE_SIGNATURE: Final = Option(
    "Notice Signature",
    TEXT,
    default="",
    rules=Rules.FIRST,
    description="What notices end with; \\n is a line end.",
)
SIGN_CLEAN_MESSAGES: Final = Option(
    "Sign Clean Messages",
    YES_NO,
    default="no",
    rules=Rules.FIRST,
    description="Put the inline signatures at the end of the text of clean messages. That changes the "
    "message: one that has a DKIM or ARC signature, or is signed or encrypted otherwise, is left as it is; "
    "so is one of more than 1,000,000 bytes.",
)
SIGN_AGAIN: Final = Option(
    "Sign Messages Already Processed",
    YES_NO,
    default="no",
    rules=Rules.FIRST,
    description="Sign also messages that came in with the header Mail Header, from another machine of yours.",
)
INLINE_HTML_SIGNATURE: Final = _report(
    "Inline HTML Signature",
    "inline.sig.html",
    "What Sign Clean Messages puts at the end of the HTML text.",
)
INLINE_TEXT_SIGNATURE: Final = _report(
    "Inline Text Signature",
    "inline.sig.txt",
    "What Sign Clean Messages puts at the end of the plain text.",
)
DONT_SIGN_HTML_IF: Final = Option(
    "Dont Sign HTML If Headers Exist",
    WORDS,
    default="",
    rules=Rules.ALL,
    join=join_words,
    description="Do not sign the HTML text of messages with one of these headers, for instance In-Reply-To: "
    "References:.",
)
#: Those that name a file, for checks.
REPORT_FILES: Final = (
    SENDER_VIRUS_REPORT,
    SENDER_FILENAME_REPORT,
    SENDER_ERROR_REPORT,
    SENDER_SPAM_REPORT,
    SENDER_SPAMASSASSIN_REPORT,
    RECIPIENT_SPAM_REPORT,
    INLINE_SPAM_WARNING,
    INLINE_HTML_SIGNATURE,
    INLINE_TEXT_SIGNATURE,
    STORED_VIRUS_MESSAGE,
    STORED_FILENAME_MESSAGE,
    STORED_CONTENT_MESSAGE,
)
