from __future__ import annotations

import logging

import pytest
import redis
from msgspec.structs import replace

from mailmill.keys import EVENTS
from mailmill.mailids import new_mail_id
from mailmill.messagelog.entries import PACK, from_fields
from mailmill.messagelog.events import Event, Step
from mailmill.messagelog.writer import COMPLAINT_INTERVAL, MAX_ENTRIES, EventWriter

EVENT = Event(time=1.0, mail_id=new_mail_id(1.0, "A1"), step=Step.SCANNED, node="")


class FakePipeline:
    def __init__(self, client):
        self.client = client
        self.commands = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def xadd(self, name, fields, maxlen, approximate):
        self.commands.append((name, fields, maxlen, approximate))

    def execute(self):
        if self.client.broken:
            raise redis.ConnectionError("refused")
        self.client.round_trips.append(self.commands)


class FakeRedis:
    def __init__(self, *, broken=False):
        self.broken = broken
        self.round_trips = []

    def pipeline(self, transaction):
        assert transaction is False
        return FakePipeline(self)


def sent(client):
    [commands] = client.round_trips
    return [entry.event for _, fields, _, _ in commands for entry in from_fields(b"1-0", fields)]


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_all_events_go_in_one_round_trip_to_a_bounded_stream():
    client = FakeRedis()
    written = [replace(EVENT, detail=str(number)) for number in range(2 * PACK + 1)]
    EventWriter(client, "edge1").write(written)
    [commands] = client.round_trips
    assert [(name, maxlen, approximate) for name, _, maxlen, approximate in commands] == [
        (EVENTS, MAX_ENTRIES, True)
    ] * 3
    assert [event.detail for event in sent(client)] == [event.detail for event in written]


def test_the_writers_node_is_filled_in_only_where_none_is_named():
    client = FakeRedis()
    named = Event(time=1.0, mail_id=EVENT.mail_id, step=Step.SCANNED, node="scan@w1")
    EventWriter(client, "edge1").write([EVENT, named])
    assert [event.node for event in sent(client)] == ["edge1", "scan@w1"]


def test_no_events_need_no_round_trip():
    client = FakeRedis()
    EventWriter(client, "edge1").write([])
    assert client.round_trips == []


def test_events_can_join_the_pipeline_of_a_caller():
    pipe = FakePipeline(FakeRedis())
    EventWriter(FakeRedis(broken=True), "edge1").add_to(pipe, [EVENT])
    assert len(pipe.commands) == 1


def test_a_redis_that_is_down_is_logged_once_a_minute_with_the_number_of_lost_events(caplog):
    clock = Clock()
    writer = EventWriter(FakeRedis(broken=True), "edge1", monotonic=clock)
    with caplog.at_level(logging.WARNING):
        writer.write([EVENT])
        writer.write([EVENT, EVENT])
        clock.now = COMPLAINT_INTERVAL
        writer.write([EVENT])
    assert [record.getMessage() for record in caplog.records] == [
        "message log: 1 events could not be written: refused",
        "message log: 3 events could not be written: refused",
    ]


def test_a_fault_of_the_program_is_not_hidden():
    class Odd(FakeRedis):
        def pipeline(self, transaction):
            raise TypeError

    with pytest.raises(TypeError):
        EventWriter(Odd(), "edge1").write([EVENT])
