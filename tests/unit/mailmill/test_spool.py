from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from mailmill.envelope import Client, Envelope, Recipient
from mailmill.errors import DamagedSpoolFileError, SpoolError
from mailmill.spool import Spool, State
from mailmill.spoolfile import SpoolHeader, pack

NAME = "01J0000000ABCDEFGH-4T"
CONTENT = b"Subject: x\n\nbody\n"
#: More than is collected before it is written.
LARGE = CONTENT + b"x" * 100_000


def header(name=NAME, sender="s@example.org"):
    client = Client("mx.example.org", "192.0.2.1", 25, "helo")
    return SpoolHeader(
        name, "mx1", 1_700_000_000.0, "4T", Envelope(sender, (Recipient("r@example.org"),), client)
    )


@pytest.fixture
def spool(tmp_path):
    for state in State:
        (tmp_path / state).mkdir()
    return Spool(tmp_path)


def store(spool, name=NAME, content=CONTENT):
    with spool.create(header(name)) as writer:
        writer.write(content)
        writer.commit()


def everything(spool):
    return {state.value: sorted(spool.names(state)) for state in State if list(spool.names(state))}


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


class Fault:
    """Makes a system call fail, from its n-th use on, and lets the others through."""

    def __init__(self, call, number, skip=0):
        self.call, self.number, self.skip = call, number, skip

    def __call__(self, *args, **kwargs):
        if self.skip:
            self.skip -= 1
            return self.call(*args, **kwargs)
        raise OSError(self.number, os.strerror(self.number))


def test_a_committed_message_is_active_and_whole(spool):
    store(spool)
    assert everything(spool) == {"active": [NAME]}
    file = spool.read(NAME, State.ACTIVE)
    assert (file.header, file.content) == (header(), CONTENT)
    assert spool.read_header(NAME, State.ACTIVE) == header()
    assert spool.read_bytes(NAME, State.ACTIVE) == pack(header(), CONTENT)


def test_a_message_is_incoming_until_it_is_committed(spool):
    with spool.create(header()) as writer:
        writer.write(CONTENT)
        assert everything(spool) == {"incoming": [NAME]}


def test_a_message_that_is_not_committed_leaves_nothing(spool):
    before = open_files()
    with spool.create(header()) as writer:
        writer.write(CONTENT)
    assert everything(spool) == {}
    assert open_files() == before


def test_an_error_of_the_caller_leaves_nothing(spool):
    with pytest.raises(KeyError), spool.create(header()):
        raise KeyError
    assert everything(spool) == {}


def test_the_file_is_readable_by_its_owner_alone(spool):
    store(spool)
    assert spool.path(NAME, State.ACTIVE).stat().st_mode & 0o777 == 0o600


def test_content_written_in_pieces_is_joined(spool):
    with spool.create(header()) as writer:
        for piece in (b"a", b"", b"bc"):
            writer.write(piece)
        writer.commit()
    assert spool.read(NAME, State.ACTIVE).content == b"abc"


def test_a_short_write_is_continued(spool, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, bytes(data[:7])))
    store(spool)
    monkeypatch.undo()
    assert spool.read(NAME, State.ACTIVE).content == CONTENT


@pytest.mark.parametrize(
    ("function", "number", "skip"),
    [
        ("open", errno.EACCES, 0),  # the file
        ("write", errno.ENOSPC, 0),  # its header and the first of its content
        ("write", errno.EDQUOT, 1),  # the rest
        ("fsync", errno.EIO, 0),  # of the file
        ("open", errno.EMFILE, 1),  # the directory
        ("fsync", errno.EIO, 1),  # of the directory
    ],
)
def test_any_failure_of_the_disk_is_an_error_that_leaves_nothing(spool, monkeypatch, function, number, skip):
    before = open_files()
    monkeypatch.setattr(os, function, Fault(getattr(os, function), number, skip))
    with pytest.raises(SpoolError, match=os.strerror(number)) as caught:
        store(spool, content=LARGE)
    monkeypatch.undo()
    assert NAME in str(caught.value) or "active" in str(caught.value)
    assert everything(spool) == {}
    assert open_files() == before


def test_a_failed_close_leaves_nothing(spool, monkeypatch):
    close = os.close

    def fail(fd):
        close(fd)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with spool.create(header()) as writer:
        monkeypatch.setattr(os, "close", fail)
        with pytest.raises(SpoolError, match=os.strerror(errno.EIO)):
            writer.commit()
    monkeypatch.undo()
    assert everything(spool) == {}


@pytest.mark.parametrize(("function", "skip"), [("write", 0), ("fsync", 0), ("fsync", 1)])
def test_a_disk_that_refuses_the_removal_too_is_still_an_error_of_the_spool(
    spool, monkeypatch, function, skip
):
    monkeypatch.setattr(os, function, Fault(getattr(os, function), errno.EIO, skip))
    monkeypatch.setattr(Path, "unlink", Fault(Path.unlink, errno.EROFS))
    with pytest.raises(SpoolError, match=os.strerror(errno.EIO)):
        store(spool)


