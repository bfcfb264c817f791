"""The writer of an intake: threads, failures of the disk, and when it goes on to another segment."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mailmill.errors import SpoolError
from mailmill.intake import Intake, IntakeWriter
from mailmill.intake.records import Gap, walk


def read(root):
    """What a reader finds who comes when all has ended: the messages by their names."""
    intake = Intake(root)
    intake.look()
    places = {name: intake.place(name) for name in intake.names()}
    return {name: place.path.read_bytes()[place.offset :][: place.length] for name, place in places.items()}


class Fault:
    """Makes a call fail once, at its n-th use."""

    def __init__(self, call, number, skip=0):
        self.call, self.number, self.skip = call, number, skip

    def __call__(self, *args, **kwargs):
        self.skip -= 1
        if self.skip == -1:
            raise OSError(self.number, os.strerror(self.number))
        return self.call(*args, **kwargs)


def held_syncs(monkeypatch):
    """Let syncs wait; return what tells that the first one has begun, what lets them go, and their number."""
    begun, go, calls = threading.Event(), threading.Event(), []
    real = os.fdatasync

    def sync(fd):
        calls.append(fd)
        begun.set()
        assert go.wait(10)
        real(fd)

    monkeypatch.setattr(os, "fdatasync", sync)
    return begun, go, calls


def until(condition):
    for _ in range(10_000):
        if condition():
            return
        time.sleep(0.001)
    raise AssertionError("this never came")


def test_messages_are_one_behind_the_other_in_one_segment(below, names):
    to = IntakeWriter(below.root, clock=lambda: 7)
    for name in names:
        to.append(name, b"mail " * len(name))
    to.close()
    (path,) = below.segments()
    assert path.name == f"{7:020d}-{os.getpid()}"
    data = path.read_bytes()
    found = list(walk(lambda offset, size: data[offset : offset + size], len(data), ()))
    assert [each.name for each in found if not isinstance(each, Gap)] == names == list(read(below.root))
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_message_is_synced_before_anybody_is_told_of_it(below, names, monkeypatch):
    calls = []

    def spy(name):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *args: calls.append(name) or real(*args))

    to = IntakeWriter(below.root)
    to.append(names[0], b"first")
    for name in ("pwrite", "fdatasync", "write", "fsync"):
        spy(name)
    to.append(names[1], b"second")
    assert calls == ["pwrite", "fdatasync", "write"]


def test_a_segment_is_durable_in_its_directory_before_its_first_message_counts(below, names, monkeypatch):
    calls = []
    for name in ("fsync", "write"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *args, n=name, r=real: calls.append(n) or r(*args))
    IntakeWriter(below.root).append(names[0], b"first")
    assert calls == ["fsync", "write"]


def test_threads_that_come_during_a_sync_share_the_next_one(below, names, monkeypatch):
    begun, go, calls = held_syncs(monkeypatch)
    to = IntakeWriter(below.root)
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(to.append, names[0], b"x")
        assert begun.wait(10)
        others = [pool.submit(to.append, name, b"x") for name in names[1:9]]
        until(lambda: to._current._sync._asked == 9)
        go.set()
        for each in [first, *others]:
            each.result(10)
    assert len(calls) == 2
    to.close()
    assert set(read(below.root)) == set(names[:9])


def test_a_failed_sync_refuses_all_who_share_it_and_what_they_wrote_does_not_count(below, names, monkeypatch):
    begun, go, calls = held_syncs(monkeypatch)
    to = IntakeWriter(below.root)
    seen = Intake(below.root)
    seen.take_charge()
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(to.append, names[0], b"x")
        assert begun.wait(10)
        seen.look()
        others = [pool.submit(to.append, name, b"x") for name in names[1:9]]
        until(lambda: to._current._sync._asked == 9)
        held = os.fdatasync
        monkeypatch.setattr(os, "fdatasync", Fault(held, errno.EIO))
        go.set()
        first.result(10)
        assert {type(each.exception(10)) for each in others} == {SpoolError}
    to.append(names[9], b"x")
    to.close()
    seen.look()
    assert sorted(seen.names()) == sorted(read(below.root)) == [names[0], names[9]]
    assert len(calls) == 2


#: Each system call of a writer's first message, and what makes it fail.
STEPS = {
    "create the segment": (os, "open", errno.ENOSPC, 0),
    "lock it": (fcntl, "flock", errno.ENOLCK, 0),
    "create its list": (os, "open", errno.EMFILE, 1),
    "rename it": (Path, "rename", errno.EIO, 0),
    "open its directory": (os, "open", errno.ENFILE, 2),
    "sync its directory": (os, "fsync", errno.EIO, 0),
    "write": (os, "pwrite", errno.EDQUOT, 0),
    "sync": (os, "fdatasync", errno.EIO, 0),
    "tell of it": (os, "write", errno.ENOSPC, 0),
}


@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize(("owner", "call", "number", "skip"), STEPS.values(), ids=STEPS)
def test_a_step_that_fails_is_an_error_and_the_next_message_is_accepted(
    below, names, open_files, monkeypatch, owner, call, number, skip, watched
):
    before = open_files()
    seen = Intake(below.root)
    seen.take_charge()
    to = IntakeWriter(below.root)
    with monkeypatch.context() as context:
        context.setattr(owner, call, Fault(getattr(owner, call), number, skip))
        with pytest.raises(SpoolError, match=f"cannot accept {names[0]} .*: {os.strerror(number)}"):
            to.append(names[0], b"refused")
    to.append(names[1], b"accepted")
    if watched:
        seen.look()
        assert seen.names() == [names[1]]
    assert len(below.files()) == 2
    to.close()
    assert read(below.root) == {names[1]: b"accepted"}
    seen.look()
    assert seen.names() == [names[1]]
    seen.end(names[1])
    seen.sweep()
    assert below.files() == []
    assert open_files() == before


@pytest.mark.parametrize("step", ["write", "sync", "tell of it"])
def test_a_step_that_fails_later_leaves_what_was_accepted_before(below, names, open_files, monkeypatch, step):
    before = open_files()
    to = IntakeWriter(below.root)
    to.append(names[0], b"before")
    owner, call, number, _ = STEPS[step]
    with monkeypatch.context() as context:
        context.setattr(owner, call, Fault(getattr(owner, call), number))
        with pytest.raises(SpoolError):
            to.append(names[1], b"refused")
    to.append(names[2], b"after")
    to.close()
    assert read(below.root) == {names[0]: b"before", names[2]: b"after"}
    assert open_files() == before


def test_a_disk_that_refuses_to_void_a_record_too_has_not_let_it_be_told_of(below, names, monkeypatch):
    to = IntakeWriter(below.root)
    seen = Intake(below.root)
    to.append(names[0], b"before")
    seen.look()
    with monkeypatch.context() as context:
        context.setattr(os, "fdatasync", Fault(os.fdatasync, errno.EIO))
        context.setattr(os, "pwrite", Fault(os.pwrite, errno.EROFS, 1))
        with pytest.raises(SpoolError, match="Input/output"):
            to.append(names[1], b"refused")
    seen.look()
    assert seen.names() == [names[0]]


def test_zeros_that_have_no_room_refuse_no_message(below, names, monkeypatch):
    monkeypatch.setattr(os, "pwrite", Fault(os.pwrite, errno.ENOSPC, 1))
    to = IntakeWriter(below.root)
    for name in names[:3]:
        to.append(name, b"x")
    to.close()
    assert set(read(below.root)) == set(names[:3])


def test_short_writes_go_on_where_they_stopped(below, names, monkeypatch):
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: real(fd, bytes(data[:11]), at))
    to = IntakeWriter(below.root)
    to.append(names[0], b"a longer one than that")
    to.append(names[1], b"a longer one than that")
    to.close()
    assert read(below.root) == dict.fromkeys(names[:2], b"a longer one than that")


def test_what_cannot_be_cut_off_again_never_counts(below, names, monkeypatch):
    real, left = os.pwrite, [1]

    def pwrite(fd, data, at):
        if not left[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        left[0] -= 1
        return real(fd, data[:100], at)

    to = IntakeWriter(below.root)
    seen = Intake(below.root)
    seen.take_charge()
    to.append(names[0], b"before")
    seen.look()
    with monkeypatch.context() as context:
        context.setattr(os, "pwrite", pwrite)
        context.setattr(os, "ftruncate", Fault(os.ftruncate, errno.EIO))
        with pytest.raises(SpoolError, match="No space"):
            to.append(names[1], b"x" * 500)
    seen.look()
    assert seen.names() == [names[0]] == list(read(below.root))


def test_a_name_that_is_taken_is_an_error_that_removes_nothing(below, names):
    first, second = IntakeWriter(below.root, clock=lambda: 7), IntakeWriter(below.root, clock=lambda: 7)
    first.append(names[0], b"first")
    with pytest.raises(SpoolError, match="File exists"):
        second.append(names[1], b"second")
    first.append(names[2], b"third")
    first.close()
    assert read(below.root) == {names[0]: b"first", names[2]: b"third"}
    assert below.files() == [f"{each}/{7:020d}-{os.getpid()}" for each in ("arrived", "log")]


def test_a_full_segment_is_followed_by_another_and_is_complete(below, names):
    to = IntakeWriter(below.root, size=1000)
    for name in names:
        to.append(name, b"x" * 300)
    intake = Intake(below.root)
    intake.look()
    assert len(below.segments()) == 7
    assert intake.written() == below.segments()[-1:]
    assert intake.names() == names


def test_a_full_segment_stays_open_while_a_message_is_on_its_way(below, names, open_files, monkeypatch):
    before = open_files()
    begun, go, _ = held_syncs(monkeypatch)
    to = IntakeWriter(below.root, size=1)
    intake = Intake(below.root)
    intake.take_charge()
    with ThreadPoolExecutor(4) as pool:
        all_of_them = [pool.submit(to.append, name, b"x") for name in names[:4]]
        until(lambda: len(below.segments()) == 4)
        assert begun.wait(10)
        intake.look()
        assert (intake.names(), intake.written()) == ([], below.segments())
        go.set()
        for each in all_of_them:
            each.result(10)
    intake.look()
    assert (sorted(intake.names()), intake.written()) == (names[:4], [])
    assert open_files() == before


def test_closing_waits_for_nobody_and_ends_the_segment_with_its_last_message(below, names, monkeypatch):
    begun, go, _ = held_syncs(monkeypatch)
    to = IntakeWriter(below.root)
    with ThreadPoolExecutor(1) as pool:
        appending = pool.submit(to.append, names[0], b"x")
        assert begun.wait(10)
        to.close()
        intake = Intake(below.root)
        intake.look()
        assert intake.written() == below.segments()
        go.set()
        appending.result(10)
    intake.look()
    assert (intake.names(), intake.written()) == ([names[0]], [])


def test_a_closed_segment_has_no_zeros_behind_its_messages(below, names):
    to = IntakeWriter(below.root)
    to.append(names[0], b"x")
    (path,) = below.segments()
    ahead = path.stat().st_size
    to.close()
    assert path.stat().st_size < 200 < ahead


def test_many_threads_lose_and_mix_nothing(below, open_files):
    before = open_files()
    to = IntakeWriter(below.root, size=20_000)
    sent = {
        f"01J0000000{number:08d}-4X{number}": b"%d " % number * (number % 50 + 1) for number in range(1000)
    }
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda item: to.append(*item), sent.items()))
    to.close()
    assert read(below.root) == sent
    assert open_files() == before
