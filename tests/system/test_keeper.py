"""Journals, claims and streams in a real Redis: what is told again, and when a file may go."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
import redis

from delivery_fakes import EDGE, MAIL_ID, make_delivery
from mailmill.connection import connect
from mailmill.keys import JOURNALS, claim_key, outcomes_key
from mailmill.ledger import Claim, Ledger
from mailmill.marker import current_marker
from mailmill.messagelog.writer import EventWriter
from mailmill.outcomes import Delivered, DeliveryHeld, Outcome
from mailmill.records import decode, encode
from mailmill.reporter import FIELD, RedisReporter
from mailmill_local.servers.redis import RedisServer
from mailmill_workers.deliver.journal import SEGMENT_SECONDS, DeliveryJournal, confirmation
from mailmill_workers.deliver.keeper import ADOPT_SECONDS, RETAIN_SECONDS, RETIRE_SECONDS, Keeper

pytestmark = pytest.mark.system

ONE = make_delivery("a@example.org")
TWO = make_delivery("b@example.org", covers=("1",), id=f"{MAIL_ID}.two")


class Process:
    """One deliver process."""

    def __init__(self, client: redis.Redis, directory: Path, name: str) -> None:
        self.now = 0.0
        self.ledger = Ledger(client, name)
        self.journal = DeliveryJournal(directory, name, lambda: self.now)
        self.reporter = RedisReporter(client, EventWriter(client, name))
        self.keeper = Keeper(client, self.ledger, self.journal, self.reporter, lambda: self.now)

    def tick(self, after: float = 0.0) -> None:
        self.now += after
        self.keeper.tick()

    def die(self) -> None:
        for segment in self.journal.segments():
            os.close(segment.fd)


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[redis.Redis]:
    with connect(redis_server.url) as connection:
        connection.flushdb()
        yield connection


@pytest.fixture
def make(client: redis.Redis, tmp_path: Path) -> Callable[[str], Process]:
    return lambda name: Process(client, tmp_path, name)


def outcomes(client: redis.Redis) -> list[Outcome]:
    entries = cast("list[tuple[bytes, dict[bytes, bytes]]]", client.xrange(outcomes_key(EDGE)))
    return [decode(fields[FIELD], Outcome) for _, fields in entries]


def test_marks_and_outcomes_are_told_again_when_redis_has_lost_its_data(client, make):
    process = make("p1")
    process.tick()
    process.journal.began(ONE)
    process.journal.confirmed(confirmation(ONE, ONE, "ok"))
    process.tick()
    assert outcomes(client) == []
    client.flushdb()
    process.tick()
    assert outcomes(client) == [Delivered(MAIL_ID, ONE.id, "ok", covers=("0",))]
    assert process.ledger.claim(ONE) is Claim.DONE
    assert client.hget(JOURNALS, "p1").startswith(current_marker(client).encode() + b" ")
    process.tick()
    assert len(outcomes(client)) == 1


def test_claims_of_running_submissions_are_held_again_before_the_process_says_that_it_has_told(client, make):
    process = make("p1")
    process.tick()
    process.ledger.claim(ONE)
    client.flushdb()
    process.tick()
    assert make("p2").ledger.claim(ONE) is Claim.HELD
    process.ledger.release(ONE)
    assert make("p2").ledger.claim(ONE) is Claim.GRANTED


def test_a_claim_that_was_lost_to_another_is_not_taken_back(client, make):
    first, second = make("p1"), make("p2")
    first.ledger.claim(ONE)
    client.delete(claim_key(ONE.id))
    assert second.ledger.claim(ONE) is Claim.GRANTED
    first.ledger.renew()
    first.ledger.release(ONE)
    assert client.get(claim_key(ONE.id)) == b"p2"


def test_a_claim_is_renewed_and_an_abandoned_one_is_not(client, make):
    process = make("p1")
    process.ledger.claim(ONE)
    client.pexpire(claim_key(ONE.id), 1000)
    process.ledger.renew()
    assert process.ledger.held_for(ONE) > 50
    client.pexpire(claim_key(ONE.id), 1000)
    process.ledger.abandon(ONE)
    process.ledger.renew()
    assert process.ledger.held_for(ONE) <= 1


def test_what_a_dead_process_left_is_told_by_a_living_one(client, make):
    dead, living = make("p1"), make("p2")
    for delivery in (ONE, TWO):
        dead.ledger.claim(delivery)
        dead.journal.began(delivery)
    dead.journal.confirmed(confirmation(ONE, ONE, "ok"))
    living.tick()
    dead.die()
    living.tick(ADOPT_SECONDS)
    assert outcomes(client) == [
        Delivered(MAIL_ID, ONE.id, "ok", covers=("0",)),
        DeliveryHeld(MAIL_ID, TWO.id, 0.0),
    ]
    assert living.ledger.claim(ONE) is Claim.DONE
    assert living.ledger.claim(TWO) is Claim.GRANTED
    assert client.hget(JOURNALS, "p1").endswith(b" adopted")


def told(process: Process, client: redis.Redis) -> list[Path]:
    """Deliver and report one message; the files of the journal."""
    with process.journal.batch():
        process.journal.began(ONE)
        process.journal.confirmed(confirmation(ONE, ONE, "ok"))
        client.xadd(outcomes_key(EDGE), {FIELD: encode(Delivered(MAIL_ID, ONE.id, "ok"))})
    return [segment.path for segment in process.journal.segments()]


def test_a_file_goes_when_the_edge_has_acted_on_all_that_it_tells(client, make):
    process = make("p1")
    process.tick()
    (path,) = told(process, client)
    process.tick(SEGMENT_SECONDS)
    process.tick(RETIRE_SECONDS)
    assert path.exists()
    (entry,) = client.xrange(outcomes_key(EDGE))
    client.xadd(outcomes_key(EDGE), {FIELD: b"of somebody else, later"})
    client.xdel(outcomes_key(EDGE), entry[0])
    process.tick(RETIRE_SECONDS)
    # The last seconds may have to be told again to a Redis that comes back without them.
    assert path.exists()
    process.tick(RETAIN_SECONDS)
    assert not path.exists()


def test_a_file_stays_while_the_stream_is_gone_with_the_data_of_redis(client, make):
    process = make("p1")
    (path,) = told(process, client)
    process.tick(SEGMENT_SECONDS)
    client.flushdb()
    process.tick(RETIRE_SECONDS)
    process.tick(RETIRE_SECONDS)
    assert path.exists()
    client.xtrim(outcomes_key(EDGE), maxlen=0, approximate=False)
    process.tick(RETAIN_SECONDS)
    assert not path.exists()
