from __future__ import annotations

from types import SimpleNamespace

import pytest

from mailmill.spool import Spool, State
from mailmill_milter.gate import CHECK_INTERVAL, MIN_FREE_INODES, Gate


class World:
    """A file system and a clock that a test moves."""

    def __init__(self, tmp_path):
        self.spool = Spool(tmp_path)
        for state in State:
            (tmp_path / state).mkdir()
        self.free, self.files, self.free_files, self.now, self.looks = 10_000, 1000, 500, 0.0, 0

    def statvfs(self, path):
        assert path == str(self.spool.root)
        self.looks += 1
        return SimpleNamespace(f_bavail=self.free, f_frsize=1, f_files=self.files, f_favail=self.free_files)

    def gate(self, min_free=1000, max_messages=0):
        return Gate(
            self.spool,
            min_free=min_free,
            max_messages=max_messages,
            statvfs=self.statvfs,
            monotonic=lambda: self.now,
        )

    def later(self):
        self.now += CHECK_INTERVAL

    def put(self, count, state=State.ACTIVE):
        for number in range(count):
            (self.spool.root / state / str(number)).touch()


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_an_empty_spool_with_room_takes_mail(world):
    assert world.gate().refusal(100) == ""


def test_a_message_that_would_use_the_reserve_is_refused_and_a_smaller_one_is_not(world):
    gate = world.gate()
    assert "space" in gate.refusal(9001)
    assert gate.refusal(9000) == ""


def test_a_full_file_system_must_recover_with_a_margin(world):
    gate = world.gate(min_free=1000)
    world.free = 999
    assert "space" in gate.refusal(0)
    world.free = 1050
    world.later()
    assert "space" in gate.refusal(0)
    world.free = 1100
    world.later()
    assert gate.refusal(0) == ""
    world.free = 1050
    world.later()
    assert gate.refusal(0) == ""


def test_the_file_system_is_asked_once_in_an_interval(world):
    gate = world.gate()
    for _ in range(100):
        gate.refusal(1)
    assert world.looks == 1


def test_a_file_system_without_inodes_refuses(world):
    world.free_files = MIN_FREE_INODES - 1
    assert "inodes" in world.gate().refusal(1)


def test_a_file_system_that_counts_no_inodes_has_enough(world):
    world.files = world.free_files = 0
    assert world.gate().refusal(1) == ""


def test_waiting_messages_count_in_active_and_deferred_and_the_limit_has_hysteresis(world):
    gate = world.gate(max_messages=10)
    world.put(6)
    world.put(4, State.DEFERRED)
    world.put(50, State.INCOMING)
    assert "too many" in gate.refusal(1)
    world.spool.remove("0", State.ACTIVE)
    world.now += 100
    assert "too many" in gate.refusal(1)
    world.spool.remove("1", State.ACTIVE)
    world.now += 100
    assert gate.refusal(1) == ""
    world.put(1)
    world.now += 100
    assert gate.refusal(1) == ""


def test_without_a_limit_nothing_is_counted(world):
    (world.spool.root / State.ACTIVE).rmdir()
    assert world.gate(max_messages=0).refusal(1) == ""


def test_a_spool_that_cannot_be_looked_at_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        Gate(Spool(tmp_path / "absent"), min_free=0, max_messages=0).refusal(1)
