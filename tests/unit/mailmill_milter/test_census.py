from __future__ import annotations

import fcntl

import pytest

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
