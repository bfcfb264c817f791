"""What a relay says of a submission, in one form for QMQP and SMTP."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import Final

from mailmill.errors import MailmillError

#: In place of a relay's address when none was asked.
NOBODY: Final = "none"
#: Characters of a relay's text that are kept for logs and bounces (RFC 5321, 4.5.3.1.5: lines have 512).
TEXT_LIMIT: Final = 512
#: An enhanced status code at the beginning of a text (RFC 3463).
_STATUS: Final = re.compile(r"(?:[0-9]{3}[ -])?([245]\.[0-9]{1,3}\.[0-9]{1,3})(?=\s|$)")


class Result(enum.Enum):
    """What became of one recipient. The words are Postfix's."""

    CONFIRMED = "sent"
    DEFERRED = "deferred"
    REFUSED = "bounced"


@dataclass(frozen=True)
class Reply:
    """What the relay says of one recipient; `text` is one printable line, which may be empty."""

    result: Result
    text: str
    #: All bytes were handed to the relay and it did not answer: it may have taken the message (R15).
    unconfirmed: bool = False
    #: Whether the relay was asked; it is not while its circuit breaker is open.
    tried: bool = True

    @property
    def status(self) -> str:
        """The enhanced status code in the text, or the general one of its class (RFC 3463)."""
        match = _STATUS.match(self.text)
        if match:
            return match[1]
        return {Result.CONFIRMED: "2.0.0", Result.DEFERRED: "4.0.0", Result.REFUSED: "5.0.0"}[self.result]


@dataclass(frozen=True)
class Submission:
    """The end of one try: a reply for each recipient of the delivery, in their order."""

    replies: tuple[Reply, ...]
    #: The relay that gave them (`inet:10.0.0.1:628`), or `NOBODY`.
    relay: str
    #: What the relay could not carry and was left out, for instance `DSN`; empty when nothing was.
    reduced: str = ""


class RelayError(MailmillError):
    """The relay could not be used to the end: the message waits for another try."""

    def __init__(self, text: str, *, unconfirmed: bool = False) -> None:
        """Tell why; `unconfirmed` as in `Reply`."""
        super().__init__(text)
        self.unconfirmed = unconfirmed


class NotTriedError(MailmillError):
    """A relay's address is not tried for now: its circuit breaker is open."""

    def __init__(self, seconds: float) -> None:
        """Say after how many seconds it may be."""
        super().__init__(f"not tried after many failures, again in {max(1.0, seconds):.0f} s")
        self.seconds = seconds


class NoSlotError(RelayError):
    """The relay has as many of our connections as it may have, for too long."""


def printable(data: bytes) -> str:
    """Return a relay's text as one line that is safe in a log and in a header."""
    text = data[: 4 * TEXT_LIMIT].decode("utf-8", "replace")
    line = " ".join(text.split())
    return "".join(char if char.isprintable() else "?" for char in line)[:TEXT_LIMIT]
