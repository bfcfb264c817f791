"""A segment as its readers see it, whether its writer lives, has died, or was never seen."""

from __future__ import annotations

import errno
import os

import pytest

from mailmill.intake import IntakeWriter
from mailmill.intake.records import frame
from mailmill.intake.segment import Changes, Segment


@pytest.fixture
def to(below):
    return IntakeWriter(below.root)


@pytest.fixture
def segment(below, to, names):
    """The one segment, of which the first message has arrived; not looked at yet."""
    to.append(names[0], b"first")
    (path,) = below.segments()
    return Segment(below.directories, path.name, own=True)


def unacknowledged(below, name, data=b"x" * 200):
    """Put a record behind the others of which no line tells."""
    (path,) = below.segments()
    found = path.read_bytes().rstrip(b"\0")
    path.write_bytes(found + frame(name, len(data)) + data)


def refusing(monkeypatch, call, number, wanted):
    real = getattr(os, call)

    def fail(*args, **kwargs):
        if wanted(*args):
            raise OSError(number, os.strerror(number))
        return real(*args, **kwargs)

    monkeypatch.setattr(os, call, fail)


def test_of_a_living_writer_a_message_counts_when_it_was_acknowledged(below, to, segment, names):
    unacknowledged(below, names[1])
    assert segment.look() == Changes((names[0],))
    assert (segment.has_writer, segment.complete) == (True, False)


def test_each_message_is_new_once(below, to, segment, names):
    segment.look()
    to.append(names[1], b"second")
    assert segment.look() == Changes((names[1],))
    assert segment.look() == Changes()


def test_what_a_writer_that_was_seen_has_not_acknowledged_is_voided(below, to, segment, names):
    segment.look()
    to.close()
    unacknowledged(below, names[1])
    assert segment.look() == Changes()
    assert segment.complete
    later = Segment(below.directories, segment.name, own=True)
    assert later.look() == Changes((names[0],))


def test_of_a_writer_that_nobody_has_seen_all_whole_records_count(below, to, segment, names):
    to.close()
    unacknowledged(below, names[1])
    assert segment.look() == Changes((names[0], names[1]))


def test_without_a_list_of_the_acknowledged_nothing_is_voided(below, to, segment, names):
    segment.look()
    to.append(names[1], b"second")
    to.close()
    (below.directories.arrived / segment.name).unlink()
    assert segment.look() == Changes((names[1],))
    assert Segment(below.directories, segment.name, own=True).look() == Changes((names[0], names[1]))


def test_who_is_not_in_charge_writes_nothing(below, to, segment, names):
    other = Segment(below.directories, segment.name, own=False)
    other.look()
    to.close()
    unacknowledged(below, names[1])
    before = below.segments()[0].read_bytes()
    assert other.look() == Changes()
    assert other.complete
    assert below.segments()[0].read_bytes() == before


def test_ends_that_were_written_down_are_known_to_the_next_reader(below, to, segment, names):
    to.append(names[1], b"second")
    segment.look()
    segment.end(names[0])
    segment.flush()
    assert Segment(below.directories, segment.name, own=True).look() == Changes((names[1],))


def test_another_reader_learns_of_ends_as_they_are_written_down(below, to, segment, names):
    other = Segment(below.directories, segment.name, own=False)
    other.look()
    segment.look()
    segment.end(names[0])
    assert other.look() == Changes()
    segment.flush()
    assert other.look() == Changes((), (names[0],))
    assert other.messages == {}


def test_an_end_without_its_message_is_passed_over(below, to, segment, names):
    (below.directories.ended / segment.name).write_bytes(b"\n%s\nrubbish" % names[5].encode())
    assert segment.look() == Changes((names[0],))


