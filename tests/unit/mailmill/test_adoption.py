from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from mailmill.adoption import Adoption, Fate, queues_below
from mailmill.delivery import Delivery, delivery_id
from mailmill.envelope import Client, Envelope, Recipient
from mailmill.errors import SpoolError
from mailmill.intake import IntakeWriter
from mailmill.intake.directories import ALL
from mailmill.mailids import new_mail_id
from mailmill.process import Identity
from mailmill.queuelock import QueueInUseError, QueueLock
from mailmill.spool import CONFIRMED, Spool, State
from mailmill.spoolfile import SpoolHeader, pack

NOW = 1_800_000_000.0


def make_spool(root):
    for state in State:
        (root / state).mkdir(parents=True)
    return Spool(root)


class World:
    """The queues of an edge that is gone, and those of the one that takes over."""

    def __init__(self, tmp_path):
        self.theirs = make_spool(tmp_path / "gone" / "in"), make_spool(tmp_path / "gone" / "out")
        self.ours = make_spool(tmp_path / "here" / "in"), make_spool(tmp_path / "here" / "out")
        self.gone = tmp_path / "gone"
        self.told = []
        self.restored = []
        self.redis_down = False

    def restore(self, marks):
        if self.redis_down:
            raise SpoolError("refused")
        self.restored += marks

    def adopt(self, directory=None):
        identity = Identity("", os.geteuid(), os.getegid())
        self.told = []
        Adoption(*self.ours, identity, self.restore, self.told.append).take(
            queues_below(directory or self.gone)
        )
        return {each.path.name: each.fate for each in self.told}

    def put(self, state=State.ACTIVE, *, outgoing=False, number=0, content=b"Subject: x\n\nbody\n"):
        mail_id = new_mail_id(NOW + number, "4ABC")
        recipients = (Recipient("b@example.com"),)
        client = Client("host", "192.0.2.1", 1, "helo")
        covers = ("0",)
        name = delivery_id(mail_id, covers) if outgoing else mail_id
        delivery = Delivery(
            id=name,
            mail_id=mail_id,
            edge="gone",
            sender="a@example.org",
            recipients=recipients,
            sender_args=(),
            head=b"",
            content=f"{name}.final",
            covers=covers,
            arrival=NOW,
        )
        header = SpoolHeader(
            id=name,
            edge="gone",
            arrival=NOW,
            queue_id="4ABC",
            envelope=Envelope("a@example.org", recipients, client),
            delivery=delivery if outgoing else None,
        )
        path = self.theirs[outgoing].path(name, state)
        path.write_bytes(pack(header, content))
        return path

    def take_in(self, *numbers, to=None, damage=None):
        """Put messages into their intake, and return what they are called and what they are there."""
        root = self.theirs[0].root
        for name in ALL:
            (root / name).mkdir(exist_ok=True)
        writer = to or IntakeWriter(root)
        taken = {}
        for number in numbers:
            path = self.put(number=number)
            taken[path.name] = damage(path.read_bytes()) if damage else path.read_bytes()
            path.unlink()
            writer.append(path.name, taken[path.name])
        if not to:
            writer.close()
        return taken

    def intake(self):
        """Return the files that are left of their intake."""
        found = (self.theirs[0].root / "intake").rglob("*")
        return [path for path in found if path.is_file()]

    def end_here(self, name):
        """Let a message that was adopted reach its end."""
        self.ours[0].remove(name, State.ACTIVE)

    def files(self, spools):
        return {
            (index, state, name): spool.read_bytes(name, state)
            for index, spool in enumerate(spools)
            for state in State
            for name in spool.names(state)
        }


@pytest.fixture
def same_disk(tmp_path):
    return World(tmp_path)


@pytest.fixture(params=["same disk", "other disk"])
def world(request, tmp_path, monkeypatch):
    made = World(tmp_path)
    if request.param == "other disk":
        rename = Path.rename

        def renamed(path, target):
            if made.gone in path.parents:
                raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
            return rename(path, target)

        monkeypatch.setattr(Path, "rename", renamed)
    return made


