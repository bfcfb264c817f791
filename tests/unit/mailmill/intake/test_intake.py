"""The intake as a whole: what a queue manager that starts finds, whatever happened, and what it removes."""

from __future__ import annotations

import errno
import itertools
import os
import random
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailmill.intake import Intake, IntakeWriter
from mailmill.intake.directories import ALL
from mailmill.intake.intake import _LEFTOVER, _OPEN
from mailmill.intake.records import Record, arrived_line, frame

FORGED = "01J0000000FORGEDXX-4F"


@pytest.fixture
def intake(below):
    made = Intake(below.root)
    made.take_charge()
    return made


@pytest.fixture
def filled(below, names, intake):
    """Ten messages in three segments to which nobody writes any more."""
    to = IntakeWriter(below.root, size=1500)
    for name in names[:10]:
        to.append(name, name.encode() * 16)
    to.close()
    return intake


def again(below):
    """The intake as a queue manager that is started now finds it."""
    found = Intake(below.root)
    found.take_charge()
    found.look()
    return found


def message(number):
    """A message as long as a spool file is at least; every third is an attempt to forge others."""
    if number % 3:
        return b"%d " % number * 100
    forged = frame(FORGED, 150) + b"y" * 150
    return b"x" * 150 + forged * 2 + arrived_line(Record(FORGED, 0, 60, 150))


class Damage:
    """What may happen to one file: it is cut off, a bit flips, a part is zeros."""

    def __init__(self, drawn: random.Random, *kinds: str):
        self.drawn = drawn
        self.kinds = kinds

    def __call__(self, path: Path) -> None:
        data = bytearray(path.read_bytes())
        if not data:
            return
        at = self.drawn.randrange(len(data))
        match self.drawn.choice(self.kinds):
            case "cut":
                del data[at:]
            case "flip":
                data[at] ^= 1 << self.drawn.randrange(8)
            case "zeros":
                end = self.drawn.randrange(at, len(data))
                data[at:end] = bytes(end - at)
        path.write_bytes(data)


def lived(root, count, ended, size):
    """Let a milter take so many messages in, of which some have ended, and go; return them all."""
    for name in ALL:
        (root / name).mkdir()
    to = IntakeWriter(root, size=size, clock=itertools.count(1).__next__)
    sent = {f"01J0000000{number:08d}-4X{number}": message(number) for number in range(count)}
    for name, data in sent.items():
        to.append(name, data)
    to.close()
    manager = Intake(root)
    manager.take_charge()
    manager.look()
    for name in list(sent)[:ended]:
        manager.end(name)
    manager.flush()
    return sent


worlds = st.tuples(
    st.integers(1, 12),
    st.integers(0, 12),
    st.sampled_from([1, 1500, 10**6]),
    st.builds(random.Random, st.integers(0, 2**32)),
)


@settings(max_examples=60, deadline=None)
@given(worlds)
def test_torn_lists_lose_no_message_and_make_up_none(world):
    count, ended, size, drawn = world
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        sent = lived(root, count, ended, size)
        for kind in ("arrived", "ended"):
            for path in sorted((root / "intake" / kind).iterdir()):
                Damage(drawn, "cut", "zeros", "flip")(path)
        found = Intake(root)
        found.look()
        assert {name: found.read(name) for name in found.names()}.items() <= sent.items()
        assert len(found.names()) == len(set(found.names()))
        assert set(list(sent)[ended:]) <= set(found.names())
        assert list(found.remnants()) == []
        found.close()


@settings(max_examples=60, deadline=None)
@given(worlds)
def test_a_damaged_segment_hides_nothing_that_was_told_of_or_keeps_it_for_a_person(world):
    count, ended, size, drawn = world
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        sent = lived(root, count, ended, size)
        forgotten = drawn.random() < 0.5
        for path in sorted((root / "intake" / "log").iterdir()):
            Damage(drawn, "flip")(path)
            if forgotten:
                (root / "intake" / "arrived" / path.name).write_bytes(b"")
        found = Intake(root)
        found.look()
        names = found.names()
        waiting = list(sent)[ended:]
        kept = b"".join(each.data for each in found.remnants())
        segments = len(list((root / "intake" / "log").iterdir()))
        assert len(names) == len(set(names))
        assert set(names) <= set(waiting)
        for name in waiting:
            assert name in names or (forgotten and len(sent[name]) <= len(kept))
        assert sum(found.read(name) != sent[name] for name in names) <= segments
        found.close()


