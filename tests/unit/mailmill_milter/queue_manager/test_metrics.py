"""The metrics of an edge."""

from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry

from mailmill.drainflag import begin_drain
from mailmill.messagelog.events import Event, Step
from mailmill.outcomes import DeliveryDeferred, Scanned
from mailmill.spool import State
from mailmill_milter.gate import Gate, Limits
from mailmill_milter.queue_manager.manager import RESCAN_INTERVAL
from mailmill_milter.queue_manager.metrics import COUNT_SHARE, CountingSink, EdgeParts, EdgeState


class Watched:
    """A bench with its metrics."""

    def __init__(self, bench):
        self.registry = CollectorRegistry()
        bench.feeder._journal._sink = CountingSink(bench.sink, self.registry)
        self.memory = SimpleNamespace(closed=False)
        gate = Gate(bench.incoming, bench.outgoing, Limits(), monotonic=bench.clock)
        parts = EdgeParts(
            bench.spools, bench.manager, bench.window, bench.feeder, bench.gate, self.memory, gate
        )
        state = EdgeState(parts, clock=bench.clock.wall, monotonic=bench.clock)
        self.registry.register(state)

    def value(self, name, **labels):
        return self.registry.get_sample_value(f"mailmill_edge_{name}", labels)


@pytest.fixture
def watched(bench):
    return Watched(bench)


def test_every_step_of_the_queue_manager_is_there_before_it_happens(watched):
    steps = ("accepted", "enqueued", "deferred", "expired", "corrupt", "finished")
    assert [watched.value("steps_total", step=step) for step in steps] == [0] * 6


def test_a_step_that_nobody_foresaw_counts_too(watched, bench):
    bench.feeder._journal.add("x", Step.DELETED)
    bench.feeder._journal.flush()
    assert watched.value("steps_total", step="deleted") == 1
    assert bench.sink.events[-1] == Event(bench.clock.now, "x", Step.DELETED, "edge1")


def test_a_damaged_file_raises_the_counter_and_is_seen_in_its_queue(watched, bench):
    name = bench.accept()
    bench.incoming.path(name, State.ACTIVE).write_bytes(b"damaged")
    bench.turn()
    assert watched.value("steps_total", step="corrupt") == 1
    assert watched.value("queue_messages", queue="milterin", state="corrupt") == 1
    assert watched.value("queue_bytes", queue="milterin", state="corrupt") == len(b"damaged")
    assert watched.value("queue_messages", queue="milterin", state="active") == 0


def test_the_queues_show_what_waits_how_much_it_is_and_since_when(watched, bench):
    mail_id = bench.accept()
    bench.turn()
    delivery = bench.delivery(mail_id)
    bench.manager.outcomes([Scanned(mail_id, (delivery.id,)), DeliveryDeferred(mail_id, delivery, "4.0.0")])
    bench.turn()
    bench.clock.now += 10
    assert watched.value("queue_messages", queue="milterin", state="active") == 0
    assert watched.value("queue_messages", queue="milterout", state="deferred") == 1
    size = bench.outgoing.path(delivery.id, State.DEFERRED).stat().st_size
    assert watched.value("queue_bytes", queue="milterout", state="deferred") == size
    oldest = watched.value("queue_oldest_seconds", queue="milterout", state="deferred")
    assert oldest == pytest.approx(10, abs=0.01)
    assert watched.value("queue_oldest_seconds", queue="milterin", state="active") == 0


def test_a_count_of_the_queues_is_believed_for_long_when_counting_takes_long(watched, bench, monkeypatch):
    counted = []

    def slow(spool, state):
        counted.append(state)
        bench.clock.now += 1.0
        return SimpleNamespace(messages=1, bytes=1, oldest=None)

    monkeypatch.setattr("mailmill_milter.queue_manager.metrics.totals", slow)
    took = 2 * len(State)
    watched.value("queue_messages", queue="milterin", state="active")
    bench.clock.now += (COUNT_SHARE - 1) * took - 1
    watched.value("queue_messages", queue="milterin", state="active")
    assert len(counted) == took
    bench.clock.now += 2
    watched.value("queue_messages", queue="milterin", state="active")
    assert len(counted) == 2 * took


def test_what_is_in_flight_sent_again_and_taken_back_is_told(watched, bench):
    bench.accept()
    name = bench.accept()
    bench.turn()
    assert watched.value("in_flight_messages") == 2
    assert watched.value("in_flight_bytes") == bench.window.bytes_in_flight > 0
    bench.manager.take_back(1)
    assert watched.value("in_flight_messages") == 1
    assert watched.value("taken_back_total") == 1
    assert watched.value("sent_again_total") == 1
    bench.turn()
    bench.clock.now += 1000
    bench.turn()
    assert watched.value("sent_again_total") == 3
    assert watched.value("taken_back_total") == 1
    assert name in bench.states(bench.incoming)["active"]


def test_what_holds_mail_up_is_told(watched, bench):
    def told():
        names = ("sending", "redis_full", "relay_held", "accepting")
        return {name: watched.value(name) for name in names}

    fine = {"sending": 1, "redis_full": 0, "relay_held": 0, "accepting": 1}
    assert told() == fine
    bench.tasks.down = True
    bench.accept()
    bench.turn()
    bench.manager.relay(held=True)
    watched.memory.closed = True
    begin_drain(bench.incoming.root)
    bench.clock.now += 2
    assert told() == {"sending": 0, "redis_full": 1, "relay_held": 1, "accepting": 0}
    bench.tasks.down = False
    bench.clock.now += RESCAN_INTERVAL
    bench.turn()
    assert watched.value("sending") == 1
    bench.manager.hold()
    assert watched.value("sending") == 0


def test_free_space_is_told_by_queue(watched):
    assert watched.value("free_bytes", queue="milterin") > 0
    assert watched.value("free_bytes", queue="milterout") > 0


def test_a_queue_that_cannot_be_read_is_left_out(watched, bench):
    bench.outgoing.root.rename(bench.outgoing.root.with_name("gone"))
    bench.clock.now += 5
    assert watched.value("queue_messages", queue="milterin", state="active") == 0
    assert watched.value("free_bytes", queue="milterout") is None
    assert watched.value("accepting") is None
    assert watched.value("in_flight_messages") == 0
