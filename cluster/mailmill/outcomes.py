"""Outcomes: what workers report to the edge that owns a message.

Each edge has one Redis stream. A worker appends; the queue manager of the edge reads, acts on its disk, and
only then removes. An outcome may arrive twice, late or never: the queue manager's leases cover that.
"""

from __future__ import annotations

from msgspec import Struct

from mailmill.delivery import Delivery


class Scanned(Struct, frozen=True, tag=True):
    """The scan is done. The message ends when all `deliveries` have ended (at once when there are none)."""

    mail_id: str
    deliveries: tuple[str, ...]


class ScanDeferred(Struct, frozen=True, tag=True):
    """The message could not be scanned now (an engine is down): the edge tries again later."""

    mail_id: str
    reason: str


class ScanFailed(Struct, frozen=True, tag=True):
    """The scan came to no end: its process died or was killed, or the code failed. The edge tries it alone.

    `alone` tells whether the message had its process to itself: only then is it to blame. `attempts` is how
    many such scans of it have failed, as far as Redis knows.
    """

    mail_id: str
    reason: str
    alone: bool
    attempts: int


class ContentsMissing(Struct, frozen=True, tag=True):
    """The contents store does not have the message any more: the edge must send it again."""

    mail_id: str


class Delivered(Struct, frozen=True, tag=True):
    """The relay has confirmed the delivery: it must never be submitted again.

    When it confirmed only some recipients, `instead` holds the delivery of those that wait for another try.
    `covers` are the marks of what was confirmed: the edge writes them down while the message has other
    deliveries to wait for.
    """

    mail_id: str
    delivery_id: str
    reply: str
    instead: tuple[str, ...] = ()
    covers: tuple[str, ...] = ()


class DeliveryDeferred(Struct, frozen=True, tag=True):
    """The relay did not take it now: the edge keeps it in its final form and tries again later.

    It was not `tried` when the circuit breaker of every relay was open: then nothing is held against it, and
    it goes as soon as a relay is back.
    """

    mail_id: str
    delivery: Delivery
    reason: str
    tried: bool = True


class DeliveryHeld(Struct, frozen=True, tag=True):
    """Another worker is submitting this delivery, or was when it died: ask again after `seconds`."""

    mail_id: str
    delivery_id: str
    seconds: float


class DeliveryRefused(Struct, frozen=True, tag=True):
    """The relay refused for good. `instead` holds what goes on: bounce, notice, recipients that wait."""

    mail_id: str
    delivery_id: str
    reason: str
    instead: tuple[str, ...]


Outcome = (
    Scanned
    | ScanDeferred
    | ScanFailed
    | ContentsMissing
    | Delivered
    | DeliveryDeferred
    | DeliveryHeld
    | DeliveryRefused
)
