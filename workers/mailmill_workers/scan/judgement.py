"""What is done with a message for one recipient. Recipients with an equal judgement form one group."""

from __future__ import annotations

import enum

from msgspec import Struct

from mailmill.reports.files import ReportFile
from mailmill.settings.options.choices import SubjectPlace
from mailmill_workers.scan.spamrules import SpamCheck


class Verdict(enum.StrEnum):
    """What a message is, in one word; for the log, the notices and the quarantine."""

    CLEAN = "clean"
    SPAM = "spam"
    HIGH_SPAM = "high scoring spam"
    INFECTED = "infected"
    FORBIDDEN = "forbidden attachment"
    UNSCANNABLE = "unscannable"
    SCANNER_FAILED = "scanner failed"
    #: No scan of it came to an end (`Maximum Processing Attempts`).
    POISON = "poison message"


class Folder(enum.StrEnum):
    """Where in the day's quarantine a message goes (MailScanner's layout)."""

    #: DIR/YYYYMMDD/ID/message
    INFECTIONS = ""
    #: DIR/YYYYMMDD/spam/ID
    SPAM = "spam"
    #: DIR/YYYYMMDD/nonspam/ID
    NONSPAM = "nonspam"


class NoticeTo(Struct, frozen=True):
    """Who is told that a message was stopped, and in whose name."""

    addresses: tuple[str, ...]
    #: The name in From.
    sender_name: str
    #: The address in From.
    sender: str
    #: What stands above the headers of the message; empty: they are left out.
    headers_title: str = ""
    #: What the notice ends with.
    signature: str = ""


class Letter(Struct, frozen=True):
    """What somebody is told about a message."""

    text: ReportFile
    #: What was found, for people.
    findings: tuple[str, ...] = ()
    #: The names of the parts that it was found in.
    filenames: tuple[str, ...] = ()
    #: Whether the message, or its headers, come with it.
    returns: bool = False


class Signature(Struct, frozen=True):
    """What is put at the end of a message's own text."""

    #: Behind plain text; None: nothing.
    text: ReportFile | None
    #: At the end of HTML; None: nothing.
    html: ReportFile | None


class Tag(Struct, frozen=True):
    """What is put into the subject of a message."""

    #: One printable line, not empty.
    text: str
    #: START or END.
    place: SubjectPlace


class Judgement(Struct, frozen=True):
    """The decision for one recipient."""

    verdict: Verdict
    #: Why: virus names, attachment names, rules. For the log and the notice.
    reasons: tuple[str, ...]
    #: Whether the recipient gets the message.
    deliver: bool
    #: Where it is kept; None when it is not.
    store: Folder | None
    #: Who is told; None: nobody.
    notice: NoticeTo | None
    #: Headers to put on top: names and values, in order.
    headers: tuple[tuple[str, str], ...]
    #: The quarantine that it is kept in; empty when it is not kept.
    quarantine: str = ""
    #: Who else gets the message, or who gets it in place of the recipient.
    forward: tuple[str, ...] = ()
    #: The warning that the message is put into as an attachment; None: it goes as it is.
    warning: ReportFile | None = None
    #: What is delivered in place of the message; None: the message is.
    replacement: Letter | None = None
    #: What its text is signed with, if it can be; None: nothing.
    signature: Signature | None = None
    #: What its subject is tagged with; None: nothing.
    tag: Tag | None = None
    #: What the sender is told.
    to_sender: Letter | None = None
    #: What the recipient is told.
    to_recipient: Letter | None = None
    #: What the spam scanner said, for texts about it.
    spam: SpamCheck = SpamCheck("")
