"""Who leaves the processor to others, and who does not."""

import os

import pytest

from benchmarks.processes import stats

pytestmark = pytest.mark.system


@pytest.mark.parametrize("name", ["queue_manager", "scan", "deliver", "recorder"])
def test_what_nobody_waits_for_at_a_connection_is_scheduled_as_a_batch(running, name):
    leader = getattr(running.system, name).process.pid
    processes = [each.pid for each in stats() if each.session == leader]
    assert {os.sched_getscheduler(pid) for pid in processes} == {os.SCHED_BATCH}
    assert len(processes) >= (2 if name in {"scan", "deliver"} else 1)


def test_an_edge_that_a_client_waits_for_is_not(running):
    assert os.sched_getscheduler(running.system.milter.process.pid) == os.SCHED_OTHER
