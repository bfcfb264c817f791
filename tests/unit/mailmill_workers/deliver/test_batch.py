from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import redis

from delivery_fakes import (
    EDGE,
    MAIL_ID,
    MESSAGE,
    Cluster,
    FakeRelay,
    MemoryJournal,
    deferred,
    make_delivery,
    refused,
    sent,
    spool_file,
)
from mailmill.delivery import Delivery, delivery_id
from mailmill.envelope import Recipient
from mailmill.messagelog.events import Step
from mailmill.outcomes import ContentsMissing, Delivered, DeliveryDeferred, DeliveryHeld, DeliveryRefused
from mailmill.records import decode
from mailmill_workers.deliver.batch import MOST_UNCONFIRMED, DeliverBatch
from mailmill_workers.deliver.parts import part_of
from mailmill_workers.deliver.replies import Reply, Result

ONE = make_delivery("a@example.org")
THREE = make_delivery("a@example.org", "b@example.org", "c@example.org")


async def no_pause(_: float) -> None:
    pass


def run(cluster: Cluster, answer: Callable[[Delivery], Sequence[Reply]], *ids: str) -> FakeRelay:
    relay = FakeRelay(answer, cluster.steps)
    wanted = list(ids) or list(cluster.contents.items)
    DeliverBatch(cluster.services, relay, no_pause).run(EDGE, wanted)
    return relay


def everybody(reply: Reply) -> Callable[[Delivery], Sequence[Reply]]:
    return lambda delivery: [reply] * len(delivery.recipients)


def by_address(**replies: Reply) -> Callable[[Delivery], Sequence[Reply]]:
    return lambda delivery: [replies[r.address.partition("@")[0]] for r in delivery.recipients]


def test_the_confirmation_is_recorded_before_anything_else():
    cluster = Cluster(ONE)
    run(cluster, everybody(sent()))
    assert cluster.steps == [
        f"began {ONE.id}",
        "submitted",
        f"journal {ONE.id}",
        "synced",
        f"confirm {ONE.id}",
        "report",
    ]
    assert cluster.reporter.outcomes == [Delivered(MAIL_ID, ONE.id, "250 2.0.0 ok", covers=("0",))]
    assert [event.step for event in cluster.reporter.events] == [Step.DELIVERED]
    assert not cluster.ledger.claims


def test_a_confirmation_does_not_wait_for_the_disk_of_another_one_to_be_noted():
    """What is noted outlives the process, what waits in it does not."""
    two = make_delivery("b@example.org", covers=("1",), id=f"{MAIL_ID}.two")
    cluster = Cluster(ONE, two)
    syncing, noted = threading.Event(), threading.Event()
    in_time = []

    class SlowDisk(MemoryJournal):
        def confirmed(self, record):
            super().confirmed(record)
            if record.delivery_id == two.id:
                noted.set()

        def sync(self):
            syncing.set()
            in_time.append(noted.wait(10))

    class LaterRelay(FakeRelay):
        async def submit(self, delivery, message):
            if delivery.id == two.id:
                await asyncio.to_thread(syncing.wait, 10)
            return await super().submit(delivery, message)

    cluster.journal = SlowDisk(cluster.steps)
    DeliverBatch(cluster.services, LaterRelay(everybody(sent())), no_pause).run(EDGE, [ONE.id, two.id])
    assert in_time[0]
    assert len(cluster.reporter.outcomes) == 2


def test_the_message_is_its_head_its_content_and_its_tail():
    delivery = make_delivery("a@example.org", head=b"X-New: 1\n", content=MAIL_ID, tail=b"--end--\n")
    cluster = Cluster(delivery)
    cluster.contents.items[MAIL_ID] = spool_file(MESSAGE)
    relay = run(cluster, everybody(sent()), delivery.id)
    assert relay.submitted == [(delivery, b"X-New: 1\n" + MESSAGE + b"--end--\n")]


def test_what_the_head_has_already_is_left_out_of_the_content():
    delivery = make_delivery("a@example.org", head=MESSAGE[:5] + b"more", content=MAIL_ID, skip=5)
    cluster = Cluster(delivery)
    cluster.contents.items[MAIL_ID] = spool_file(MESSAGE)
    relay = run(cluster, everybody(sent()), delivery.id)
    assert relay.submitted == [(delivery, MESSAGE[:5] + b"more" + MESSAGE[5:])]


def test_a_batch_is_fetched_in_two_round_trips():
    deliveries = [
        make_delivery("a@example.org", id=f"{MAIL_ID}.{n}", covers=(str(n),), content=MAIL_ID)
        for n in range(20)
    ]
    cluster = Cluster(*deliveries)
    cluster.contents.items[MAIL_ID] = spool_file(MESSAGE)
    relay = run(cluster, everybody(sent()), *(one.id for one in deliveries))
    assert len(relay.submitted) == 20
    assert cluster.contents.trips == 2


