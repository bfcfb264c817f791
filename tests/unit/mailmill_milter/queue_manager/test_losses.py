from pathlib import Path

import pytest

from mailmill.keys import JOURNALS, MARKER, SETTLED
from mailmill_milter.queue_manager.losses import ALIVE_SECONDS, LOSS_GRACE, STALE_SECONDS, Look, LossWatch


class FakeRedis:
    """What the watch uses of Redis."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {MARKER: b"one"}
        self.journals: dict[bytes, bytes] = {}
        #: Which start of the server this is.
        self.start = 1

    def info(self, section):
        assert section == "server"
        return {"run_id": str(self.start)}

    def get(self, key):
        return self.values.get(key)

    def set(self, key, value, *, nx=False):
        if not nx or key not in self.values:
            self.values[key] = value.encode()

    def hgetall(self, key):
        assert key == JOURNALS
        return dict(self.journals)

    def hdel(self, key, name):
        del self.journals[name.encode()]

    def flush(self, marker=b"two"):
        self.values = {MARKER: marker}
        self.journals = {}


class Bench:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.redis = FakeRedis()
        self.now = 0.0
        self.start()

    def start(self):
        self.watch = LossWatch(self.redis, self.path, lambda: self.now)

    def says(self, name: str, value: str):
        self.redis.journals[name.encode()] = value.encode()

    def look(self, after=1.0) -> Look:
        self.now += after
        return self.watch.look()


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path / "redis-seen")


def test_a_redis_that_keeps_its_data_is_steady(bench):
    assert [bench.look() for _ in range(3)] == [Look.STEADY] * 3


def test_the_first_marker_is_set_and_no_loss(bench):
    bench.redis.values.clear()
    assert bench.look() is Look.STEADY
    assert bench.redis.values[MARKER]


def test_a_loss_is_over_when_all_workers_that_were_alive_have_told(bench):
    bench.says("a", "one.1 1")
    bench.says("b", "one.1 1")
    bench.look()
    bench.redis.flush()
    assert bench.look() is Look.LOST
    bench.says("a", "two.1 2")
    assert bench.look() is Look.WAITING
    bench.says("b", "one.1 2")
    assert bench.look() is Look.WAITING
    bench.says("b", "two.1 3")
    assert bench.look() is Look.TOLD
    assert bench.look() is Look.STEADY


def test_a_loss_without_workers_is_over_at_once(bench):
    bench.look()
    bench.redis.flush()
    assert [bench.look(), bench.look()] == [Look.LOST, Look.TOLD]


def test_a_worker_that_tells_nothing_is_not_waited_for_for_ever(bench):
    bench.says("a", "one.1 1")
    bench.look()
    bench.redis.flush()
    assert bench.look() is Look.LOST
    assert bench.look(LOSS_GRACE - 1) is Look.WAITING
    assert bench.look() is Look.TOLD


def test_a_worker_that_was_silent_before_is_not_waited_for(bench):
    bench.says("a", "one.1 1")
    bench.look()
    bench.look(ALIVE_SECONDS + 1)
    bench.redis.flush()
    assert bench.look() is Look.LOST
    # Nobody was alive, so the list of the last look that saw somebody does not count either.
    assert bench.look() is Look.TOLD


def test_a_second_loss_while_waiting_begins_anew(bench):
    bench.says("a", "one.1 1")
    bench.look()
    bench.redis.flush()
    bench.look()
    bench.redis.flush(b"three")
    assert bench.look() is Look.LOST
    bench.says("a", "two.1 2")
    assert bench.look() is Look.WAITING
    bench.says("a", "three.1 3")
    assert bench.look() is Look.TOLD


def test_a_loss_while_the_queue_manager_was_away_is_noticed(bench):
    bench.says("a", "one.1 1")
    bench.look()
    bench.redis.flush()
    bench.start()
    assert bench.look() is Look.LOST
    assert bench.look() is Look.WAITING
    bench.says("a", "two.1 5")
    assert bench.look() is Look.TOLD
    bench.start()
    assert bench.look() is Look.STEADY


@pytest.mark.parametrize("content", [b"", b"{", b"[]"])
def test_a_file_that_cannot_be_read_is_like_none(bench, content):
    bench.path.write_bytes(content)
    bench.start()
    assert bench.look() is Look.STEADY


def test_a_directory_that_cannot_be_written_does_not_stop_it(bench):
    bench.path = bench.path / "missing" / "file"
    bench.start()
    assert bench.look() is Look.STEADY
    bench.redis.flush()
    assert bench.look() is Look.LOST


def test_names_of_workers_that_are_gone_are_removed(bench):
    bench.says("a", "one.1 1")
    bench.look()
    bench.look(STALE_SECONDS + 1)
    assert bench.redis.journals == {}


def test_a_redis_that_was_started_again_is_waited_for_and_has_not_lost_all(bench):
    bench.says("a", "one.1 1")
    assert bench.look() is Look.STEADY
    assert bench.redis.values[SETTLED] == b"one.1"
    bench.redis.start = 2
    assert bench.look() is Look.LOST
    assert not bench.watch.of_all
    assert bench.look() is Look.WAITING
    assert bench.redis.values[SETTLED] == b"one.1"
    bench.says("a", "one.2 2")
    assert bench.look() is Look.TOLD
    assert bench.redis.values[SETTLED] == b"one.2"


def test_a_start_while_a_loss_of_all_is_waited_for_does_not_make_it_small(bench):
    bench.says("a", "one.1 1")
    bench.look()
    bench.redis.flush()
    assert bench.look() is Look.LOST
    assert bench.watch.of_all
    bench.redis.start = 2
    assert bench.look() is Look.LOST
    assert bench.watch.of_all
    bench.says("a", "two.2 2")
    assert bench.look() is Look.TOLD
    bench.redis.start = 3
    assert bench.look() is Look.LOST
    assert not bench.watch.of_all


def test_a_queue_manager_without_a_file_waits_for_what_the_others_wait_for(bench):
    bench.redis.values[SETTLED] = b"one.0"
    bench.says("a", "one.0 7")
    assert bench.look() is Look.LOST
    assert bench.look() is Look.WAITING
    assert bench.redis.values[SETTLED] == b"one.0"
    bench.says("a", "one.1 8")
    assert bench.look() is Look.TOLD
    assert bench.redis.values[SETTLED] == b"one.1"