@settings(max_examples=60, deadline=None)
@given(worlds)
def test_of_a_segment_that_was_cut_off_all_whole_messages_are_found(world):
    count, _, size, drawn = world
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        sent = lived(root, count, 0, size)
        whole = []
        for path in sorted((root / "intake" / "log").iterdir()):
            Damage(drawn, "cut")(path)
            reach = path.stat().st_size
            places = Intake(root)
            places.look()
            whole += [
                name
                for name in places.names()
                if (place := places.place(name)).path == path and place.offset + place.length <= reach
            ]
            if drawn.random() < 0.5:
                (root / "intake" / "arrived" / path.name).unlink()
        found = Intake(root)
        found.look()
        assert [name for name in found.names() if found.read(name) == sent[name]] == whole
        assert FORGED not in found.names()
        found.close()


def test_without_an_intake_there_are_no_messages(tmp_path):
    intake = Intake(tmp_path)
    intake.look()
    intake.flush()
    intake.sweep()
    assert (intake.names(), list(intake.survey()), intake.read("x"), intake.place("x")) == (
        [],
        [],
        None,
        None,
    )


def test_a_message_can_be_read_in_part(filled, names):
    filled.look()
    assert filled.read(names[3]) == names[3].encode() * 16
    assert filled.read(names[3], 7) == names[3].encode()[:7]


def test_what_has_ended_is_not_there_any_more(filled, names):
    filled.look()
    assert filled.end(names[0])
    assert not filled.end(names[0])
    assert (filled.read(names[0]), filled.place(names[0])) == (None, None)
    assert filled.names() == names[1:10]


def test_a_restart_goes_on_with_what_has_not_ended(below, filled, names):
    filled.look()
    for name in names[:10:2]:
        filled.end(name)
    filled.flush()
    assert again(below).names() == names[1:10:2]


def test_a_segment_is_removed_when_all_of_it_has_ended(below, filled, names):
    filled.look()
    first, *others = below.segments()
    for name in names[:3]:
        filled.end(name)
    filled.sweep()
    assert below.segments() == [first, *others]
    filled.end(names[3])
    filled.sweep()
    assert below.segments() == others
    assert first.name not in " ".join(below.files())
    assert again(below).names() == names[4:10]


def test_a_segment_that_is_still_written_to_stays(below, intake, names):
    to = IntakeWriter(below.root)
    to.append(names[0], b"x")
    intake.look()
    intake.end(names[0])
    intake.sweep()
    to.append(names[1], b"y")
    intake.look()
    assert intake.names() == [names[1]]


def test_a_segment_goes_before_its_lists_and_durably(below, filled, names, monkeypatch):
    filled.look()
    for name in names[:10]:
        filled.end(name)
    filled.flush()
    with monkeypatch.context() as context:

        def refuse(fd):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        context.setattr(os, "fsync", refuse)
        with pytest.raises(OSError, match="Input/output"):
            filled.sweep()
    assert not any(name.startswith("log/") for name in below.files())
    assert len(below.files()) == 6
    filled.sweep()
    assert below.files() == []