@pytest.mark.parametrize("stored", [None, b"", spool_file(MESSAGE)[:-1], b"{}"])
def test_content_that_is_missing_or_damaged_is_asked_for_again(stored: bytes | None):
    delivery = make_delivery("a@example.org", content=MAIL_ID)
    cluster = Cluster(delivery)
    if stored is not None:
        cluster.contents.items[MAIL_ID] = stored
    relay = run(cluster, everybody(sent()), delivery.id)
    assert cluster.reporter.outcomes == [ContentsMissing(MAIL_ID)]
    assert not relay.submitted


@pytest.mark.parametrize("stored", [None, b"", b"{}", b"[1"])
def test_a_record_that_is_missing_or_damaged_is_asked_for_again_once(stored: bytes | None):
    cluster = Cluster(ONE)
    ids = [f"{MAIL_ID}.x", f"{MAIL_ID}.y"]
    if stored is not None:
        cluster.contents.items.update(dict.fromkeys(ids, stored))
    run(cluster, everybody(sent()), ONE.id, *ids)
    assert sorted(map(type, cluster.reporter.outcomes), key=str) == [ContentsMissing, Delivered]


def test_what_another_worker_holds_is_left_to_it_and_its_edge_hears_for_how_long():
    cluster = Cluster(ONE)
    cluster.ledger.claims.add(ONE.id)
    relay = run(cluster, everybody(sent()))
    assert not relay.submitted
    assert cluster.reporter.outcomes == [DeliveryHeld(MAIL_ID, ONE.id, 42.0)]
    assert cluster.ledger.claims == {ONE.id}


def test_what_was_confirmed_is_reported_again_and_not_submitted():
    cluster = Cluster(THREE)
    cluster.ledger.done[MAIL_ID] = {"0", "1", "2"}
    relay = run(cluster, everybody(refused()))
    assert not relay.submitted
    assert cluster.reporter.outcomes == [
        Delivered(MAIL_ID, THREE.id, "already confirmed", covers=("0", "1", "2"))
    ]


def test_only_recipients_that_were_not_confirmed_are_submitted_to():
    cluster = Cluster(THREE)
    cluster.ledger.done[MAIL_ID] = {"1"}
    relay = run(cluster, everybody(sent()))
    assert [delivery for delivery, _ in relay.submitted] == [part_of(THREE, [0, 2])]
    (outcome,) = cluster.reporter.outcomes
    assert isinstance(outcome, Delivered)
    assert outcome.delivery_id == THREE.id
    assert cluster.ledger.done[MAIL_ID] == {"0", "1", "2"}


def test_a_temporary_failure_lets_go_and_reports_the_delivery():
    cluster = Cluster(ONE)
    run(cluster, everybody(deferred()))
    assert cluster.reporter.outcomes == [DeliveryDeferred(MAIL_ID, ONE, "451 4.3.0 later")]
    assert not cluster.ledger.claims
    assert not cluster.ledger.done


def test_a_refusal_is_answered_by_a_bounce_that_the_edge_hears_of_first():
    cluster = Cluster(ONE)
    run(cluster, everybody(refused()))
    (outcome,) = cluster.reporter.outcomes
    assert isinstance(outcome, DeliveryRefused)
    (bounce_id,) = outcome.instead
    bounce = decode(cluster.contents.items[bounce_id], Delivery)
    assert bounce.recipients[0].address == "s@example.com"
    assert cluster.tasks.delivers == [bounce_id]
    assert cluster.steps[-2:] == ["report", "enqueue"]
    assert [event.step for event in cluster.reporter.events] == [Step.REFUSED, Step.BOUNCED]
    assert not cluster.ledger.claims


def test_a_sender_that_wants_no_bounce_gets_none():
    recipients = (Recipient("a@example.org", ("NOTIFY=NEVER",)),)
    delivery = make_delivery("a@example.org", recipients=recipients)
    cluster = Cluster(delivery)
    run(cluster, everybody(refused()))
    (outcome,) = cluster.reporter.outcomes
    assert isinstance(outcome, DeliveryRefused)
    assert outcome.instead == ()
    assert cluster.tasks.delivers == []
    assert [event.step for event in cluster.reporter.events] == [Step.REFUSED]


def test_recipients_that_end_differently_are_split():
    cluster = Cluster(THREE)
    run(cluster, by_address(a=sent(), b=deferred(), c=refused()))
    waiting = part_of(THREE, [1])
    ended, waits = cluster.reporter.outcomes
    assert isinstance(ended, DeliveryRefused)
    assert ended.delivery_id == THREE.id
    assert ended.instead == (cluster.tasks.delivers[0], waiting.id)
    assert waits == DeliveryDeferred(MAIL_ID, waiting, "451 4.3.0 later")
    assert cluster.ledger.done[MAIL_ID] == {"0"}
    assert not cluster.ledger.claims


def test_a_split_delivery_reaches_nobody_twice():
    cluster = Cluster(THREE)
    run(cluster, by_address(a=sent(), b=deferred(), c=sent()))
    relay = run(cluster, everybody(sent()), THREE.id)  # the first outcome was lost: the edge asks again
    assert [r.address for delivery, _ in relay.submitted for r in delivery.recipients] == ["b@example.org"]