def test_a_failed_rename_leaves_nothing(spool, monkeypatch):
    monkeypatch.setattr(Path, "rename", Fault(Path.rename, errno.EIO))
    with pytest.raises(SpoolError, match="cannot commit"):
        store(spool)
    assert everything(spool) == {}


def test_the_file_is_synced_before_the_rename_and_the_directory_after_it(spool, monkeypatch):
    calls = []

    def spy(owner, name):
        real = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda *args: calls.append(name) or real(*args))

    spy(os, "write")
    spy(os, "fsync")
    spy(Path, "rename")
    spy(os, "close")
    store(spool)
    assert calls == ["write", "fsync", "close", "rename", "fsync", "close"]


def test_a_name_that_is_being_written_is_taken(spool):
    with spool.create(header()) as writer:
        with pytest.raises(SpoolError, match=r"cannot create .*: File exists"):
            spool.create(header())
        writer.commit()
    assert everything(spool) == {"active": [NAME]}


def test_a_message_is_never_written_over_another_one(spool):
    store(spool)
    with pytest.raises(SpoolError, match=r"cannot commit .*: File exists"):
        store(spool, content=b"other")
    assert everything(spool) == {"active": [NAME]}
    assert spool.read(NAME, State.ACTIVE).content == CONTENT


def test_a_deferred_message_knows_when_it_is_due(spool):
    store(spool)
    spool.defer(NAME, State.ACTIVE, 1_800_000_000.5)
    assert everything(spool) == {"deferred": [NAME]}
    assert spool.due(NAME) == 1_800_000_000.5


def test_a_message_can_be_deferred_again(spool):
    store(spool)
    spool.defer(NAME, State.ACTIVE, 1.0)
    spool.defer(NAME, State.DEFERRED, 2.0)
    assert spool.due(NAME) == 2.0
    assert spool.read(NAME, State.DEFERRED).content == CONTENT


def test_a_message_can_change_to_any_state(spool):
    store(spool)
    for source, target in [
        (State.ACTIVE, State.CORRUPT),
        (State.CORRUPT, State.DEFERRED),
        (State.DEFERRED, State.ACTIVE),
    ]:
        spool.move(NAME, source, target)
        spool.sync(target)
        assert everything(spool) == {target.value: [NAME]}


def test_a_message_that_reached_its_end_is_removed_and_a_second_time_is_no_error(spool):
    store(spool)
    spool.remove(NAME, State.ACTIVE)
    spool.remove(NAME, State.ACTIVE)
    assert everything(spool) == {}


def test_what_is_not_there_is_an_error_that_names_it(spool):
    actions = [
        lambda: spool.read(NAME, State.ACTIVE),
        lambda: spool.read_bytes(NAME, State.ACTIVE),
        lambda: spool.read_header(NAME, State.ACTIVE),
        lambda: spool.defer(NAME, State.ACTIVE, 1.0),
        lambda: spool.due(NAME),
        lambda: spool.move(NAME, State.ACTIVE, State.CORRUPT),
    ]
    for action in actions:
        with pytest.raises(SpoolError, match=f"{NAME} in .*: No such file or directory"):
            action()


def test_a_removal_that_the_disk_refuses_is_an_error(spool, monkeypatch):
    store(spool)
    monkeypatch.setattr(Path, "unlink", Fault(Path.unlink, errno.EROFS))
    with pytest.raises(SpoolError, match=r"cannot remove .*: Read-only file system"):
        spool.remove(NAME, State.ACTIVE)


def test_a_failed_change_of_state_leaves_the_message_where_it_was(spool, monkeypatch):
    store(spool)
    monkeypatch.setattr(Path, "rename", Fault(Path.rename, errno.EIO))
    with pytest.raises(SpoolError, match="cannot move to corrupt"):
        spool.move(NAME, State.ACTIVE, State.CORRUPT)
    with pytest.raises(SpoolError, match="cannot defer"):
        spool.defer(NAME, State.ACTIVE, 1.0)
    assert everything(spool) == {"active": [NAME]}


@pytest.mark.parametrize("keep", [0, 10, 100, -1])
def test_a_truncated_file_is_told_with_its_path(spool, keep):
    path = spool.path(NAME, State.ACTIVE)
    path.write_bytes(pack(header(), CONTENT)[:keep])
    with pytest.raises(DamagedSpoolFileError, match=str(path)):
        spool.read(NAME, State.ACTIVE)
    assert path.exists()


def test_a_header_longer_than_the_first_read_is_read_whole(spool):
    long = header(sender="x" * 10_000)
    with spool.create(long) as writer:
        writer.commit()
    assert spool.read_header(NAME, State.ACTIVE) == long


@pytest.mark.parametrize("keep", [0, 10, 5000])
def test_a_truncated_header_is_told_with_its_path(spool, keep):
    path = spool.path(NAME, State.ACTIVE)
    path.write_bytes(pack(header(sender="x" * 10_000), b"")[:keep])
    with pytest.raises(DamagedSpoolFileError, match=str(path)):
        spool.read_header(NAME, State.ACTIVE)


def test_a_directory_that_is_missing_cannot_be_synced(spool):
    (spool.root / State.ACTIVE).rmdir()
    with pytest.raises(SpoolError, match="cannot sync active"):
        spool.sync(State.ACTIVE)
