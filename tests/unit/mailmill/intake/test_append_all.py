"""Several messages with one sync: each counts or does not, for itself."""

from __future__ import annotations

import errno
import os

import pytest

from mailmill.errors import SpoolError
from mailmill.intake import Arrival, Intake, IntakeWriter


def arrivals(names, size=10):
    return [Arrival(name, name.encode()[-1:] * size) for name in names]


def found(root):
    """What a reader finds who comes when the writers have gone."""
    intake = Intake(root)
    intake.look()
    places = {name: intake.place(name) for name in intake.names()}
    return {name: place.path.read_bytes()[place.offset :][: place.length] for name, place in places.items()}


def spied(monkeypatch, *names):
    """Return the calls of these functions of `os`, in their order."""
    calls = []
    for name in names:
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *args, n=name, r=real: calls.append(n) or r(*args))
    return calls


def failing(monkeypatch, call, number, when):
    """Let `os.call` fail where `when` says so of its arguments."""
    real = getattr(os, call)

    def fail(*args):
        if when(*args):
            raise OSError(number, os.strerror(number))
        return real(*args)

    monkeypatch.setattr(os, call, fail)


@pytest.fixture
def to(below):
    """A writer that has a segment already."""
    writer = IntakeWriter(below.root)
    writer.append("01J000000099999999-4FIRST", b"first")
    yield writer
    writer.close()


@pytest.fixture
def watched(below, to):
    """A reader that has seen the writer alive: for it only what was told counts."""
    intake = Intake(below.root)
    intake.take_charge()
    intake.look()
    return intake


FIRST = "01J000000099999999-4FIRST"


def test_messages_share_one_sync_and_one_write_that_tells_of_them(below, to, names, monkeypatch):
    with monkeypatch.context() as context:
        calls = spied(context, "pwrite", "fdatasync", "write")
        assert to.append_all(arrivals(names)) == [None] * len(names)
    assert calls == ["pwrite"] * len(names) + ["fdatasync", "write"]
    to.close()
    assert found(below.root) == {FIRST: b"first"} | {each.name: each.data for each in arrivals(names)}


def test_no_messages_are_no_work(to, monkeypatch):
    calls = spied(monkeypatch, "pwrite", "fdatasync", "write", "open")
    assert to.append_all([]) == []
    assert calls == []


def test_a_message_that_cannot_be_written_does_not_take_the_others_with_it(
    below, to, watched, names, monkeypatch
):
    with monkeypatch.context() as context:
        failing(context, "pwrite", errno.ENOSPC, lambda fd, data, at: names[3].encode() in bytes(data))
        errors = to.append_all(arrivals(names[:7]))
    assert [type(error) for error in errors] == [type(None)] * 3 + [SpoolError] + [type(None)] * 3
    assert str(errors[3]) == f"cannot accept {names[3]} in {below.root}: No space left on device"
    assert errors[3].__cause__.errno == errno.ENOSPC
    good = sorted({FIRST, *names[:7]} - {names[3]})
    watched.look()
    assert sorted(watched.names()) == good
    to.close()
    assert sorted(found(below.root)) == good


def test_when_none_can_be_written_nothing_is_synced(to, watched, names, monkeypatch):
    with monkeypatch.context() as context:
        failing(context, "pwrite", errno.ENOSPC, lambda *_: True)
        calls = spied(context, "fdatasync", "write")
        errors = to.append_all(arrivals(names[:3]))
    assert [type(error) for error in errors] == [SpoolError] * 3
    assert calls == []
    assert watched.look() == []
    assert to.append_all(arrivals(names[:3])) == [None] * 3


def test_a_failed_sync_refuses_all_who_share_it(below, to, watched, names, monkeypatch):
    with monkeypatch.context() as context:
        failing(context, "fdatasync", errno.EIO, lambda *_: True)
        errors = to.append_all(arrivals(names[:4]))
    assert [str(error).partition(" in ")[0] for error in errors] == [f"cannot accept {n}" for n in names[:4]]
    assert {error.__cause__.errno for error in errors} == {errno.EIO}
    assert watched.look() == []
    assert to.append_all(arrivals(names[4:6])) == [None] * 2
    assert sorted(watched.look()) == names[4:6]
    to.close()
    assert sorted(found(below.root)) == [*names[4:6], FIRST]