def test_messages_of_all_states_come_into_the_same_state_with_the_same_bytes(world):
    world.put()
    world.put(State.DEFERRED, number=1)
    world.put(State.ACTIVE, outgoing=True)
    world.put(State.DEFERRED, outgoing=True, number=2)
    world.put(State.CORRUPT, number=3)
    before = world.files(world.theirs)
    assert set(world.adopt().values()) == {Fate.ADOPTED}
    assert world.files(world.ours) == before
    assert world.files(world.theirs) == {}


def test_a_deferred_message_keeps_the_time_of_its_next_attempt(world):
    path = world.put(State.DEFERRED)
    os.utime(path, (NOW + 77, NOW + 77))
    world.adopt()
    assert world.ours[0].due(path.name) == NOW + 77


def test_a_message_goes_to_the_queue_that_its_header_tells(same_disk):
    path = same_disk.put(outgoing=True)
    path.rename(same_disk.theirs[0].path(path.name, State.ACTIVE))
    same_disk.adopt()
    assert set(same_disk.files(same_disk.ours)) == {(1, State.ACTIVE, path.name)}


def test_what_was_never_acknowledged_is_not_taken(same_disk):
    path = same_disk.put(State.INCOMING)
    assert same_disk.adopt() == {}
    assert path.exists()


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: b"", lambda data: data + b"x"])
def test_a_damaged_message_goes_to_corrupt_as_it_is(world, damage):
    path = world.put()
    path.write_bytes(damaged := damage(path.read_bytes()))
    assert world.adopt() == {path.name: Fate.DAMAGED}
    assert world.told[0].reason
    assert world.files(world.ours) == {(0, State.CORRUPT, path.name): damaged}


def test_a_message_under_the_name_of_another_is_damaged(same_disk):
    path = same_disk.put()
    other = path.with_name(new_mail_id(NOW, "4OTHER"))
    path.rename(other)
    assert same_disk.adopt() == {other.name: Fate.DAMAGED}


def test_what_is_no_message_is_left_and_told_of(same_disk):
    active = same_disk.theirs[0].root / State.ACTIVE
    (active / "README").write_text("x")
    (active / "directory").mkdir()
    (active / new_mail_id(NOW, "4LINK")).symlink_to("/etc/passwd")
    assert set(same_disk.adopt().values()) == {Fate.LEFT}
    assert len(list(active.iterdir())) == 3
    assert same_disk.files(same_disk.ours) == {}


def test_a_copy_that_was_not_removed_over_there_is_not_taken_twice(same_disk):
    path = same_disk.put()
    same_disk.ours[0].path(path.name, State.DEFERRED).write_bytes(path.read_bytes())
    assert same_disk.adopt() == {path.name: Fate.HERE_ALREADY}
    assert set(same_disk.files(same_disk.ours)) == {(0, State.DEFERRED, path.name)}
    assert not path.exists()


def test_nothing_here_is_ever_overwritten(same_disk):
    path = same_disk.put()
    same_disk.ours[0].path(path.name, State.ACTIVE).write_bytes(b"another")
    assert same_disk.adopt() == {path.name: Fate.LEFT}
    assert path.exists()


def test_a_disk_that_fails_leaves_the_message_over_there_whole(world, monkeypatch):
    path = world.put()
    data = path.read_bytes()

    def refuse(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "rename", refuse)
    assert world.adopt() == {path.name: Fate.LEFT}
    assert path.read_bytes() == data
    assert world.files(world.ours) == {}


def test_an_interrupted_adoption_goes_on(world):
    first, second = world.put(), world.put(number=1)
    data = first.read_bytes()
    half = world.ours[0].path(first.name, State.INCOMING)
    half.write_bytes(data[:20])
    assert set(world.adopt().values()) == {Fate.ADOPTED}
    assert {name for _, _, name in world.files(world.ours)} == {first.name, second.name}


