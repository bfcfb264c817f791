"""The tasks of the cluster by name, their queues, and how to send them. Arguments are ids, never contents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

SCAN_QUEUE: Final = "scan"
DELIVER_QUEUE: Final = "deliver"

SCAN: Final = "mailmill.scan"
DELIVER: Final = "mailmill.deliver"
BOUNCE: Final = "mailmill.bounce"

#: Which queue each task goes to.
ROUTES: Final = {SCAN: SCAN_QUEUE, DELIVER: DELIVER_QUEUE, BOUNCE: DELIVER_QUEUE}


class Tasks(Protocol):
    """Sends tasks to the workers. Every method raises `BrokerError` when the broker cannot be used."""

    def scan(self, edge: str, mail_ids: Sequence[str]) -> None:
        """Ask for a scan of messages that are in the contents store."""

    def deliver(self, edge: str, delivery_ids: Sequence[str]) -> None:
        """Ask for the submission of deliveries that are in the contents store."""

    def bounce(self, edge: str, delivery_ids: Sequence[str], reason: str) -> None:
        """Ask for the return of deliveries to their sender, for the reason that the sender is told."""
