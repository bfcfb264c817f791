"""The tasks of the cluster by name, their queues, and how to send them. Arguments are ids, never contents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

SCAN_QUEUE: Final = "scan"
DELIVER_QUEUE: Final = "deliver"

SCAN: Final = "mailmill.scan"
GIVE_UP: Final = "mailmill.give_up"
DELIVER: Final = "mailmill.deliver"
BOUNCE: Final = "mailmill.bounce"
WARN: Final = "mailmill.warn"

#: Which queue each task goes to.
ROUTES: Final = {
    SCAN: SCAN_QUEUE,
    GIVE_UP: SCAN_QUEUE,
    DELIVER: DELIVER_QUEUE,
    BOUNCE: DELIVER_QUEUE,
    WARN: DELIVER_QUEUE,
}


class Tasks(Protocol):
    """Sends tasks to the workers. Every method raises `BrokerError` when the broker cannot be used."""

    def scan(self, edge: str, mail_ids: Sequence[str]) -> None:
        """Ask for a scan of messages that are in the contents store."""

    def give_up(self, edge: str, mail_id: str, reason: str) -> None:
        """Ask for the quarantine of a message that no scan survives; `reason` is the evidence."""

    def deliver(self, edge: str, delivery_ids: Sequence[str]) -> None:
        """Ask for the submission of deliveries that are in the contents store."""

    def bounce(self, edge: str, delivery_ids: Sequence[str], reason: str) -> None:
        """Ask for the return of deliveries to their sender, for the reason that the sender is told."""

    def warn(self, edge: str, delivery_id: str, reason: str, until: float) -> None:
        """Ask for a warning to the sender of a delayed delivery, tried `until` (seconds since the epoch)."""
