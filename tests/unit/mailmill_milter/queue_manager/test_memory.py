from __future__ import annotations

import math

import pytest
import redis

from mailmill.errors import ContentsError
from mailmill.outcomes import ContentsMissing
from mailmill.spool import State
from mailmill_milter.queue_manager.memory import Memory, MemoryWatch

LIMIT = 1000


class FakeRedis:
    def __init__(self, limit=LIMIT, policy="noeviction"):
        self.limit, self.policy, self.used, self.down = limit, policy, 0, False

    def info(self, section):
        assert section == "memory"
        if self.down:
            raise redis.ConnectionError("refused")
        return {"maxmemory": self.limit, "maxmemory_policy": self.policy, "used_memory": self.used}


class Told:
    def __init__(self, *clients):
        self.room, self.excess, self.relieved = [], [], 0
        self.watch = MemoryWatch(clients, self.room.append, self.excess.append, self._relieved)

    def _relieved(self):
        self.relieved += 1


@pytest.mark.parametrize(
    ("used", "room"),
    [
        ([0], 850),
        ([800], 50),
        ([850], 0),
        ([849], 1),
        ([900, 760], 0),
        ([900, 749], 101),
        ([900, 749, 840], 10),
    ],
)
def test_mail_is_sent_up_to_a_share_of_the_limit_and_after_that_only_below_a_smaller_one(used, room):
    client = FakeRedis()
    memory = Memory(client)
    for client.used in used:
        found = memory.room()
    assert found == pytest.approx(room)


def test_a_redis_without_a_limit_has_room_for_all():
    client = FakeRedis(limit=0)
    client.used = 10**12
    assert Memory(client).room() == math.inf


def test_a_redis_that_evicts_is_complained_of_once(caplog):
    memory = Memory(FakeRedis(policy="allkeys-lru"))
    memory.room()
    memory.room()
    assert caplog.text.count("allkeys-lru") == 1


def test_the_redis_with_less_room_counts():
    first, second = FakeRedis(), FakeRedis()
    told = Told(first, second)
    second.used = 700
    told.watch.look()
    assert told.room == [pytest.approx(150)]


def test_a_redis_that_cannot_be_asked_changes_nothing():
    client = FakeRedis()
    told = Told(client)
    client.down = True
    told.watch.look()
    assert told.room == []


def test_after_writes_were_refused_the_relief_is_told_once():
    client = FakeRedis()
    told = Told(client)
    for client.used in (900, 700, 995, 900, 700, 700):
        told.watch.look()
    assert told.relieved == 1


def test_a_redis_that_stays_full_has_to_give_mail_back_down_to_where_mail_may_be_sent_again():
    client = FakeRedis()
    told = Told(client)
    for client.used in (995, 900, 995, 995):
        told.watch.look()
    assert told.excess == []
    told.watch.look()
    assert told.excess == [245]
    client.used = 900
    told.watch.look()
    assert told.excess == [245]


def test_the_latest_messages_are_taken_back_from_a_full_redis_and_go_again_when_it_has_room(bench):
    names = [bench.accept(content=b"x" * 1000) for _ in range(4)]
    bench.turn()
    size = bench.incoming.path(names[0], State.ACTIVE).stat().st_size
    bench.window.allow(0)
    bench.manager.take_back(size + 1)
    assert set(bench.contents.items) == set(names[:2])
    bench.turn()
    assert len(bench.window) == 2
    bench.manager.outcomes([ContentsMissing(names[2])])
    bench.turn()
    assert len(bench.window) == 2
    del bench.tasks.sent[:]
    bench.window.allow(math.inf)
    bench.turn()
    assert [name for task in bench.tasks.sent for name in task[2]] == names[2:]
    assert set(bench.contents.items) == set(names)


def test_the_thread_looks_and_ends(monkeypatch):
    monkeypatch.setattr("mailmill_milter.queue_manager.memory.INTERVAL", 0.001)
    told = Told(FakeRedis())
    told.watch.start()
    while not told.room:
        pass
    told.watch.stop()


def test_a_window_without_room_in_redis_lets_nothing_go_and_what_was_accepted_waits(bench):
    bench.window.allow(0)
    name = bench.accept()
    bench.turn()
    assert bench.tasks.sent == []
    assert bench.states(bench.incoming) == {"active": {name}}
    bench.window.allow(math.inf)
    bench.turn()
    assert bench.tasks.sent == [("scan", "edge1", (name,))]


def test_a_window_lets_no_more_go_than_redis_has_room_for(bench):
    names = [bench.accept(content=b"x" * 1000) for _ in range(10)]
    size = bench.incoming.path(names[0], State.ACTIVE).stat().st_size
    bench.window.allow(3.5 * size)
    bench.turn()
    assert bench.window.bytes_in_flight == 3 * size
    bench.window.allow(size)
    bench.turn()
    assert bench.window.bytes_in_flight == 4 * size


def test_a_message_larger_than_the_room_goes_alone_when_there_is_some(bench):
    bench.window.allow(10)
    names = [bench.accept(), bench.accept()]
    bench.turn()
    assert bench.tasks.sent == [("scan", "edge1", (names[0],))]


def test_a_store_that_refuses_a_batch_gets_back_what_it_had_taken_of_it(bench, monkeypatch):
    name = bench.accept()
    put = bench.contents.put

    def half(items):
        put(items)
        raise ContentsError("OOM command not allowed")

    monkeypatch.setattr(bench.contents, "put", half)
    bench.turn()
    assert bench.contents.items == {}
    monkeypatch.setattr(bench.contents, "put", put)
    bench.clock.now += 2
    bench.turn()
    assert bench.tasks.sent == [("scan", "edge1", (name,))]


def test_what_does_not_fit_into_the_rest_of_the_window_waits_without_spinning(make_bench):
    bench = make_bench(max_bytes=3000)
    names = [bench.accept(content=b"x" * 1500) for _ in range(3)]
    bench.turn()
    assert bench.tasks.sent == [("scan", "edge1", (names[0],))]