def test_a_message_without_recipients_is_never_submitted():
    nobody = make_delivery(id=delivery_id(MAIL_ID, ()))
    cluster = Cluster(nobody)
    relay = run(cluster, everybody(sent()))
    assert not relay.submitted
    (outcome,) = cluster.reporter.outcomes
    assert isinstance(outcome, DeliveryRefused)
    notice = decode(cluster.contents.items[outcome.instead[0]], Delivery)
    assert notice.recipients[0].address == "postmaster@example.net"


def test_a_refused_notice_to_the_postmaster_is_kept_and_tried_again():
    notice = make_delivery("postmaster@example.net", sender="", covers=("postmaster:x",))
    cluster = Cluster(notice)
    run(cluster, everybody(refused()))
    assert cluster.reporter.outcomes == [DeliveryDeferred(MAIL_ID, notice, "550 5.1.1 unknown")]


def test_an_internal_error_defers_one_message_and_leaves_the_others_alone():
    other = make_delivery("b@example.org", covers=("9",), id=f"{MAIL_ID}.other")
    cluster = Cluster(ONE, other)

    def answer(delivery: Delivery) -> Sequence[Reply]:
        if delivery is not None and delivery.id == ONE.id:
            raise ZeroDivisionError
        return [sent()]

    run(cluster, answer)
    by_id = {type(outcome): outcome for outcome in cluster.reporter.outcomes}
    assert isinstance(by_id[DeliveryDeferred], DeliveryDeferred)
    assert by_id[DeliveryDeferred].delivery == ONE
    assert by_id[Delivered] == Delivered(MAIL_ID, other.id, "250 2.0.0 ok", covers=other.covers)
    assert not cluster.ledger.claims


def test_a_confirmation_survives_a_short_absence_of_redis():
    cluster = Cluster(ONE)
    cluster.ledger.failures = 3
    run(cluster, everybody(sent()))
    assert cluster.ledger.done[MAIL_ID] == {"0"}


def test_a_redis_that_stays_away_is_an_error_and_the_others_are_still_reported():
    other = make_delivery("b@example.org", covers=("9",), id=f"{MAIL_ID}.other")
    cluster = Cluster(ONE, other)
    silent = Reply(Result.DEFERRED, "submitted, unconfirmed: gone", unconfirmed=True)

    class Failing(type(cluster.ledger)):  # type: ignore[misc]
        def count_unconfirmed(self, delivery: Delivery) -> object:
            raise redis.ConnectionError("down")

    cluster.ledger.__class__ = Failing
    with pytest.raises(redis.ConnectionError):
        run(cluster, by_address(a=silent, b=sent()))
    assert cluster.reporter.outcomes == [Delivered(MAIL_ID, other.id, "250 2.0.0 ok", covers=other.covers)]


def test_what_was_left_out_is_in_the_event():
    cluster = Cluster(ONE)

    class Reduced(FakeRelay):
        async def submit(self, delivery, message):
            return replace(await super().submit(delivery, message), reduced="DSN")

    DeliverBatch(cluster.services, Reduced(everybody(sent())), no_pause).run(EDGE, [ONE.id])
    assert cluster.reporter.events[0].detail.endswith(", reduced: DSN")


def test_what_was_never_answered_too_often_is_kept_and_not_submitted_again():
    cluster = Cluster(ONE)
    silent = Reply(Result.DEFERRED, "submitted, unconfirmed: gone", unconfirmed=True)
    for _ in range(MOST_UNCONFIRMED - 1):
        run(cluster, everybody(silent), ONE.id)
    assert {type(outcome) for outcome in cluster.reporter.outcomes} == {DeliveryDeferred}
    run(cluster, everybody(silent), ONE.id)
    outcome = cluster.reporter.outcomes[-1]
    assert isinstance(outcome, DeliveryRefused)
    assert "submitted 10 times and never answered" in outcome.reason
    ((mail, _),) = cluster.quarantine.stored
    assert mail.id == ONE.id
    assert cluster.tasks.delivers == list(outcome.instead)
    steps = [event.step for event in cluster.reporter.events][-3:]
    assert steps == [Step.REFUSED, Step.QUARANTINED, Step.BOUNCED]


def test_the_edge_hears_that_a_relay_was_not_tried():
    cluster = Cluster(ONE)
    run(cluster, everybody(Reply(Result.DEFERRED, "open", tried=False)))
    assert cluster.reporter.outcomes == [DeliveryDeferred(MAIL_ID, ONE, "open", tried=False)]


def test_a_claim_is_not_renewed_for_a_task_that_redis_made_fail():
    cluster = Cluster(ONE)
    cluster.ledger.failures = 100
    with pytest.raises(redis.ConnectionError):
        run(cluster, everybody(sent()))
    assert cluster.ledger.abandoned == {ONE.id}
