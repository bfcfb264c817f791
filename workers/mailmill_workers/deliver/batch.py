"""A batch of deliveries: claim, submit, confirm, report; each one by itself, all at the same time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mailmill.delivery import Delivery
from mailmill.ledger import Claim
from mailmill.messagelog.events import Event
from mailmill.outcomes import ContentsMissing, DeliveryHeld, Outcome
from mailmill.records import encode
from mailmill_workers import eventloop
from mailmill_workers.deliver.bounce import Answer, is_last_resort
from mailmill_workers.deliver.ending import events_of, outcomes_of, reason_of
from mailmill_workers.deliver.fetch import Message, fetch
from mailmill_workers.deliver.journal import confirmation
from mailmill_workers.deliver.parts import Part, part_of, parts, unconfirmed
from mailmill_workers.deliver.relay import Relay
from mailmill_workers.deliver.replies import NOBODY, Reply, Result, Submission
from mailmill_workers.deliver.reports import Reports
from mailmill_workers.deliver.services import Services
from mailmill_workers.deliver.settling import SettledClaims
from mailmill_workers.insistence import UNUSABLE, Pause, insist
from mailmill_workers.together import Together

log = logging.getLogger(__name__)

#: Submissions of a delivery that the relay did not answer, after which a person has to look: each may have
#: arrived. With the usual backoff this is after about half an hour.
MOST_UNCONFIRMED: Final = 10
#: Nobody was refused.
NOTHING: Final = Answer()
#: What is said of a recipient that the relay confirmed in an earlier try.
ALREADY: Final = Reply(Result.CONFIRMED, "already confirmed")


@dataclass(frozen=True)
class Desk:
    """What the deliveries of one batch ask for together."""

    edge: str
    claims: Together[Delivery, Claim]
    #: Makes durable what the journal was told.
    kept: Together[str, None]
    #: Marks deliveries as confirmed for all workers.
    confirmed: Together[Delivery, None]
    reports: Reports


class DeliverBatch:
    """Delivers batches. One message's fault never raises and never touches its neighbours."""

    def __init__(self, services: Services, relay: Relay, pause: Pause = asyncio.sleep) -> None:
        """Submit to `relay`; `pause` waits between tries to reach Redis."""
        self._services = services
        self._relay = relay
        self._pause = pause
        self._claims = SettledClaims(services.ledger)

    def run(self, edge: str, ids: Sequence[str]) -> None:
        """Deliver what these delivery ids stand for, and report to the edge that owns their messages.

        Raises:
            redis.RedisError, ContentsError, BrokerError: Redis cannot be used. What was confirmed is marked
                and what was not is with its edge; neither is lost.
        """
        with self._services.journal.batch():
            eventloop.run(self._run(edge, ids))

    async def _run(self, edge: str, ids: Sequence[str]) -> None:
        services = self._services
        fetched = await insist(lambda: fetch(services.contents, ids), self._pause)
        desk = Desk(
            edge,
            Together(self._claims, self._pause),
            Together(self._sync, self._pause),
            Together(self._confirm, self._pause),
            Reports(services.reporter, edge, self._pause),
        )
        desk.reports.add([ContentsMissing(mail_id) for mail_id in fetched.missing], [])
        ends = await asyncio.gather(
            *(self._one(message, desk) for message in fetched.messages), return_exceptions=True
        )
        await desk.reports.close()
        for end in ends:
            if end is not None:
                raise end

    def _sync(self, confirmed: Sequence[str]) -> Sequence[None]:
        self._services.journal.sync()
        return [None] * len(confirmed)

    def _confirm(self, deliveries: Sequence[Delivery]) -> Sequence[None]:
        self._services.ledger.confirm(deliveries)
        return [None] * len(deliveries)

    async def _one(self, message: Message, desk: Desk) -> None:
        """Deliver one message; only Redis may fail."""
        delivery = message.delivery
        try:
            if not delivery.recipients:
                # Never submitted: an empty submission could be confirmed and be delivered to nobody (B5).
                await self._end(message, Submission((), NOBODY), desk)
                return
            claim = await desk.claims(delivery)
            if claim is Claim.HELD:
                await self._held(delivery, desk.reports)
                return
            self._services.journal.began(delivery)
            submission = await self._submit(message, claim)
            await self._end(message, submission, desk)
        except UNUSABLE:
            self._services.ledger.abandon(delivery)
            raise
        except Exception:
            # If the relay has confirmed it, the ledger says so to the next try.
            log.exception("%s: deferred for an internal error", delivery.id)
            fault = Reply(Result.DEFERRED, "internal error, see the log of the worker")
            submission = Submission((fault,) * len(delivery.recipients), NOBODY)
            await self._release(delivery)
            desk.reports.add(*self._told(delivery, parts(delivery, submission.replies), submission))

    async def _held(self, delivery: Delivery, reports: Reports) -> None:
        """Another worker has it, or had it when it died: the edge asks again when that is certain."""
        seconds = await insist(lambda: self._services.ledger.held_for(delivery), self._pause)
        log.info("%s: another worker is delivering this", delivery.id)
        reports.add([DeliveryHeld(delivery.mail_id, delivery.id, seconds)], [])

    async def _release(self, delivery: Delivery) -> None:
        self._services.journal.ended(delivery)
        await insist(lambda: self._services.ledger.release(delivery), self._pause)

    async def _submit(self, message: Message, claim: Claim) -> Submission:
        """Submit to those recipients that no earlier try has reached."""
        delivery = message.delivery
        if claim is Claim.DONE:
            return Submission((ALREADY,) * len(delivery.recipients), NOBODY)
        wanted = list(range(len(delivery.recipients)))
        if claim is Claim.PART:
            ledger = self._services.ledger
            marks = await insist(lambda: ledger.confirmed([delivery.mail_id]), self._pause)
            wanted = unconfirmed(delivery, marks[delivery.mail_id])
        if not wanted:
            return Submission((ALREADY,) * len(delivery.recipients), NOBODY)
        said = await self._relay.submit(part_of(delivery, wanted), message.data)
        replies = [ALREADY] * len(delivery.recipients)
        given = await self._weighed(delivery, said.replies)
        for index, reply in zip(wanted, given, strict=True):
            replies[index] = reply
        return Submission(tuple(replies), said.relay, said.reduced)

    async def _weighed(self, delivery: Delivery, replies: Sequence[Reply]) -> Sequence[Reply]:
        """Return the replies; after too many submissions that nobody answered, they are the last (R15)."""
        if not any(reply.unconfirmed for reply in replies):
            return replies
        count = await insist(lambda: self._services.ledger.count_unconfirmed(delivery), self._pause)
        if count < MOST_UNCONFIRMED:
            return replies
        text = f"submitted {count} times and never answered, it may have arrived; last: {replies[0].text}"
        return [Reply(Result.REFUSED, text, unconfirmed=True)] * len(replies)

    async def _end(self, message: Message, submission: Submission, desk: Desk) -> None:
        """Do what the replies ask for: first of all, mark what the relay has taken."""
        delivery, services = message.delivery, self._services
        ends = parts(delivery, _kept(delivery, submission.replies)) or {Result.REFUSED: Part(delivery, ())}
        taken = ends.get(Result.CONFIRMED)
        if taken:
            part = taken.delivery
            if submission.relay != NOBODY:
                # At once, so that it outlives this process: the disk may take milliseconds.
                services.journal.confirmed(confirmation(delivery, part, reason_of(taken)))
                await desk.kept(part.id)
            await desk.confirmed(part)
        refused = ends.get(Result.REFUSED)
        kept = NOTHING
        if refused:
            kept = await asyncio.to_thread(services.bouncer.answer, refused, message.data, submission.relay)
        answer = kept.delivery
        if answer:
            record = {answer.id: encode(answer)}
            await insist(lambda: services.contents.put(record), self._pause)
        if not taken or taken.delivery.id != delivery.id:
            await self._release(delivery)
        outcomes, events = self._told(delivery, ends, submission, kept)
        if not answer:
            desk.reports.add(outcomes, events)
            return
        # The edge must hear of the answer before it can hear how the answer ended.
        await insist(lambda: services.reporter.report(desk.edge, outcomes, events), self._pause)
        answer_id = answer.id
        await insist(lambda: services.tasks.deliver(desk.edge, [answer_id]), self._pause)

    def _told(
        self,
        delivery: Delivery,
        ends: Mapping[Result, Part],
        submission: Submission,
        answer: Answer = NOTHING,
    ) -> tuple[Sequence[Outcome], Sequence[Event]]:
        """Return what the edge and the message log hear."""
        services = self._services
        events = events_of(
            ends,
            relay=submission.relay,
            reduced=submission.reduced,
            node=services.node,
            now=services.clock(),
        )
        events = (*events, *services.answered(delivery, answer))
        for event in events:
            log.info("%s: %s", delivery.id, event.detail)
        return outcomes_of(delivery, ends, answer.delivery), events


def _kept(delivery: Delivery, replies: Sequence[Reply]) -> tuple[Reply, ...]:
    """Return the replies, with a refusal of the last resort turned into another try: a person can mend it."""
    if not is_last_resort(delivery):
        return tuple(replies)
    kept = []
    for reply in replies:
        if reply.result is Result.REFUSED:
            log.error("%s: the relay refuses mail to the postmaster: %s", delivery.id, reply.text)
            kept.append(Reply(Result.DEFERRED, reply.text))
        else:
            kept.append(reply)
    return tuple(kept)