def test_what_was_confirmed_of_a_message_comes_along_before_it(world):
    path = world.put()
    marks = world.theirs[0].root / CONFIRMED / path.name
    marks.parent.mkdir()
    marks.write_text("0\nnotice:x\n")
    world.redis_down = True
    assert world.adopt() == {path.name: Fate.LEFT}
    assert path.exists()
    world.redis_down = False
    assert world.adopt() == {path.name: Fate.ADOPTED}
    assert world.restored == [(path.name, ("0", "notice:x"))]
    assert (world.ours[0].root / CONFIRMED / path.name).read_text() == "0\nnotice:x\n"


def test_a_queue_whose_queue_manager_runs_is_refused(same_disk):
    path = same_disk.put()
    with QueueLock(same_disk.theirs[1].root), pytest.raises(QueueInUseError):
        same_disk.adopt()
    assert path.exists()


def test_a_disk_that_cannot_be_written_is_refused_before_anything_is_taken(same_disk, monkeypatch):
    path = same_disk.put()
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(SpoolError, match="read-only"):
        same_disk.adopt()
    assert path.exists()
    assert same_disk.files(same_disk.ours) == {}


def test_an_intake_that_cannot_be_written_is_refused_before_anything_is_taken(same_disk, monkeypatch):
    same_disk.take_in(0)
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path.name != "ended" and access(path, mode))
    with pytest.raises(SpoolError, match="intake/ended cannot be written"):
        same_disk.adopt()
    assert same_disk.files(same_disk.ours) == {}


def test_our_own_queue_is_refused(same_disk):
    with pytest.raises(SpoolError, match="of this edge itself"):
        same_disk.adopt(same_disk.ours[0].root)


def test_one_queue_alone_can_be_taken(same_disk):
    path = same_disk.put(outgoing=True)
    kept = same_disk.put()
    same_disk.adopt(same_disk.theirs[1].root)
    assert set(same_disk.files(same_disk.ours)) == {(1, State.ACTIVE, path.name)}
    assert kept.exists()


def test_a_directory_without_queues_is_an_error(tmp_path):
    with pytest.raises(SpoolError, match="queue directory"):
        queues_below(tmp_path)


def test_messages_of_the_intake_get_files_of_their_own_here(same_disk):
    taken = same_disk.take_in(0, 1) | same_disk.take_in(2)
    path = same_disk.put(number=3)
    with_file = {path.name: path.read_bytes()}
    assert same_disk.adopt() == dict.fromkeys(taken | with_file, Fate.ADOPTED)
    assert same_disk.files(same_disk.ours) == {
        (0, State.ACTIVE, name): data for name, data in (taken | with_file).items()
    }
    assert same_disk.intake() == []
    assert same_disk.adopt() == {}


def test_a_damaged_message_of_the_intake_goes_to_corrupt(same_disk):
    taken = same_disk.take_in(0, damage=lambda data: data[:-1])
    (name,) = taken
    assert same_disk.adopt() == {name: Fate.DAMAGED}
    assert same_disk.files(same_disk.ours) == {(0, State.CORRUPT, name): taken[name]}
    assert same_disk.intake() == []


def test_a_milter_that_still_writes_there_is_an_error_and_nothing_is_taken(same_disk):
    to = IntakeWriter(same_disk.theirs[0].root)
    taken = same_disk.take_in(0, to=to)
    kept = same_disk.put(number=1)
    with pytest.raises(SpoolError, match="in use: a milter writes to"):
        same_disk.adopt()
    assert same_disk.told == []
    assert kept.exists()
    to.close()
    assert same_disk.adopt() == dict.fromkeys([*taken, kept.name], Fate.ADOPTED)


def test_an_adoption_of_the_intake_that_was_interrupted_goes_on(same_disk, monkeypatch):
    taken = same_disk.take_in(0, 1, 2)
    store, calls = Spool.store, []

    def interrupted(*args, **kwargs):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        store(*args, **kwargs)

    with monkeypatch.context() as context:
        context.setattr(Spool, "store", interrupted)
        with pytest.raises(KeyboardInterrupt):
            same_disk.adopt()
    first, *others = taken
    same_disk.end_here(first)
    assert same_disk.adopt() == dict.fromkeys(others, Fate.ADOPTED)
    assert same_disk.intake() == []


