"""The wall clock is set: no mail is stuck, and none expires too early."""

from __future__ import annotations

import os

import pytest

from mailmill.outcomes import ScanDeferred
from mailmill.spool import State
from mailmill_milter.queue_manager.backoff import Backoff
from mailmill_milter.queue_manager.manager import RESCAN_INTERVAL

HOUR = 3600.0
#: `Maximal Backoff Time` of the bench.
LONGEST = 300.0


@pytest.fixture
def deferred(bench):
    name = bench.accept()
    bench.turn()
    bench.manager.outcomes([ScanDeferred(name, "clamd is down")])
    bench.tasks.sent.clear()
    return name


def run(bench, seconds):
    """Let wall and monotonic clock go on together."""
    bench.turn()
    for _ in range(int(seconds / RESCAN_INTERVAL) + 1):
        bench.clock.now += RESCAN_INTERVAL
        bench.turn()


def test_a_deferred_message_waits_no_longer_than_the_longest_time_when_the_clock_goes_back(bench, deferred):
    bench.clock.offset -= HOUR
    run(bench, LONGEST + RESCAN_INTERVAL)
    assert bench.tasks.sent == [("scan", "edge1", (deferred,))]


def test_so_does_one_that_is_found_on_the_disk_with_a_time_far_ahead(make_bench, bench, deferred):
    path = bench.incoming.path(deferred, State.DEFERRED)
    os.utime(path, (bench.clock.wall() + 30 * HOUR,) * 2)
    again = make_bench()
    again.clock.now = bench.clock.now
    run(again, LONGEST + RESCAN_INTERVAL)
    assert again.tasks.sent == [("scan", "edge1", (deferred,))]


def test_a_message_from_the_future_is_new(bench):
    name = bench.accept()
    bench.clock.offset -= HOUR
    bench.turn()
    bench.manager.outcomes([ScanDeferred(name, "clamd is down")])
    assert bench.incoming.due(name) - bench.clock.wall() == pytest.approx(5)
    assert bench.tasks.sent == [("scan", "edge1", (name,))]


def test_nothing_expires_because_the_clock_is_an_hour_ahead(bench, deferred):
    bench.clock.offset += HOUR
    bench.turn()
    bench.manager.outcomes([ScanDeferred(deferred, "clamd is down")])
    assert bench.states(bench.incoming) == {"deferred": {deferred}}


def test_leases_do_not_follow_the_wall_clock(bench):
    bench.accept()
    bench.turn()
    bench.clock.offset += HOUR
    bench.turn()
    assert len(bench.tasks.sent) == 1


@pytest.mark.parametrize("age", [-HOUR, 0, 3, 100, HOUR])
def test_a_wait_is_always_within_its_limits(age):
    until = Backoff(5, LONGEST, 5 * 86_400).next_attempt(1e9 - age, 1e9)
    assert 5 <= until - 1e9 <= LONGEST
