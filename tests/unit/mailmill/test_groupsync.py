import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from mailmill.groupsync import GroupSync


class Disk:
    """A disk whose syncs wait until they are let go."""

    def __init__(self):
        self.renamed, self.durable, self.syncs = 0, 0, 0
        self.entered, self.leave = threading.Event(), threading.Event()
        self.broken = False

    def sync(self):
        covers = self.renamed
        self.syncs += 1
        self.entered.set()
        assert self.leave.wait(10)
        if self.broken:
            raise OSError(5, "Input/output error")
        self.durable = covers


def test_those_who_come_during_a_sync_share_the_next_one():
    disk = Disk()
    group = GroupSync(disk.sync)

    def commit():
        group()
        return disk.durable

    with ThreadPoolExecutor(9) as pool:
        disk.renamed = 1
        first = pool.submit(commit)
        assert disk.entered.wait(10)
        disk.renamed = 9
        others = [pool.submit(commit) for _ in range(8)]
        while group._asked < 9:
            pass
        disk.leave.set()
        assert first.result(10) >= 1
        assert [other.result(10) for other in others] == [9] * 8
    assert disk.syncs == 2


def test_a_sync_that_began_before_is_not_enough():
    disk = Disk()
    disk.leave.set()
    group = GroupSync(disk.sync)
    for count in (1, 2, 3):
        disk.renamed = count
        group()
        assert disk.durable == count


def test_a_failure_is_that_of_all_who_had_asked_before_it_began():
    """The system tells of an error once: the next sync would succeed without what this one lost."""
    disk = Disk()
    group = GroupSync(disk.sync)
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(group)
        assert disk.entered.wait(10)
        others = [pool.submit(group) for _ in range(8)]
        while group._asked < 9:
            pass

        def only_the_second_fails():
            disk.broken = disk.syncs == 1
            sync()

        sync, group._sync = disk.sync, only_the_second_fails
        disk.leave.set()
        first.result(10)
        failed = [other.exception(10) for other in others]
    assert [type(exc) for exc in failed] == [OSError] * 8
    assert disk.syncs == 2
    disk.broken = False
    group._sync = sync
    group()


def test_a_failure_is_that_of_each_who_tried():
    disk = Disk()
    disk.leave.set()
    disk.broken = True
    group = GroupSync(disk.sync)
    for _ in range(2):
        with pytest.raises(OSError, match="Input/output"):
            group()
    disk.broken = False
    group()
    assert disk.syncs == 3


def test_nobody_returns_before_what_he_did_is_durable():
    lock = threading.Lock()
    done, durable, missed = set(), set(), []

    def sync():
        with lock:
            seen = set(done)
        durable.update(seen)

    group = GroupSync(sync)

    def commit(number):
        with lock:
            done.add(number)
        group()
        if number not in durable:
            missed.append(number)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(commit, range(2000)))
    assert missed == []
