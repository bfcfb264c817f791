"""The spool's messages in the intake: they are active, and get files when they change their state."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from mailmill.envelope import Client, Envelope, Recipient
from mailmill.errors import DamagedSpoolFileError, SpoolError
from mailmill.intake import IntakeWriter
from mailmill.intake.directories import ALL
from mailmill.mailids import arrival_of, new_mail_id
from mailmill.spool import Entry, Spool, State
from mailmill.spoolfile import SpoolHeader, pack

NOW = 1_700_000_000.0
NAME, OTHER = new_mail_id(NOW, "4T"), new_mail_id(NOW + 1, "4U")
CONTENT = b"Subject: x\n\nbody\n"


def header(name, sender="s@example.org"):
    client = Client("mx.example.org", "192.0.2.1", 25, "helo")
    return SpoolHeader(name, "mx1", NOW, "4T", Envelope(sender, (Recipient("r@example.org"),), client))


DATA = {name: pack(header(name), CONTENT) for name in (NAME, OTHER)}


@pytest.fixture
def root(tmp_path):
    for name in (*State, *ALL):
        (tmp_path / name).mkdir()
    return tmp_path


def take_in(root, name, data):
    to = IntakeWriter(root)
    to.append(name, data)
    to.close()


def opened(root):
    """The spool as a queue manager that is started now finds it."""
    spool = Spool(root)
    spool.intake.take_charge()
    spool.intake.look()
    return spool


@pytest.fixture
def spool(root):
    for name, data in DATA.items():
        take_in(root, name, data)
    return opened(root)


def everything(spool):
    return {state.value: sorted(spool.names(state)) for state in State if list(spool.names(state))}


def segments(spool):
    return sorted((spool.root / "intake" / "log").iterdir())


class Fault:
    """Makes a call fail."""

    def __init__(self, number):
        self.number = number

    def __call__(self, *args, **kwargs):
        raise OSError(self.number, os.strerror(self.number))


def test_a_message_of_the_intake_is_active_and_whole(spool):
    assert everything(spool) == {"active": [NAME, OTHER]}
    assert spool.read(NAME, State.ACTIVE).content == CONTENT
    assert spool.read_bytes(NAME, State.ACTIVE) == DATA[NAME]
    assert spool.read_header(NAME, State.ACTIVE) == header(NAME)
    assert spool.holds(NAME)
    assert not spool.holds("another")


def test_it_is_in_no_other_state(spool):
    for state in (State.INCOMING, State.DEFERRED, State.CORRUPT):
        with pytest.raises(SpoolError, match="No such file"):
            spool.read_bytes(NAME, state)
        with pytest.raises(SpoolError, match="No such file"):
            spool.read_header(NAME, state)


def test_its_entry_tells_its_own_length_and_arrival(spool):
    expected = Entry(NAME, len(DATA[NAME]), arrival_of(NAME))
    assert spool.entry(NAME, State.ACTIVE) == expected
    assert expected in list(spool.entries(State.ACTIVE))
    with pytest.raises(FileNotFoundError):
        spool.entry(NAME, State.DEFERRED)


def test_its_place_names_the_segment(spool):
    segment = segments(spool)[0]
    place = spool.intake.place(NAME)
    assert spool.place(NAME, State.ACTIVE) == f"{segment}, {len(DATA[NAME])} bytes from {place.offset} on"
    assert spool.place(NAME, State.DEFERRED) == str(spool.path(NAME, State.DEFERRED))


def test_a_header_longer_than_the_first_read_is_read_whole(root):
    long = header(NAME, sender="x" * 10_000)
    take_in(root, NAME, pack(long, b""))
    assert opened(root).read_header(NAME, State.ACTIVE) == long


def test_damage_is_told_with_its_place(root):
    take_in(root, NAME, b"?" * 1000)
    spool = opened(root)
    for read in (spool.read, spool.read_header):
        with pytest.raises(DamagedSpoolFileError, match=str(segments(spool)[0])):
            read(NAME, State.ACTIVE)


def test_a_removed_message_is_gone_and_after_the_flush_for_everybody(spool):
    spool.remove(NAME, State.ACTIVE)
    spool.remove(NAME, State.ACTIVE)
    assert everything(spool) == {"active": [OTHER]}
    assert everything(opened(spool.root)) == {"active": [NAME, OTHER]}
    spool.flush()
    assert everything(opened(spool.root)) == {"active": [OTHER]}


def test_a_deferred_message_gets_a_file_of_its_own(spool):
    spool.defer(NAME, State.ACTIVE, NOW + 77.5)
    spool.flush()
    for found in (spool, opened(spool.root)):
        assert everything(found) == {"active": [OTHER], "deferred": [NAME]}
        assert found.due(NAME) == NOW + 77.5
        assert found.read_bytes(NAME, State.DEFERRED) == DATA[NAME]
    spool.move(NAME, State.DEFERRED, State.ACTIVE)
    spool.remove(NAME, State.ACTIVE)
    assert everything(spool) == {"active": [OTHER]}


def test_a_damaged_message_is_set_aside_as_it_is(root):
    take_in(root, NAME, b"?" * 1000)
    spool = opened(root)
    spool.move(NAME, State.ACTIVE, State.CORRUPT)
    assert everything(spool) == {"corrupt": [NAME]}
    assert spool.read_bytes(NAME, State.CORRUPT) == b"?" * 1000


def test_the_file_is_durable_before_the_message_leaves_the_intake(spool, monkeypatch):
    calls = []
    fsync, rename, end = os.fsync, Path.rename, spool.intake.end
    monkeypatch.setattr(os, "fsync", lambda fd: calls.append("fsync") or fsync(fd))
    monkeypatch.setattr(Path, "rename", lambda *args: calls.append("rename") or rename(*args))
    monkeypatch.setattr(spool.intake, "end", lambda name: calls.append("end") or end(name))
    spool.defer(NAME, State.ACTIVE, NOW)
    assert calls == ["fsync", "rename", "fsync", "end"]


@pytest.mark.parametrize("change", [State.DEFERRED, State.CORRUPT])
@pytest.mark.parametrize("step", ["open", "fsync of the file", "rename", "fsync of the directory"])
def test_a_change_of_state_that_fails_leaves_the_message_in_the_intake_and_no_file(
    spool, monkeypatch, step, change
):
    spool.intake.read(NAME)  # its segment is open
    real, calls = os.fsync, []

    def second_fails(fd):
        calls.append(fd)
        if len(calls) == 2:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(fd)

    match step:
        case "open":
            monkeypatch.setattr(os, "open", Fault(errno.ENOSPC))
        case "fsync of the file":
            monkeypatch.setattr(os, "fsync", Fault(errno.EIO))
        case "rename":
            monkeypatch.setattr(Path, "rename", Fault(errno.EIO))
        case _:
            monkeypatch.setattr(os, "fsync", second_fails)
    with pytest.raises(SpoolError):
        spool.move(NAME, State.ACTIVE, change)
    monkeypatch.undo()
    for found in (spool, opened(spool.root)):
        assert everything(found) == {"active": [NAME, OTHER]}


def test_a_message_that_cannot_be_read_stays(spool, monkeypatch):
    monkeypatch.setattr(os, "pread", Fault(errno.EIO))
    for act in (
        lambda: spool.read_bytes(NAME, State.ACTIVE),
        lambda: spool.read_header(NAME, State.ACTIVE),
        lambda: spool.defer(NAME, State.ACTIVE, NOW),
        lambda: spool.move(NAME, State.ACTIVE, State.CORRUPT),
    ):
        with pytest.raises(SpoolError, match=f"{NAME} in .*: Input/output error"):
            act()
    assert everything(spool) == {"active": [NAME, OTHER]}


def test_a_full_disk_keeps_the_ends_for_the_next_flush(spool, monkeypatch):
    spool.remove(NAME, State.ACTIVE)
    monkeypatch.setattr(os, "write", Fault(errno.ENOSPC))
    with pytest.raises(SpoolError, match=r"cannot write down the ends of messages .*: No space"):
        spool.flush()
    monkeypatch.undo()
    spool.flush()
    assert everything(opened(spool.root)) == {"active": [OTHER]}


@pytest.mark.parametrize("state", [State.ACTIVE, State.DEFERRED, State.CORRUPT])
def test_a_message_with_a_file_of_its_own_is_not_in_the_intake_after_a_restart(spool, state):
    spool.store(NAME, DATA[NAME], state)  # the next step was never taken
    again = opened(spool.root)
    again.settle()
    expected = {"active": [OTHER]}
    expected[state.value] = sorted([*expected.get(state.value, []), NAME])
    assert everything(again) == everything(opened(spool.root)) == expected
    again.remove(NAME, state)
    again.settle()
    assert everything(again) == {"active": [OTHER]}


def test_a_directory_that_cannot_be_synced_keeps_the_message_in_the_intake(spool, monkeypatch):
    spool.store(NAME, DATA[NAME], State.DEFERRED)
    monkeypatch.setattr(os, "fsync", Fault(errno.EIO))
    with pytest.raises(SpoolError, match="cannot sync deferred"):
        spool.settle()
    assert spool.intake.place(NAME)


def test_a_directory_that_cannot_be_read_cannot_be_settled(spool):
    (spool.root / State.CORRUPT).rmdir()
    with pytest.raises(SpoolError, match="cannot read corrupt"):
        spool.settle()


def damaged(spool):
    """Damage the segment of NAME, and return its bytes."""
    (path, _) = segments(spool)
    path.write_bytes(data := b"?" * path.stat().st_size)
    (spool.root / "intake" / "arrived" / path.name).unlink()
    return path, data


def test_bytes_that_cannot_be_read_as_messages_are_kept_in_corrupt(spool, caplog):
    path, data = damaged(spool)
    again = opened(spool.root)
    again.sweep()
    assert everything(again) == {"active": [OTHER], "corrupt": [f"{path.name}.0"]}
    assert again.read_bytes(f"{path.name}.0", State.CORRUPT) == data
    assert "damaged, kept in corrupt" in caplog.text
    assert len(segments(spool)) == 1


def test_a_disk_without_room_for_these_still_removes_other_segments(spool, monkeypatch):
    path, _ = damaged(spool)
    again = opened(spool.root)
    again.remove(OTHER, State.ACTIVE)
    monkeypatch.setattr(Path, "rename", Fault(errno.ENOSPC))
    with pytest.raises(SpoolError, match="cannot write to corrupt"):
        again.sweep()
    monkeypatch.undo()
    assert segments(again) == [path]
    again.sweep()
    assert everything(again) == {"corrupt": [f"{path.name}.0"]}
    assert segments(again) == []


def test_a_sweep_that_the_disk_refuses_is_an_error_of_the_spool(spool, monkeypatch):
    spool.remove(NAME, State.ACTIVE)
    monkeypatch.setattr(Path, "unlink", Fault(errno.EROFS))
    with pytest.raises(SpoolError, match=r"cannot clear the intake .*: Read-only"):
        spool.sweep()


def test_a_stored_file_has_the_time_and_the_owner_that_were_asked_for(spool):
    spool.store("x", b"data", State.DEFERRED, changed=NOW, owner=(os.geteuid(), os.getegid()))
    facts = spool.path("x", State.DEFERRED).stat()
    assert (facts.st_mtime, facts.st_uid, facts.st_mode & 0o777) == (NOW, os.geteuid(), 0o600)
    assert list(spool.names(State.INCOMING)) == []
