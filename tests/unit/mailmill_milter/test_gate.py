from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from mailmill.drainflag import begin_drain, end_drain
from mailmill.spool import Spool, State
from mailmill_milter.census import SHORTEST_INTERVAL
from mailmill_milter.gate import CHECK_INTERVAL, Gate, Limits


class World:
    """Two queues on file systems, and clocks, that a test moves."""

    def __init__(self, tmp_path):
        self.incoming, self.outgoing = Spool(tmp_path / "in"), Spool(tmp_path / "out")
        for spool in (self.incoming, self.outgoing):
            for state in State:
                (spool.root / state).mkdir(parents=True)
        self.free, self.files, self.free_files = {}, 1000, 500
        self.now, self.wall, self.looks = 0.0, 1_800_000_000.0, 0

    def statvfs(self, path):
        self.looks += 1
        free = self.free.get(path, 10_000)
        return SimpleNamespace(f_bavail=free, f_frsize=1, f_files=self.files, f_favail=self.free_files)

    def gate(self, **limits):
        return Gate(
            self.incoming,
            self.outgoing,
            Limits(**limits),
            statvfs=self.statvfs,
            clock=lambda: self.wall,
            monotonic=lambda: self.now,
        )

    def later(self):
        self.now += max(CHECK_INTERVAL, SHORTEST_INTERVAL)

    def put(self, name, state=State.ACTIVE, *, size=0, spool=None):
        path = (spool or self.incoming).path(name, state)
        path.write_bytes(b"x" * size)
        return path


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def text(answer):
    return "" if answer is None else str(answer)


def test_empty_queues_with_room_take_mail(world):
    gate = world.gate(min_free=1000, min_inodes=100, max_messages=5, max_bytes=1000, max_age=3600)
    assert gate.refusal(100) is None


def test_a_message_that_would_use_the_reserve_is_refused_and_a_smaller_one_is_not(world):
    gate = world.gate(min_free=1000)
    assert text(gate.refusal(9001)).startswith("451 4.3.1 insufficient space")
    assert gate.refusal(9000) is None


@pytest.mark.parametrize("which", ["incoming", "outgoing"])
def test_a_full_file_system_of_either_queue_must_recover_with_a_margin(world, which):
    gate = world.gate(min_free=1000)
    path = str(getattr(world, which).root)
    world.free[path] = 999
    assert "space" in text(gate.refusal(0))
    world.free[path] = 1050
    world.later()
    assert "space" in text(gate.refusal(0))
    world.free[path] = 1100
    world.later()
    assert gate.refusal(0) is None
    world.free[path] = 1050
    world.later()
    assert gate.refusal(0) is None


def test_the_file_systems_are_asked_once_in_an_interval(world):
    gate = world.gate()
    for _ in range(100):
        gate.refusal(1)
    assert world.looks == 2


def test_too_few_inodes_refuse_until_there_are_some_more(world):
    gate = world.gate(min_inodes=100)
    world.free_files = 99
    assert "inodes" in text(gate.refusal(1))
    world.free_files = 105
    world.later()
    assert "inodes" in text(gate.refusal(1))
    world.free_files = 110
    world.later()
    assert gate.refusal(1) is None


def test_a_file_system_that_counts_no_inodes_has_enough(world):
    world.files = world.free_files = 0
    assert world.gate(min_inodes=100).refusal(1) is None


def test_messages_of_both_queues_count_and_the_limit_has_hysteresis(world):
    gate = world.gate(max_messages=10)
    for number in range(5):
        world.put(f"a{number}")
        world.put(f"d{number}", State.DEFERRED, spool=world.outgoing)
        world.put(f"i{number}", State.INCOMING)
        world.put(f"c{number}", State.CORRUPT)
    assert "too many" in text(gate.refusal(1))
    world.incoming.remove("a0", State.ACTIVE)
    world.later()
    assert "too many" in text(gate.refusal(1))
    world.incoming.remove("a1", State.ACTIVE)
    world.later()
    assert gate.refusal(1) is None
    world.put("a0")
    world.later()
    assert gate.refusal(1) is None


def test_bytes_of_both_queues_count(world):
    gate = world.gate(max_bytes=1000)
    world.put("a", size=500)
    world.put("b", State.DEFERRED, size=499, spool=world.outgoing)
    assert gate.refusal(1) is None
    world.put("c", size=1)
    world.later()
    assert "full" in text(gate.refusal(1))


def test_a_message_that_nobody_takes_up_closes_the_gate_and_deferred_ones_do_not(world):
    gate = world.gate(max_age=3600)
    old = world.wall - 3601
    os.utime(world.put("d", State.DEFERRED), (old, old))
    world.put("a")
    os.utime(world.put("b"), (world.wall, world.wall))
    os.utime(world.incoming.path("a", State.ACTIVE), (world.wall, world.wall))
    assert gate.refusal(1) is None
    os.utime(world.put("e"), (old, old))
    world.later()
    assert "too long" in text(gate.refusal(1))
    world.incoming.remove("e", State.ACTIVE)
    world.later()
    assert gate.refusal(1) is None


def test_a_clock_that_was_set_back_makes_no_message_old(world):
    future = world.wall + 7200
    os.utime(world.put("a"), (future, future))
    assert world.gate(max_age=3600).refusal(1) is None


def test_without_a_limit_nothing_is_counted(world):
    (world.incoming.root / State.ACTIVE).rmdir()
    assert world.gate().refusal(1) is None


def test_an_edge_that_is_drained_takes_nothing_and_says_so(world):
    gate = world.gate()
    begin_drain(world.incoming.root)
    assert text(gate.refusal(1)).startswith("451 4.3.2 ")
    end_drain(world.incoming.root)
    world.later()
    assert gate.refusal(1) is None


def test_a_queue_that_cannot_be_looked_at_is_an_error_each_time(tmp_path):
    gate = Gate(Spool(tmp_path / "absent"), Spool(tmp_path / "absent"), Limits())
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            gate.refusal(1)
