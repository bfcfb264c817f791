"""The deliver task's work with a real Redis and a real relay: marks, reports, bounces, no duplicates."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
import redis

from delivery_fakes import EDGE, MAIL_ID, make_delivery, refused, spool_file
from mailmill.connection import connect
from mailmill.contents.redis import RedisContents
from mailmill.delivery import Delivery
from mailmill.keys import EVENTS, SETTLED, outcomes_key
from mailmill.ledger import Claim, Ledger, UnsettledError
from mailmill.marker import current_marker
from mailmill.messagelog.writer import EventWriter
from mailmill.outcomes import Delivered, DeliveryDeferred, DeliveryRefused, Outcome
from mailmill.records import decode, encode
from mailmill.reporter import FIELD, RedisReporter
from mailmill_local.probes import HOST, wait_until
from mailmill_local.servers.redis import RedisServer
from mailmill_local.servers.relay import PostfixRelay
from mailmill_workers.deliver.address import Inet
from mailmill_workers.deliver.batch import DeliverBatch
from mailmill_workers.deliver.bounce import Bouncer
from mailmill_workers.deliver.expiry import BounceBatch
from mailmill_workers.deliver.journal import DeliveryJournal
from mailmill_workers.deliver.parts import part_of
from mailmill_workers.deliver.qmqp import QmqpClient
from mailmill_workers.deliver.relay import Relay, RelayPool
from mailmill_workers.deliver.replies import Submission
from mailmill_workers.deliver.services import Services
from mailmill_workers.scan.quarantine import Quarantine

pytestmark = pytest.mark.system

MAIL = (
    b"From: a@example.com\nTo: b@example.org\nSubject: hello\n"
    b"Date: Mon, 01 Jan 2024 00:00:00 +0000\nMessage-ID: <1@example.com>\n\nbody\n"
)
HEAD = b"X-Mailmill: yes\n"


class NotedTasks:
    def __init__(self) -> None:
        self.delivers: list[str] = []

    def scan(self, edge: str, mail_ids: object) -> None:
        raise AssertionError

    def bounce(self, edge: str, delivery_ids: object, reason: str) -> None:
        raise AssertionError

    def warn(self, edge: str, delivery_id: str, reason: str, until: float) -> None:
        raise AssertionError

    def deliver(self, edge: str, delivery_ids: list[str]) -> None:
        self.delivers += delivery_ids


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[redis.Redis]:
    with connect(redis_server.url) as connection:
        connection.flushdb()
        connection.set(SETTLED, current_marker(connection))
        yield connection


@pytest.fixture
def services(client: redis.Redis, tmp_path: Path) -> Services:
    return make_services(client, "worker-1", tmp_path)


def make_services(client: redis.Redis, node: str, directory: Path) -> Services:
    return Services(
        contents=RedisContents(client, lifetime=600),
        ledger=Ledger(client, node),
        journal=DeliveryJournal(directory, node),
        reporter=RedisReporter(client, EventWriter(client, node)),
        tasks=NotedTasks(),
        bouncer=Bouncer(
            host="mill.example.net",
            bounce_from="MAILER-DAEMON",
            notices_to=("postmaster@example.net",),
            quarantine=Quarantine(directory / "quarantine", 0o600),
            clock=time.time,
        ),
        node=node,
        clock=time.time,
    )


def qmqp(relay: PostfixRelay) -> Relay:
    return RelayPool([Inet(HOST, relay.qmqp_port)], QmqpClient(), concurrency=4, timeout=30, longest=90)


def store(services: Services, *deliveries: Delivery) -> list[str]:
    items = {delivery.id: encode(delivery) for delivery in deliveries}
    services.contents.put({MAIL_ID: spool_file(MAIL), **items})
    return list(items)


def outcomes(client: redis.Redis) -> list[Outcome]:
    entries = cast("list[tuple[bytes, dict[bytes, bytes]]]", client.xrange(outcomes_key(EDGE)))
    return [decode(fields[FIELD], Outcome) for _, fields in entries]


def several(count: int) -> list[Delivery]:
    return [
        make_delivery(
            f"r{number}@example.org",
            sender="a@example.com",
            head=HEAD,
            content=MAIL_ID,
            covers=(str(number),),
            id=f"{MAIL_ID}.{number}",
        )
        for number in range(count)
    ]


def test_a_batch_reaches_the_relay_and_its_edge_hears_of_it(
    services: Services, client: redis.Redis, relay: PostfixRelay
):
    ids = store(services, *several(5))
    DeliverBatch(services, qmqp(relay)).run(EDGE, ids)
    heard = outcomes(client)
    assert sorted(one.delivery_id for one in heard if isinstance(one, Delivered)) == ids
    assert sum(len(fields) for _, fields in client.xrange(EVENTS)) == 5
    assert wait_until(lambda: len(relay.mailbox.messages()) == 5, 20)
    assert {one.data for one in relay.mailbox.messages()} == {HEAD + MAIL}


def test_workers_with_the_same_batch_deliver_it_once(
    client: redis.Redis, relay: PostfixRelay, tmp_path: Path
):
    workers = [make_services(client, f"worker-{number}", tmp_path) for number in range(4)]
    ids = store(workers[0], *several(10))
    threads = [
        threading.Thread(target=DeliverBatch(one, qmqp(relay)).run, args=(EDGE, ids)) for one in workers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {one.delivery_id for one in outcomes(client) if isinstance(one, Delivered)} == set(ids)
    assert wait_until(lambda: len(relay.mailbox.messages()) >= 10, 20)
    # A second copy would have been accepted before the first confirmation was reported.
    assert sorted(one.recipient for one in relay.mailbox.messages()) == [
        f"r{n}@example.org" for n in range(10)
    ]


def test_what_was_confirmed_stays_confirmed_for_the_next_worker(
    services: Services, client: redis.Redis, relay: PostfixRelay, tmp_path: Path
):
    ids = store(services, *several(1))
    DeliverBatch(services, qmqp(relay)).run(EDGE, ids)
    DeliverBatch(make_services(client, "worker-2", tmp_path), qmqp(relay)).run(EDGE, ids)
    assert [one.reply for one in outcomes(client) if isinstance(one, Delivered)][1] == "already confirmed"
    assert wait_until(lambda: len(relay.mailbox.messages()) >= 1, 20)
    assert len(relay.mailbox.messages()) == 1


def test_the_ledger_says_that_a_part_is_confirmed(client: redis.Redis):
    ledger = Ledger(client, "worker-1")
    whole = make_delivery("a@example.org", "b@example.org")
    assert ledger.claim(whole, 60) is Claim.GRANTED
    ledger.confirm([part_of(whole, [1])])
    ledger.release(whole)
    assert ledger.claim(whole, 60) is Claim.PART
    assert ledger.confirmed([MAIL_ID]) == {MAIL_ID: frozenset({"1"})}


def test_a_redis_that_may_have_forgotten_marks_grants_nothing_and_holds_nothing(client: redis.Redis):
    ledger = Ledger(client, "worker-1")
    (one,) = several(1)
    client.set(SETTLED, "of an earlier life")
    with pytest.raises(UnsettledError):
        ledger.claim_settled([one])
    assert not ledger.held_for(one)
    client.set(SETTLED, current_marker(client))
    assert ledger.claim_settled([one]) == [Claim.GRANTED]


def test_more_recipients_than_lua_has_room_for_are_confirmed(client: redis.Redis):
    covers = tuple(map(str, range(20_000)))
    many = make_delivery("a@example.org", covers=covers, id=f"{MAIL_ID}.many")
    ledger = Ledger(client, "worker-1")
    ledger.confirm([many])
    assert ledger.claim(many) is Claim.DONE


def test_a_relay_that_is_down_defers(services: Services, client: redis.Redis):
    ids = store(services, *several(2))
    pool = RelayPool([Inet(HOST, 1)], QmqpClient(), concurrency=1, timeout=5, longest=10)
    DeliverBatch(services, pool).run(EDGE, ids)
    heard = outcomes(client)
    assert {one.delivery.id for one in heard if isinstance(one, DeliveryDeferred)} == set(ids)
    assert services.ledger.claim(several(1)[0], 60) is Claim.GRANTED


class Refusing:
    longest = 10

    async def submit(self, delivery: Delivery, message: bytes) -> Submission:
        await asyncio.sleep(0)
        return Submission((refused(),) * len(delivery.recipients), "inet:192.0.2.9:628")


def test_a_refused_message_comes_back_to_its_sender(
    services: Services, client: redis.Redis, relay: PostfixRelay
):
    ids = store(services, *several(1))
    DeliverBatch(services, Refusing()).run(EDGE, ids)
    (refusal,) = outcomes(client)
    assert isinstance(refusal, DeliveryRefused)
    assert cast("NotedTasks", services.tasks).delivers == list(refusal.instead)
    DeliverBatch(services, qmqp(relay)).run(EDGE, refusal.instead)
    assert isinstance(outcomes(client)[1], Delivered)
    assert wait_until(lambda: len(relay.mailbox.messages()) == 1, 20)
    (bounce,) = relay.mailbox.messages()
    assert (bounce.sender, bounce.recipient) == ("", "a@example.com")
    assert bounce.header("Content-Type") is not None
    assert HEAD + MAIL in bounce.data


def test_an_expired_message_comes_back_to_its_sender(
    services: Services, client: redis.Redis, relay: PostfixRelay
):
    ids = store(services, *several(1))
    BounceBatch(services).run(EDGE, ids, "connection refused for 5 days")
    (refusal,) = outcomes(client)
    assert isinstance(refusal, DeliveryRefused)
    DeliverBatch(services, qmqp(relay)).run(EDGE, refusal.instead)
    assert wait_until(lambda: len(relay.mailbox.messages()) == 1, 20)
    assert b"connection refused for 5 days" in relay.mailbox.messages()[0].data
