"""Deliveries that were tried for too long: they go back to their sender (Postfix: maximal_queue_lifetime)."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from mailmill.delivery import Delivery
from mailmill.ledger import Claim
from mailmill.messagelog.events import Event, Step
from mailmill.outcomes import (
    ContentsMissing,
    Delivered,
    DeliveryDeferred,
    DeliveryHeld,
    DeliveryRefused,
    Outcome,
)
from mailmill.records import encode
from mailmill_workers.deliver.bounce import is_last_resort
from mailmill_workers.deliver.ending import recipients_of
from mailmill_workers.deliver.fetch import Fetched, Message, fetch
from mailmill_workers.deliver.parts import Part, part_of, unconfirmed
from mailmill_workers.deliver.replies import Reply, Result, printable
from mailmill_workers.deliver.services import Services
from mailmill_workers.scan.quarantine import QuarantineError

log = logging.getLogger(__name__)


class BounceBatch:
    """Returns batches of deliveries."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def run(self, edge: str, ids: Sequence[str], reason: str) -> None:
        """Return what these delivery ids stand for; `reason` is what the sender is told.

        A delivery that the relay has confirmed after all is reported as delivered; one that a worker holds is
        left to it, and its edge hears so.

        Raises:
            redis.RedisError, ContentsError, BrokerError: Redis cannot be used; the edge asks again.
        """
        services = self._services
        fetched = fetch(services.contents, ids)
        claimed: list[Delivery] = []
        try:
            self._run(edge, fetched, printable(reason.encode()), claimed)
        finally:
            for delivery in claimed:
                services.ledger.abandon(delivery)

    def _run(self, edge: str, fetched: Fetched, reason: str, claimed: list[Delivery]) -> None:
        services = self._services
        outcomes: list[Outcome] = [ContentsMissing(mail_id) for mail_id in fetched.missing]
        events: list[Event] = []
        answers: list[Delivery] = []
        for message in fetched.messages:
            delivery = message.delivery
            claim = services.ledger.claim(delivery)
            if claim is Claim.DONE:
                outcomes.append(
                    Delivered(delivery.mail_id, delivery.id, "already confirmed", covers=delivery.covers)
                )
                continue
            if claim is Claim.HELD:
                seconds = services.ledger.held_for(delivery)
                outcomes.append(DeliveryHeld(delivery.mail_id, delivery.id, seconds))
                continue
            claimed.append(delivery)
            try:
                answer = self._return(message, claim, reason, events)
            except QuarantineError as exc:
                log.error("%s: %s", delivery.id, exc)  # noqa: TRY400 - no trace wanted
                outcomes.append(DeliveryDeferred(delivery.mail_id, delivery, str(exc)))
                continue
            answers += [answer] if answer else []
            instead = (answer.id,) if answer else ()
            outcomes.append(DeliveryRefused(delivery.mail_id, delivery.id, reason, instead))
        if answers:
            services.contents.put({answer.id: encode(answer) for answer in answers})
        for delivery in claimed:
            services.ledger.release(delivery)
        services.reporter.report(edge, outcomes, events)
        if answers:
            services.tasks.deliver(edge, [answer.id for answer in answers])

    def _return(self, message: Message, claim: Claim, reason: str, events: list[Event]) -> Delivery | None:
        delivery, services = message.delivery, self._services
        if claim is Claim.PART:
            marks = services.ledger.confirmed([delivery.mail_id])[delivery.mail_id]
            delivery = part_of(delivery, unconfirmed(delivery, marks))
        part = Part(delivery, (Reply(Result.DEFERRED, reason),) * len(delivery.recipients))
        answer = services.bouncer.answer(part, message.data, "none", expired=True)
        events.append(services.event(delivery, Step.EXPIRED, f"{recipients_of(delivery)} ({reason})"))
        events += services.answered(delivery, answer)
        if is_last_resort(delivery):
            log.error("%s: the postmaster could not be reached, this notice is lost: %s", delivery.id, reason)
        return answer.delivery
