"""Deliveries that wait for long: their senders hear of it (Postfix: delay_warning_time)."""

from __future__ import annotations

from mailmill.delaywarning import warning_id
from mailmill.ledger import Claim
from mailmill.outcomes import (
    ContentsMissing,
    Delivered,
    DeliveryDeferred,
    DeliveryHeld,
    DeliveryRefused,
    Outcome,
)
from mailmill_workers.deliver.ending import recipients_of
from mailmill_workers.deliver.fetch import Message, fetch
from mailmill_workers.deliver.parts import Part, part_of, unconfirmed
from mailmill_workers.deliver.replies import Reply, Result, printable
from mailmill_workers.deliver.services import Services


class DelayWarner:
    """Warns the senders of delayed deliveries."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def run(self, edge: str, delivery_id: str, reason: str, until: float) -> None:
        """Warn the sender of a delivery that was deferred for `reason`; it is tried `until` (Unix time).

        The edge gets the warning as a delivery that waits, and then hears once more that the other one does:
        it has both on its disk before anything is submitted.

        Raises:
            redis.RedisError, ContentsError: Redis cannot be used; the edge asks again.
        """
        services = self._services
        fetched = fetch(services.contents, [delivery_id])
        outcomes: list[Outcome] = [ContentsMissing(mail_id) for mail_id in fetched.missing]
        for message in fetched.messages:
            outcomes += self._one(message, printable(reason.encode()), until)
        services.reporter.report(edge, outcomes, [])

    def _one(self, message: Message, reason: str, until: float) -> list[Outcome]:
        delivery, services = message.delivery, self._services
        claim = services.ledger.claim(delivery)
        if claim is Claim.DONE:
            return [Delivered(delivery.mail_id, delivery.id, "already confirmed", covers=delivery.covers)]
        if claim is Claim.HELD:
            return [DeliveryHeld(delivery.mail_id, delivery.id, services.ledger.held_for(delivery))]
        try:
            waiting = delivery
            if claim is Claim.PART:
                marks = services.ledger.confirmed([delivery.mail_id])[delivery.mail_id]
                waiting = part_of(delivery, unconfirmed(delivery, marks))
            part = Part(waiting, (Reply(Result.DEFERRED, reason),) * len(waiting.recipients))
            warning = services.bouncer.warning(part, delivery.id, message.data, until)
        finally:
            services.ledger.release(delivery)
        told: Outcome
        if warning is None:
            told = DeliveryRefused(delivery.mail_id, warning_id(delivery.id), "nobody wants to be told", ())
        else:
            detail = f"{warning.verdict} {recipients_of(warning)}"
            told = DeliveryDeferred(delivery.mail_id, warning, detail, tried=False)
        return [told, DeliveryDeferred(delivery.mail_id, delivery, reason)]