@pytest.mark.parametrize("kept", [0, 1, 10, None])
def test_ends_that_had_no_room_are_written_down_the_next_time(
    below, to, segment, names, kept, monkeypatch, open_files
):
    to.append(names[1], b"second")
    segment.look()
    segment.end(names[0])
    before = open_files()
    real = os.write

    def write(fd, data):
        if kept is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(fd, data[:kept])

    with monkeypatch.context() as context:
        context.setattr(os, "write", write)
        for _ in range(2):
            with pytest.raises(OSError, match="No space"):
                segment.flush()
    assert open_files() == before
    segment.end(names[1])
    segment.flush()
    assert Segment(below.directories, segment.name, own=True).look() == Changes()


def test_an_error_behind_the_reading_of_arrived_loses_nothing_of_it(below, to, segment, names, monkeypatch):
    with monkeypatch.context() as context:
        (below.directories.ended / segment.name).mkdir()
        with pytest.raises(IsADirectoryError):
            segment.look()
        (below.directories.ended / segment.name).rmdir()
        assert context
    assert segment.look() == Changes((names[0],))


def test_a_segment_that_cannot_be_opened_at_its_end_still_gives_what_was_told_of(
    below, to, segment, names, monkeypatch, open_files
):
    segment.look()
    to.append(names[1], b"second")
    to.close()
    before = open_files()
    with monkeypatch.context() as context:
        refusing(context, "open", errno.EMFILE, lambda path, flags, *_: flags & os.O_RDWR)
        assert segment.look() == Changes((names[1],))
        assert (segment.complete, segment.has_writer) == (False, False)
    assert segment.look() == Changes()
    assert segment.complete
    assert open_files() == before


def test_a_bad_sector_in_a_frame_hides_no_message_that_was_told_of(below, to, segment, names, monkeypatch):
    to.append(names[1], b"second")
    to.append(names[2], b"third")
    to.close()
    refusing(monkeypatch, "pread", errno.EIO, lambda fd, size, offset: offset == segment_start(below, 1))
    assert segment.look() == Changes((names[0], names[1], names[2]))
    assert (segment.complete, segment.gaps) == (True, [])


def segment_start(below, number):
    """Where the record of that number begins; all are of messages shorter than a frame."""
    (path,) = below.segments()
    data, at = path.read_bytes(), 0
    for _ in range(number):
        at = data.index(b"mailmill-record", at + 1)
    return at


def test_a_bad_sector_of_which_nobody_was_told_is_kept_for_a_person(below, to, segment, names, monkeypatch):
    to.close()
    (below.directories.arrived / segment.name).write_bytes(b"")
    (path,) = below.segments()
    path.write_bytes(path.read_bytes() + b"x" * 1000)
    refusing(monkeypatch, "pread", errno.EIO, lambda *_: True)
    assert segment.look() == Changes()
    assert [(gap.start, gap.end) for gap in segment.gaps] == [(0, path.stat().st_size)]


@pytest.mark.parametrize("cut", [5, 190, 220])
def test_an_unfinished_record_is_no_gap(below, to, segment, names, cut):
    to.close()
    unacknowledged(below, names[1])
    (path,) = below.segments()
    os.truncate(path, path.stat().st_size - cut)
    assert segment.look() == Changes((names[0],))
    assert segment.gaps == []


def test_zeros_are_no_gap(below, to, segment, names):
    to.close()
    (path,) = below.segments()
    os.truncate(path, path.stat().st_size + 2_500_000)
    assert segment.look() == Changes((names[0],))
    assert segment.gaps == []


def test_bytes_that_are_no_records_are_a_gap(below, to, segment, names):
    (path,) = below.segments()
    data = path.read_bytes().rstrip(b"\0")
    to.close()
    path.write_bytes(data + b"?" * 2_500_000)
    segment.look()
    assert [(gap.start, gap.end) for gap in segment.gaps] == [(len(data), len(data) + 2_500_000)]


def test_a_segment_that_has_gone_is_told(below, to, segment):
    segment.look()
    below.segments()[0].unlink()
    with pytest.raises(FileNotFoundError):
        segment.look()
