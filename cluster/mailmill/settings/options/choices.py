"""The words that options with a fixed choice accept."""

from __future__ import annotations

import enum


class ConfigurationSource(enum.StrEnum):
    """`Configuration Source`."""

    FILES = "files"
    PUBLISHED = "published"


class MilterLibrary(enum.StrEnum):
    """`Milter Library`."""

    BUILTIN = "builtin"
    LIBMILTER = "libmilter"


class QueueType(enum.StrEnum):
    """`MSMail Queue Type`."""

    SHORT = "short"
    LONG = "long"


class DeliveryMethod(enum.StrEnum):
    """`MSMail Delivery Method`."""

    QMQP = "qmqp"
    SMTP = "smtp"


class SocketType(enum.StrEnum):
    """`MSMail Socket Type`."""

    INET = "inet"
    UNIX = "unix"


class SpamScanner(enum.StrEnum):
    """`Spam Scanner`."""

    RSPAMD = "rspamd"
    SPAMASSASSIN = "spamassassin"
    NONE = "none"


class FailurePolicy(enum.StrEnum):
    """What to do with a message that an engine gave no answer for."""

    DEFER = "defer"
    PASS = "pass"  # noqa: S105 - lets mail pass, no password
    QUARANTINE = "quarantine"


class SubjectPlace(enum.StrEnum):
    """Where in a subject a text goes: `Spam Modify Subject` and those like it."""

    NO = "no"
    START = "start"
    END = "end"