@pytest.mark.parametrize("rest", ["nothing", "half a line", "all but its end"])
@pytest.mark.parametrize("whole", range(5))
def test_what_there_was_room_to_tell_of_counts_and_the_rest_is_refused(
    below, to, watched, names, monkeypatch, whole, rest
):
    def write(fd, data):
        lines = [b"\n" + line for line in data.split(b"\n")[1:]]
        more = {"nothing": 0, "half a line": len(lines[whole]) // 2, "all but its end": len(lines[whole]) - 1}
        return real(fd, data[: sum(map(len, lines[:whole])) + more[rest]])

    real = os.write
    with monkeypatch.context() as context:
        context.setattr(os, "write", write)
        errors = to.append_all(arrivals(names[:5]))
    assert errors[:whole] == [None] * whole
    assert {type(error) for error in errors[whole:]} == {SpoolError}
    assert {error.__cause__.errno for error in errors[whole:]} == {errno.ENOSPC}
    assert sorted(watched.look()) == names[:whole]
    # The next one is not behind half a line.
    assert to.append_all(arrivals(names[10:12])) == [None] * 2
    assert sorted(watched.look()) == names[10:12]
    to.close()
    good = [*names[:whole], *names[10:12], FIRST]
    assert sorted(found(below.root)) == good
    watched.look()
    assert sorted(watched.names()) == good


def short(monkeypatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[: len(data) // 2]))


FAULTS = {
    "two of four are told of": (short, 2),
    "the sync fails": (lambda patch: failing(patch, "fdatasync", errno.EIO, lambda *_: True), 0),
    "nothing is told of": (lambda patch: failing(patch, "write", errno.EIO, lambda *_: True), 0),
}


@pytest.mark.parametrize(("fault", "good"), FAULTS.values(), ids=FAULTS)
def test_who_has_not_seen_the_writer_finds_nothing_that_was_refused(
    below, to, names, monkeypatch, fault, good
):
    with monkeypatch.context() as context:
        fault(context)
        errors = to.append_all(arrivals(names[:4]))
    assert [error is None for error in errors] == [True] * good + [False] * (4 - good)
    to.close()
    assert sorted(found(below.root)) == [*names[:good], FIRST]


def test_a_list_that_cannot_be_written_refuses_all(below, to, watched, names, monkeypatch):
    with monkeypatch.context() as context:
        failing(context, "write", errno.EIO, lambda *_: True)
        errors = to.append_all(arrivals(names[:3]))
    assert {error.__cause__.errno for error in errors} == {errno.EIO}
    assert watched.look() == []
    to.close()
    assert list(found(below.root)) == [FIRST]


def test_messages_may_fill_several_segments(below, names, open_files):
    before = open_files()
    to = IntakeWriter(below.root, size=1000)
    assert to.append_all(arrivals(names, size=300)) == [None] * len(names)
    assert len(below.segments()) > 3
    to.close()
    assert open_files() == before
    assert found(below.root) == {each.name: each.data for each in arrivals(names, size=300)}


def test_of_several_segments_one_whose_sync_fails_refuses_only_its_own(below, names, monkeypatch, open_files):
    before = open_files()
    to = IntakeWriter(below.root, size=1000)
    watched = Intake(below.root)
    watched.take_charge()
    calls = []
    with monkeypatch.context() as context:
        failing(context, "fdatasync", errno.EIO, lambda fd: calls.append(fd) or len(calls) == 2)
        errors = to.append_all(arrivals(names[:9], size=300))
    refused = [name for name, error in zip(names, errors, strict=False) if error]
    assert 0 < len(refused) < 9
    assert len(calls) > 2
    to.close()
    good = sorted(set(names[:9]) - set(refused))
    assert sorted(found(below.root)) == sorted(watched.look()) == good
    assert open_files() == before


def test_a_segment_without_any_accepted_message_does_not_stay(below, names, monkeypatch, open_files):
    before = open_files()
    to = IntakeWriter(below.root)
    with monkeypatch.context() as context:
        failing(context, "fdatasync", errno.EIO, lambda *_: True)
        assert all(to.append_all(arrivals(names[:3])))
    assert (below.files(), open_files()) == ([], before)


def test_an_error_of_the_program_concerns_one_message(to, below, monkeypatch):
    real = os.pwrite

    def pwrite(fd, data, at):
        if b"4A2Z" in bytes(data[:200]):
            raise MemoryError
        return real(fd, data, at)

    names = [f"01J00000008888888{number}-4A{number}Z" for number in (1, 2, 3)]
    monkeypatch.setattr(os, "pwrite", pwrite)
    errors = to.append_all(arrivals(names))
    monkeypatch.undo()
    assert [error and str(error.__cause__ and type(error.__cause__).__name__) for error in errors] == [
        None,
        "MemoryError",
        None,
    ]
    to.close()
    assert {names[0], names[2]} <= set(found(below.root))
    assert names[1] not in found(below.root)
