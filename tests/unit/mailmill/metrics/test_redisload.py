"""What is told of Redis."""

import pytest
import redis
from prometheus_client import CollectorRegistry

from mailmill.metrics.redisload import RedisLoad

ANSWERS = [
    {
        "used_memory": 1000,
        "maxmemory": 5000,
        "connected_clients": 7,
        "total_net_input_bytes": 300,
        "total_net_output_bytes": 400,
    },
    {"cmdstat_xadd": {"calls": 12}, "cmdstat_config|get": {"calls": 3}},
    5,
    6,
    7,
    8,
    1,
]


class FakePipeline:
    answers: object = ANSWERS

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        pass

    def __getattr__(self, name):
        return lambda *arguments: None

    def execute(self):
        if isinstance(self.answers, Exception):
            raise self.answers
        return self.answers


@pytest.fixture
def value(monkeypatch):
    load = RedisLoad("redis://127.0.0.1:1/0")
    monkeypatch.setattr(load._client, "pipeline", lambda transaction: FakePipeline())
    registry = CollectorRegistry()
    registry.register(load)
    return registry.get_sample_value


def test_it_tells_what_redis_holds_and_has_done(value):
    assert value("mailmill_redis_up") == 1
    assert value("mailmill_redis_used_bytes") == 1000
    assert value("mailmill_redis_limit_bytes") == 5000
    assert value("mailmill_redis_commands_total", {"command": "xadd"}) == 12
    assert value("mailmill_redis_commands_total", {"command": "config|get"}) == 3
    assert value("mailmill_redis_bytes_total", {"direction": "in"}) == 300
    assert value("mailmill_redis_bytes_total", {"direction": "out"}) == 400
    assert value("mailmill_tasks_waiting", {"queue": "scan"}) == 5
    assert value("mailmill_tasks_waiting", {"queue": "deliver"}) == 6
    assert value("mailmill_tasks_held") == 7
    assert value("mailmill_events_waiting") == 8
    assert value("mailmill_relay_held") == 1


def test_a_redis_that_does_not_answer_is_told_and_nothing_else(value, monkeypatch):
    monkeypatch.setattr(FakePipeline, "answers", redis.TimeoutError("paused"))
    assert value("mailmill_redis_up") == 0
    assert value("mailmill_redis_used_bytes") is None