def test_a_message_of_the_intake_that_is_here_already_is_not_taken_twice(same_disk):
    ((name, data),) = same_disk.take_in(0).items()
    same_disk.ours[0].path(name, State.DEFERRED).write_bytes(data)
    assert same_disk.adopt() == {name: Fate.HERE_ALREADY}
    assert set(same_disk.files(same_disk.ours)) == {(0, State.DEFERRED, name)}
    assert same_disk.intake() == []


def test_a_message_of_the_intake_that_has_no_room_here_stays_there(same_disk, monkeypatch):
    first, second = same_disk.take_in(0, 1)
    store, full = Spool.store, [True]

    def refuse(spool, name, *args, **kwargs):
        if full[0] and name == second:
            raise SpoolError("cannot write: No space left on device")
        store(spool, name, *args, **kwargs)

    monkeypatch.setattr(Spool, "store", refuse)
    assert same_disk.adopt() == {first: Fate.ADOPTED, second: Fate.LEFT}
    same_disk.end_here(first)
    full[0] = False
    assert same_disk.adopt() == {second: Fate.ADOPTED}
    assert same_disk.intake() == []


def test_a_full_disk_over_there_keeps_no_message_from_being_adopted_once(same_disk, monkeypatch):
    taken = same_disk.take_in(0, 1)
    write = os.write

    def refuse(fd, data):
        if len(data) < 60:  # the lines of ends
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(fd, data)

    monkeypatch.setattr(os, "write", refuse)
    assert same_disk.adopt() == dict.fromkeys(taken, Fate.ADOPTED)
    assert same_disk.intake() == []


def test_a_message_of_the_intake_that_has_a_file_of_its_own_too_is_taken_once(same_disk):
    ((name, data),) = same_disk.take_in(0).items()
    path = same_disk.theirs[0].path(name, State.DEFERRED)
    path.write_bytes(data)
    os.utime(path, (NOW + 77, NOW + 77))
    assert same_disk.adopt() == {name: Fate.ADOPTED}
    assert set(same_disk.files(same_disk.ours)) == {(0, State.DEFERRED, name)}
    assert same_disk.ours[0].due(name) == NOW + 77
    assert same_disk.intake() == []


def test_what_was_confirmed_of_a_message_of_the_intake_comes_along(same_disk):
    (name,) = same_disk.take_in(0)
    marks = same_disk.theirs[0].root / CONFIRMED / name
    marks.parent.mkdir()
    marks.write_text("0\n")
    same_disk.adopt()
    assert same_disk.restored == [(name, ("0",))]
    assert (same_disk.ours[0].root / CONFIRMED / name).read_text() == "0\n"


def test_a_segment_that_cannot_be_read_is_told_of_and_stays(same_disk):
    same_disk.take_in(0)
    log = same_disk.theirs[0].root / "intake" / "log"
    unreadable = log / "0001-1"
    unreadable.symlink_to(unreadable.name)
    told = same_disk.adopt()
    assert told.pop(unreadable.name) is Fate.LEFT
    assert set(told.values()) == {Fate.ADOPTED}
    assert list(log.iterdir()) == [unreadable]


def test_bytes_over_there_that_are_no_messages_stay_in_corrupt_there(same_disk):
    same_disk.take_in(0)
    (path,) = (same_disk.theirs[0].root / "intake" / "log").iterdir()
    path.write_bytes(b"?" * 500)
    (same_disk.theirs[0].root / "intake" / "arrived" / path.name).unlink()
    assert same_disk.adopt() == {f"{path.name}.0": Fate.LEFT}
    kept = same_disk.theirs[0].path(f"{path.name}.0", State.CORRUPT)
    assert kept.read_bytes() == b"?" * 500
    assert same_disk.intake() == []
