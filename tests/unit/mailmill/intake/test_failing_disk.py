"""A disk that fails or is full under the writer of an intake: what was refused never counts."""

import errno
import os

import pytest

from mailmill.errors import SpoolError
from mailmill.intake import Intake, IntakeWriter, records, writer
from mailmill.intake.directories import ALL, Directories
from mailmill.intake.writer import _Segment

ONE, TWO, THREE = (f"01HZZZZZZZABCDEFGH-{number}XyZ" for number in range(1, 4))


@pytest.fixture
def root(tmp_path):
    for name in ALL:
        (tmp_path / name).mkdir()
    return tmp_path


def failing(monkeypatch, call, number, times=1):
    """Let `os.call` fail so many times."""
    real, left = getattr(os, call), [times]

    def fail(*arguments):
        if left[0]:
            left[0] -= 1
            raise OSError(number, os.strerror(number))
        return real(*arguments)

    monkeypatch.setattr(os, call, fail)


def counted(root):
    """What a reader finds who comes when the writers have gone."""
    return Intake(root).look()


def test_no_message_of_a_segment_is_acknowledged_once_a_sync_of_it_has_failed(root, monkeypatch):
    segment = _Segment(Directories(root), "1")
    one, two = segment.write(ONE, b"1"), segment.write(TWO, b"2")
    failing(monkeypatch, "fdatasync", errno.EIO)
    for record in (one, two):
        with pytest.raises(OSError, match="Input/output"):
            segment.tell([record])
    assert (root / "intake" / "arrived" / "1").read_bytes() == b""
    segment.close()
    assert [path for path in root.rglob("*") if path.is_file()] == []


def test_a_failed_sync_refuses_the_message_and_the_next_one_is_taken(root, monkeypatch):
    to = IntakeWriter(root)
    failing(monkeypatch, "fdatasync", errno.EIO)
    with pytest.raises(SpoolError, match="Input/output"):
        to.append(ONE, b"1")
    to.append(TWO, b"2")
    to.close()
    assert counted(root) == [TWO]


@pytest.mark.parametrize("kept", range(1, 80))
def test_a_line_that_was_cut_off_never_counts_whatever_follows(root, monkeypatch, kept):
    segment = _Segment(Directories(root), "1")
    one, two = segment.write(ONE, b"a message"), segment.write(TWO, b"another")
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[: min(kept, len(data) - 1)]))
    assert segment.tell([one]) == 0
    monkeypatch.undo()
    seen = Intake(root)
    assert seen.look() == []
    assert segment.tell([two]) == 1
    assert seen.look() == [TWO]
    segment.close()


def test_what_a_full_disk_cut_off_is_taken_back(root, monkeypatch):
    to = IntakeWriter(root)
    to.append(ONE, b"1")
    real, full = os.pwrite, [False]

    def pwrite(fd, data, offset):
        if full[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        full[0] = True
        return real(fd, data[:30], offset)

    monkeypatch.setattr(os, "pwrite", pwrite)
    with pytest.raises(SpoolError, match="No space"):
        to.append(TWO, b"2" * 1000)
    monkeypatch.undo()
    to.append(THREE, b"3")
    to.close()
    found = Intake(root)
    assert found.look() == [ONE, THREE]
    assert list(found.remnants()) == []


def test_the_last_room_on_a_disk_is_left_to_messages(root, monkeypatch):
    real = os.pwrite
    ahead = len(writer._AHEAD)
    monkeypatch.setattr(
        os, "pwrite", lambda fd, data, at: real(fd, data[:4096] if len(data) == ahead else data, at)
    )
    to = IntakeWriter(root)
    to.append(ONE, b"1")
    (path,) = Directories(root).log.iterdir()
    assert path.stat().st_size == len(records.frame(ONE, 1)) + 1
    to.append(TWO, b"2")
    to.close()
    assert counted(root) == [ONE, TWO]
