import logging

import pytest
import redis

from mailmill.settings import Settings
from mailmill_workers.verdicts.store import REST, ROOM_EVERY, Kept, VerdictStore, cache_url, connect, has_room


class FakeRedis:
    """A client whose pipelines answer from `values`; `fault` is raised, `refusal` said to every SET."""

    def __init__(self):
        self.values, self.lives, self.trips = {}, {}, 0
        self.fault = self.refusal = None
        self.memory = {"used_memory": 10, "maxmemory": 100}

    def pipeline(self, transaction):
        return FakePipeline(self)


class FakePipeline:
    def __init__(self, server):
        self.server, self.commands = server, []

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        pass

    def mget(self, keys):
        self.commands.append(lambda: [self.server.values.get(key) for key in keys])

    def info(self, section):
        self.commands.append(lambda: self.server.memory)

    def set(self, key, value, ex):
        def run():
            if self.server.refusal:
                return self.server.refusal
            self.server.values[key], self.server.lives[key] = value, ex
            return True

        self.commands.append(run)

    def execute(self, raise_on_error):
        assert not raise_on_error
        self.server.trips += 1
        if self.server.fault:
            raise self.server.fault
        return [command() for command in self.commands]


@pytest.fixture
def server():
    return FakeRedis()


@pytest.fixture
def now():
    return [1000.0]


@pytest.fixture
def store(server, now):
    return VerdictStore(server, lambda: now[0])


def test_what_was_kept_is_found_in_one_round_trip(store, server):
    store.put({"a": Kept(b"1", 300), "b": Kept(b"2", 1800)})
    assert server.trips == 1
    assert server.lives == {"a": 300, "b": 1800}
    assert store.get(["b", "x", "a"]) == [b"2", None, b"1"]
    assert server.trips == 2


def test_nothing_to_do_is_no_round_trip(store, server):
    store.put({})
    assert store.get([]) == []
    assert server.trips == 0


@pytest.mark.parametrize("fault", [redis.ConnectionError("gone"), redis.TimeoutError("hangs")])
def test_a_redis_that_is_away_is_left_alone_for_a_while(fault, store, server, now, caplog):
    server.values["a"] = b"1"
    server.fault = fault
    assert store.get(["a"]) == [None]
    assert store.get(["a"]) == [None]
    store.put({"b": Kept(b"2", 1)})
    assert server.trips == 1
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    server.fault = None
    now[0] += REST
    assert store.get(["a"]) == [b"1"]


def test_a_redis_that_refuses_to_store_is_no_fault(store, server):
    server.refusal = redis.ResponseError("OOM command not allowed when used memory > 'maxmemory'.")
    store.put({"a": Kept(b"1", 1), "b": Kept(b"2", 1)})
    store.put({"c": Kept(b"1", 1)})
    assert server.trips == 1


def test_a_redis_that_cannot_read_now_knows_nothing(store, server, monkeypatch):
    loading = redis.ResponseError("LOADING Redis is loading the dataset in memory")
    monkeypatch.setattr(FakePipeline, "execute", lambda self, raise_on_error: [loading] * len(self.commands))
    assert store.get(["a", "b"]) == [None, None]


def test_half_of_the_memory_is_left_to_mail(store, server, now):
    server.memory = {"used_memory": 51, "maxmemory": 100}
    store.get(["a"])
    store.put({"a": Kept(b"1", 1)})
    assert server.values == {}
    server.memory = {"used_memory": 50, "maxmemory": 100}
    now[0] += ROOM_EVERY
    store.get(["a"])
    store.put({"a": Kept(b"1", 1)})
    assert server.values == {"a": b"1"}


@pytest.mark.parametrize(
    "memory",
    [{"used_memory": 10**12, "maxmemory": 0}, {}, redis.ResponseError("NOPERM"), {"used_memory": "x"}],
)
def test_a_redis_without_a_limit_has_room(memory):
    assert has_room(memory)


@pytest.mark.parametrize(
    ("options", "url"),
    [
        ({}, "redis://broker/0"),
        ({"Contents URL": "redis://contents/0"}, "redis://contents/0"),
        ({"Contents URL": "file:///var/contents"}, "redis://broker/0"),
        ({"Contents URL": "redis://contents/0", "Verdict Cache URL": "redis://cache/0"}, "redis://cache/0"),
        ({"Cache SpamAssassin Results": "no"}, "redis://broker/0"),
        ({"Cache SpamAssassin Results": "no", "Cache Virus Scanner Results": "no"}, None),
    ],
)
def test_where_the_cache_is(options, url):
    assert cache_url(Settings.of({"Redis URL": "redis://broker/0", **options})) == url


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "unix:///nowhere/redis.sock"])
def test_a_client_can_be_had_before_there_is_a_redis(url):
    connect(url).close()