def test_a_full_disk_keeps_no_segment_that_is_done(below, filled, names, monkeypatch):
    filled.look()
    for name in names[:10]:
        filled.end(name)

    def refuse(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", refuse)
    with pytest.raises(OSError, match="No space"):
        filled.flush()
    filled.sweep()
    filled.flush()
    assert below.files() == []


def test_one_list_that_cannot_be_written_does_not_keep_the_others_from_it(below, filled, names):
    filled.look()
    (below.directories.ended / below.segments()[0].name).mkdir()
    for name in names[:9]:
        filled.end(name)
    with pytest.raises(IsADirectoryError):
        filled.flush()
    (below.directories.ended / below.segments()[0].name).rmdir()
    assert again(below).names() == [*names[:4], names[9]]
    filled.flush()
    assert again(below).names() == [names[9]]


def test_what_a_person_removed_is_gone(below, filled, names):
    filled.look()
    filled.read(names[0])
    below.segments()[0].unlink()
    filled.look()
    assert filled.names() == names[4:10]
    assert filled.read(names[0]) is None


def test_few_files_are_open_however_many_segments_there_are(below, intake, open_files):
    before = open_files()
    to = IntakeWriter(below.root, size=1)
    names = [f"01J0000000{number:08d}-4X{number}" for number in range(3 * _OPEN)]
    for name in names:
        to.append(name, name.encode())
    intake.look()
    for _ in range(2):
        assert [intake.read(name) for name in names] == [name.encode() for name in names]
    assert open_files() - before == _OPEN
    intake.close()
    assert open_files() == before
    assert intake.read(names[0]) == names[0].encode()
    for name in names:
        intake.end(name)
    intake.sweep()
    assert open_files() == before


def test_a_segment_that_cannot_be_read_now_is_read_later_and_keeps_its_lists(below, filled, names, caplog):
    filled.look()
    filled.end(names[0])
    filled.flush()
    path = below.segments()[0]
    later = Intake(below.root, clock=lambda: path.parent.stat().st_mtime + 2 * _LEFTOVER)
    later.take_charge()
    path.rename(below.root / "away")
    path.symlink_to(path.name)  # cannot be opened
    later.look()
    assert "cannot be read" in caplog.text
    assert later.names() == names[4:10]
    assert later.unread() == [path]
    later.sweep()
    path.unlink()
    (below.root / "away").rename(path)
    later.look()
    assert sorted(later.names()) == names[1:10]


@pytest.mark.parametrize("directory", ["top", "arrived", "ended"])
def test_what_belongs_to_no_segment_is_removed_after_an_hour(below, filled, directory):
    path = getattr(below.directories, directory) / "0000-1"
    path.write_bytes(b"x")
    os.utime(path, (1000.0, 1000.0))
    for now, there in [(500.0, True), (1000.0 + _LEFTOVER, True), (1001.0 + _LEFTOVER, False)]:
        filled._clock = lambda now=now: now
        filled.sweep()
        assert path.exists() is there
    assert len(below.segments()) == 3


def test_bytes_that_cannot_be_read_as_messages_are_handed_out_until_they_are_taken(below, filled, names):
    path = below.segments()[0]
    data = path.read_bytes()
    path.write_bytes(b"?" * 20 + data[20:])
    (below.directories.arrived / path.name).write_bytes(b"")
    filled.look()
    for _ in range(2):
        remnant = next(filled.remnants())
        assert (remnant.name, remnant.data) == (f"{path.name}.0", b"?" * 20 + data[20:])
    for name in filled.names():
        filled.end(name)
    filled.sweep()
    assert below.segments() == [path]
    assert len(list(filled.remnants())) == 1
    assert list(filled.remnants()) == []
    filled.sweep()
    assert below.segments() == []


def test_bytes_that_the_disk_does_not_give_stay_where_they_are(below, filled, monkeypatch, caplog):
    path = below.segments()[0]
    path.write_bytes(b"?" * path.stat().st_size)
    (below.directories.arrived / path.name).write_bytes(b"")
    filled.look()

    def refuse(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "pread", refuse)
    assert list(filled.remnants()) == []
    assert "cannot be read" in caplog.text
    filled.sweep()
    assert path in below.segments()


def test_two_readers_see_the_same_and_only_one_ends_messages(below, filled, names):
    other = Intake(below.root)
    filled.look()
    other.look()
    assert other.names() == filled.names() == names[:10]
    for name in names[:5]:
        filled.end(name)
    filled.flush()
    filled.sweep()
    other.look()
    assert other.names() == names[5:10]
    assert dict(other.survey()) == dict(filled.survey())


def test_who_counts_while_a_segment_is_removed_takes_nothing_that_has_ended_for_waiting(
    below, filled, names, monkeypatch
):
    filled.look()
    for name in names[:10]:
        filled.end(name)
    filled.flush()
    real = os.pread

    def pread(*words):
        filled.sweep()
        return real(*words)

    monkeypatch.setattr(os, "pread", pread)
    assert list(Intake(below.root).survey()) == []
    assert below.files() == []


def test_who_only_counts_keeps_nothing(below, filled, names):
    other = Intake(below.root)
    assert dict(other.survey()) == {name: len(name) * 16 for name in names[:10]}
    assert (other.names(), other.written(), other.unread()) == ([], [], [])


def test_messages_come_to_whom_they_are_news_for_while_other_threads_count(below, intake):
    names = [f"01J0000000{number:08d}-4X{number}" for number in range(400)]
    to = IntakeWriter(below.root, size=5000)
    stopping = threading.Event()

    def count():
        while not stopping.is_set():
            list(intake.survey())

    heard = []
    with ThreadPoolExecutor(6) as pool:
        counting = [pool.submit(count) for _ in range(2)]
        appending = [pool.submit(to.append, name, b"x" * 100) for name in names]
        while not all(each.done() for each in appending):
            heard += end_all(intake)
        heard += end_all(intake)
        stopping.set()
        for each in counting:
            each.result(10)
    assert sorted(heard) == names
    to.close()
    intake.look()
    intake.sweep()
    assert below.files() == []


def end_all(intake):
    """Do what a queue manager does whose workers are very fast."""
    found = intake.look()
    for name in found:
        assert intake.read(name) == b"x" * 100
        assert intake.end(name)
    intake.flush()
    intake.sweep()
    return found
