"""What is done with a message for one recipient. Recipients with an equal judgement form one group."""

from __future__ import annotations

import enum

from msgspec import Struct


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
