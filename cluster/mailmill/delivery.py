"""What a scan hands to delivery: one finished message for one group of recipients.

A message splits where rules differ between its recipients; each part is a `Delivery`. Notices about the
message are deliveries too, so that a message ends only when everything it caused has ended.
"""

from __future__ import annotations

import hashlib
from typing import Final, Literal

from msgspec import Struct

from mailmill.envelope import Recipient, argument


class Delivery(Struct, frozen=True):
    """One submission to the relay."""

    #: `MAILID.label`; the same group of the same message has the same id at every try.
    id: str
    #: The Mailmill id of the message that this comes from.
    mail_id: str
    #: The edge that owns the message and hears the outcome.
    edge: str
    sender: str
    recipients: tuple[Recipient, ...]
    sender_args: tuple[str, ...]
    #: Bytes (LF line ends) that stand in front of the content: new headers, or the whole of a short message.
    head: bytes
    #: Key of the rest in the contents store (a spool file); empty when `head` is the whole message.
    content: str
    #: What is marked as done when the relay confirms: recipient indexes as text, or `notice:WHOM`.
    covers: tuple[str, ...]
    #: Seconds since the epoch at which the edge accepted the message: age for retries and expiry.
    arrival: float
    #: One line for the log: why this was sent as it is (`clean`, `spam`, ...).
    verdict: str = ""
    #: Bytes that stand behind the content, for instance the end of a multipart that it was put into.
    tail: bytes = b""
    #: Bytes at the beginning of the content that are left out: `head` has them, with something in between.
    skip: int = 0

    def needs_smtp(self) -> str:
        """Return what QMQP cannot carry of this delivery (R14), for instance `DSN, SMTPUTF8`; or empty."""
        dsn = any(argument(self.sender_args, k) is not None for k in ("RET", "ENVID")) or any(
            argument(r.args, k) is not None for r in self.recipients for k in ("NOTIFY", "ORCPT")
        )
        wanted = [
            ("DSN", dsn),
            ("SMTPUTF8", argument(self.sender_args, "SMTPUTF8") is not None),
            ("REQUIRETLS", argument(self.sender_args, "REQUIRETLS") is not None),
        ]
        return ", ".join(name for name, needed in wanted if needed)


#: What a delivery that the action forward made covers, before the address.
_FORWARD: Final = "forward:"
#: What a letter about a message covers, before the index of a recipient that it is about; by whom it is to.
_LETTERS: Final = ("notice:sender:", "notice:recipient:")


def forward_mark(address: str) -> str:
    """Return what a delivery to an address of the action forward covers."""
    return _FORWARD + address


def is_forwarded(delivery: Delivery) -> bool:
    """Return whether the action forward made a delivery: its recipient is none that the sender named."""
    return any(mark.startswith(_FORWARD) for mark in delivery.covers)


def letter_mark(whom: Literal["sender", "recipient"], index: int) -> str:
    """Return what a letter to the sender or the recipient covers for the recipient at `index`."""
    return f"notice:{whom}:{index}"


def is_letter(delivery: Delivery) -> bool:
    """Return whether a delivery is a letter to a message's sender or recipient, which may get lost."""
    return any(mark.startswith(_LETTERS) for mark in delivery.covers)


def group_label(covers: tuple[str, ...]) -> str:
    """Return the label of a group: stable for the same recipients, different for others."""
    return hashlib.sha256("\n".join(covers).encode("utf-8", "surrogateescape")).hexdigest()[:12]


def delivery_id(mail_id: str, covers: tuple[str, ...]) -> str:
    """Return the id of the delivery of `mail_id` that covers these marks."""
    return f"{mail_id}.{group_label(covers)}"
