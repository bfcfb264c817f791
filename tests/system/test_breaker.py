"""The circuit breaker in a real Redis, whose clock decides."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from mailmill.connection import connect
from mailmill.keys import RELAY_HELD, relay_key
from mailmill_local.probes import free_port
from mailmill_local.servers.redis import RedisServer
from mailmill_workers.deliver import breaker as module
from mailmill_workers.deliver.breaker import BROKEN, BUSY, LIMIT, RedisBreaker

pytestmark = pytest.mark.system

ADDRESS = "inet:192.0.2.1:628"
OTHER = "inet:192.0.2.2:628"


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[redis.Redis]:
    with connect(redis_server.url) as connection:
        connection.flushdb()
        yield connection


@pytest.fixture
def breaker(client: redis.Redis) -> RedisBreaker:
    return RedisBreaker(client)


def fail(breaker: RedisBreaker, times: int, weight: int = BROKEN) -> None:
    for _ in range(times):
        breaker.failed(ADDRESS, weight)


def pass_time(client: redis.Redis) -> None:
    """Let the pause be over."""
    client.hset(relay_key(ADDRESS), "until", 1)


def test_it_opens_after_five_broken_connections_for_all_processes(client: redis.Redis, breaker: RedisBreaker):
    fail(breaker, LIMIT // BROKEN - 1)
    assert breaker.wait(ADDRESS) == 0
    fail(breaker, 1)
    assert 4 < RedisBreaker(client).wait(ADDRESS) <= 5
    assert RedisBreaker(client).wait(OTHER) == 0


def test_it_opens_later_for_a_relay_that_is_only_busy(breaker: RedisBreaker):
    fail(breaker, LIMIT - 1, BUSY)
    assert breaker.wait(ADDRESS) == 0
    fail(breaker, 1, BUSY)
    assert breaker.wait(ADDRESS) > 0


def test_a_success_in_between_begins_the_count_anew(breaker: RedisBreaker):
    for _ in range(3):
        fail(breaker, LIMIT // BROKEN - 1)
        breaker.succeeded(ADDRESS)
    assert breaker.wait(ADDRESS) == 0


def test_one_may_probe_when_the_pause_is_over_and_its_failure_doubles_the_pause(
    client: redis.Redis, breaker: RedisBreaker
):
    fail(breaker, LIMIT)
    for pause in (10, 20, 40, 60, 60):
        pass_time(client)
        assert breaker.wait(ADDRESS) == 0
        assert 0 < RedisBreaker(client).wait(ADDRESS) <= 1
        breaker.failed(ADDRESS, BUSY)
        assert pause - 1 < breaker.wait(ADDRESS) <= pause


def test_late_failures_of_what_was_under_way_do_not_prolong_the_pause(breaker: RedisBreaker):
    fail(breaker, LIMIT // BROKEN)
    fail(breaker, 20)
    assert breaker.wait(ADDRESS) <= 5


def test_a_probe_that_is_taken_closes_it_and_tells_the_edges(client: redis.Redis, breaker: RedisBreaker):
    fail(breaker, LIMIT)
    breaker.hold(5)
    assert 0 < client.pttl(RELAY_HELD) <= 5000
    pass_time(client)
    assert breaker.wait(ADDRESS) == 0
    breaker.succeeded(ADDRESS)
    assert not client.exists(RELAY_HELD)
    assert RedisBreaker(client).wait(ADDRESS) == 0


def test_a_probe_that_tells_nothing_is_followed_by_another(
    client: redis.Redis, breaker: RedisBreaker, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "PROBE_SECONDS", 0.001)
    fail(breaker, LIMIT)
    pass_time(client)
    assert breaker.wait(ADDRESS) == 0
    while breaker.wait(ADDRESS):
        pass


def test_a_good_address_is_not_asked_about_for_a_while(client: redis.Redis):
    now = [0.0]
    breaker = RedisBreaker(client, lambda: now[0])
    assert not breaker.known_good(ADDRESS)
    breaker.wait(ADDRESS)
    assert breaker.known_good(ADDRESS)
    breaker.failed(ADDRESS, BUSY)
    assert not breaker.known_good(ADDRESS)
    breaker.succeeded(ADDRESS)
    assert breaker.known_good(ADDRESS)
    now[0] += 2
    assert not breaker.known_good(ADDRESS)


def test_without_redis_everything_may_be_tried():
    with connect(f"redis://127.0.0.1:{free_port()}/0") as nobody:
        breaker = RedisBreaker(nobody)
        fail(breaker, LIMIT)
        breaker.hold(5)
        assert breaker.wait(ADDRESS) == 0
        breaker.succeeded(ADDRESS)
