"""What the milter answers, without the milter library: an action, and the SMTP reply that goes with it."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from mailmill_milter.text import printable

#: Longest reply text in characters, so that the line with its codes stays below 512 (RFC 5321 4.5.3.1.5).
_LONGEST_TEXT: Final = 400


class Action(enum.Enum):
    """What Postfix shall do."""

    CONTINUE = "continue"
    #: Let it pass: of this connection we want to hear nothing more.
    ACCEPT = "accept"
    #: Tell the client that the message is accepted, and drop Postfix's copy: it is in our spool.
    DISCARD = "discard"
    REJECT = "reject"
    TEMPFAIL = "tempfail"


@dataclass(frozen=True)
class Answer:
    """The answer to one milter command; only REJECT and TEMPFAIL have a reply."""

    action: Action
    code: str = ""
    status: str = ""
    text: str = ""

    def __str__(self) -> str:
        return f"{self.code} {self.status} {self.text}" if self.code else self.action.value


CONTINUE: Final = Answer(Action.CONTINUE)
ACCEPT: Final = Answer(Action.ACCEPT)
DISCARD: Final = Answer(Action.DISCARD)


def reject(text: str) -> Answer:
    """Return a refusal for good: 554 5.7.1 (RFC 3463: delivery not authorized)."""
    return Answer(Action.REJECT, "554", "5.7.1", _reply_text(text))


def tempfail(text: str) -> Answer:
    """Return a refusal for now: 451 4.3.0 (RFC 3463: other or undefined mail system status)."""
    return Answer(Action.TEMPFAIL, "451", "4.3.0", _reply_text(text))


def system_full(text: str) -> Answer:
    """Return a refusal for now: 451 4.3.1 (RFC 3463: mail system full)."""
    return Answer(Action.TEMPFAIL, "451", "4.3.1", _reply_text(text))


def not_accepting(text: str) -> Answer:
    """Return a refusal for now: 451 4.3.2 (RFC 3463: system not accepting network messages)."""
    return Answer(Action.TEMPFAIL, "451", "4.3.2", _reply_text(text))


def _reply_text(text: str) -> str:
    return printable(text)[:_LONGEST_TEXT]
