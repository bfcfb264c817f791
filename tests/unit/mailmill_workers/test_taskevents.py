from types import SimpleNamespace

import pytest
from celery.utils.imports import symbol_by_name

from mailmill_workers import taskevents
from mailmill_workers.taskevents import CONSUMER, LINGER, GatheringConsumer


class Timer:
    def __init__(self):
        self.calls = []

    def call_after(self, seconds, call):
        self.calls.append((seconds, call))


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(taskevents, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


@pytest.fixture
def consumer():
    consumer = GatheringConsumer.__new__(GatheringConsumer)
    consumer.hub, consumer.timer, consumer._due = object(), Timer(), 0.0
    flushed = consumer.flushed = []
    consumer.event_dispatcher = SimpleNamespace(flush=lambda: flushed.append(True))
    return consumer


def test_events_that_come_together_go_together(consumer, clock):
    for _ in range(3):
        consumer.on_send_event_buffered()
    [(seconds, call)] = consumer.timer.calls
    assert seconds == LINGER
    assert not consumer.flushed
    call()
    assert consumer.flushed == [True]


def test_a_timer_that_a_lost_connection_has_cleared_is_set_again(consumer, clock):
    consumer.on_send_event_buffered()
    consumer.timer.calls.clear()
    clock.now += LINGER
    consumer.on_send_event_buffered()
    assert len(consumer.timer.calls) == 1


def test_celery_finds_the_consumer():
    assert symbol_by_name(CONSUMER) is GatheringConsumer
