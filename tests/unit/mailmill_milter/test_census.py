from __future__ import annotations

import fcntl

import pytest

from mailmill.intake import IntakeWriter
from mailmill.intake.directories import ALL
from mailmill.mailids import new_mail_id
from mailmill.spool import Spool, State
from mailmill_milter.census import COUNT_SHARE, SHORTEST_INTERVAL, Census, CensusTaker


@pytest.fixture
def spool(tmp_path):
    for state in State:
        (tmp_path / state).mkdir()
    return Spool(tmp_path)


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def put(spool, name):
    spool.path(name, State.ACTIVE).touch()


def test_another_process_reads_the_count_and_does_not_count_itself(spool, clock):
    put(spool, "a")
    assert CensusTaker([spool], clock).latest().messages == 1
    put(spool, "b")
    other = CensusTaker([spool], clock)
    assert other.latest().messages == 1
    clock.now += SHORTEST_INTERVAL
    assert other.latest().messages == 2


def test_who_finds_another_counting_goes_by_the_last_count(spool, clock):
    taker = CensusTaker([spool], clock)
    taker.latest()
    put(spool, "a")
    clock.now += SHORTEST_INTERVAL
    with (spool.root / "census.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert taker.latest().messages == 0
    assert taker.latest().messages == 1


def test_a_count_that_took_long_is_believed_for_longer():
    census = Census(taken=100, took=1.0, messages=0, bytes=0, oldest=None)
    assert census.fresh(100 + COUNT_SHARE - 0.1)
    assert not census.fresh(100 + COUNT_SHARE)


def test_a_count_from_before_the_host_was_started_is_not_believed(spool, clock):
    CensusTaker([spool], clock).latest()
    put(spool, "a")
    clock.now = 1.0
    assert CensusTaker([spool], clock).latest().messages == 1


def test_a_damaged_file_is_counted_anew(spool, clock):
    (spool.root / "census").write_text("{")
    put(spool, "a")
    assert CensusTaker([spool], clock).latest().messages == 1


def test_messages_of_the_intake_count_until_they_have_ended(spool, clock):
    for name in ALL:
        (spool.root / name).mkdir()
    to = IntakeWriter(spool.root)
    first, second = new_mail_id(100.0, "4A"), new_mail_id(200.0, "4B")
    to.append(first, b"x" * 30)
    to.append(second, b"x" * 50)
    taker = CensusTaker([spool], clock)
    assert (taker.latest().messages, taker.latest().bytes, taker.latest().oldest) == (2, 80, 100.0)
    manager = Spool(spool.root)
    manager.intake.take_charge()
    manager.intake.look()
    manager.remove(first, State.ACTIVE)
    manager.flush()
    clock.now += SHORTEST_INTERVAL
    assert (taker.latest().messages, taker.latest().bytes, taker.latest().oldest) == (1, 50, 200.0)


def test_deferred_messages_count_and_are_not_the_oldest(spool, clock):
    spool.path("a", State.DEFERRED).write_bytes(b"xyz")
    census = CensusTaker([spool], clock).latest()
    assert (census.messages, census.bytes, census.oldest) == (1, 3, None)


@pytest.fixture
def elsewhere(spool, clock):
    """A census taker, and the counts that it has left to somebody else."""
    taker, counts = CensusTaker([spool], clock), []
    taker.count_elsewhere(counts.append)
    taker.latest()
    return taker, counts


def test_a_count_elsewhere_is_not_waited_for(spool, clock, elsewhere):
    taker, counts = elsewhere
    put(spool, "a")
    clock.now += SHORTEST_INTERVAL
    assert [taker.latest().messages, taker.latest().messages, len(counts)] == [0, 0, 1]
    counts.pop()()
    assert taker.latest().messages == 1
    clock.now += SHORTEST_INTERVAL
    taker.latest()
    assert len(counts) == 1


def test_a_count_that_is_much_too_old_is_not_gone_by(spool, clock, elsewhere):
    taker, counts = elsewhere
    put(spool, "a")
    clock.now += 2 * SHORTEST_INTERVAL
    assert (taker.latest().messages, counts) == (1, [])


def test_a_count_elsewhere_that_fails_is_tried_again_by_who_asks(spool, clock, elsewhere, monkeypatch):
    taker, counts = elsewhere
    clock.now += SHORTEST_INTERVAL
    taker.latest()
    with monkeypatch.context() as patched:
        patched.setattr(taker, "_count", lambda: (_ for _ in ()).throw(OSError(5, "Input/output error")))
        counts.pop()()
        assert taker.latest().messages == 0
        clock.now += SHORTEST_INTERVAL
        with pytest.raises(OSError, match="Input/output"):
            taker.latest()
