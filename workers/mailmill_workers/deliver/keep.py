"""Keeping mail in the quarantine that can neither be delivered nor be returned."""

from __future__ import annotations

from pathlib import Path

from mailmill.delivery import Delivery
from mailmill.envelope import Client, Envelope
from mailmill.mailids import queue_id_of
from mailmill.spoolfile import SpoolHeader
from mailmill_workers.mail import Mail
from mailmill_workers.scan.judgement import Folder
from mailmill_workers.scan.quarantine import Quarantine, QuarantinedEnvelope

#: What the quarantine calls such mail.
VERDICT = "undeliverable"


def keep(quarantine: Quarantine, about: Delivery, message: bytes, reasons: tuple[str, ...]) -> Path:
    """Store a delivery under its own id, for a message may have several, and return where it is.

    What the edge knew of the client did not come along with the delivery.

    Raises:
        QuarantineError: the disk refuses.
    """
    nobody = Client(name="unknown", address="", port=0, helo="")
    header = SpoolHeader(
        id=about.id,
        edge=about.edge,
        arrival=about.arrival,
        queue_id=queue_id_of(about.mail_id),
        envelope=Envelope(about.sender, about.recipients, nobody, about.sender_args),
    )
    record = QuarantinedEnvelope(
        id=about.id,
        edge=about.edge,
        arrival=about.arrival,
        queue_id=header.queue_id,
        envelope=header.envelope,
        verdict=f"{VERDICT}, {about.verdict}",
        reasons=reasons,
    )
    return quarantine.store(Mail(header, message), Folder.INFECTIONS, record)
