from pathlib import Path

import pytest

from mailmill.errors import BrokerError
from mailmill.intake import IntakeWriter
from mailmill.intake.directories import ALL
from mailmill.spool import Spool
from mailmill_milter.queue_manager.item import Name, Queue
from mailmill_milter.queue_manager.marks import Marks

ONE = Name("01HZZZZZZZABCDEFGH-4XyZ", Queue.INCOMING)
PART = Name("01HZZZZZZZABCDEFGH-4XyZ.0123456789ab", Queue.OUTGOING)


@pytest.fixture
def roots(tmp_path: Path) -> dict[Queue, Path]:
    found = {queue: tmp_path / queue.value for queue in Queue}
    for queue, name in ((Queue.INCOMING, ONE), (Queue.OUTGOING, PART)):
        for state in ("active", "deferred"):
            (found[queue] / state).mkdir(parents=True)
        (found[queue] / "active" / name.text).touch()
    return found


def spools_of(roots: dict[Queue, Path]) -> dict[Queue, Spool]:
    return {queue: Spool(root) for queue, root in roots.items()}


class Restored(list):
    def __call__(self, marks):
        self.extend(marks)


def test_marks_of_messages_that_go_to_the_workers_are_put_back(roots):
    restored = Restored()
    marks = Marks(spools_of(roots), restored)
    marks.heard(ONE, ("1",))
    marks.heard(ONE, ("0", "1"))
    marks.heard(PART, ("bounce:x",))
    marks.restore([ONE, PART, Name("another", Queue.INCOMING)])
    assert restored == [(ONE.text, ("0", "1")), (ONE.text, ("bounce:x",))]


def test_marks_outlive_the_process_once_they_are_flushed(roots):
    marks = Marks(spools_of(roots), Restored())
    marks.heard(ONE, ("1",))
    marks.flush()
    marks.heard(ONE, ("0",))
    restored = Restored()
    Marks(spools_of(roots), restored).restore([ONE])
    assert restored == [(ONE.text, ("1",))]


def test_a_message_that_has_ended_leaves_nothing(roots):
    marks = Marks(spools_of(roots), Restored())
    marks.heard(ONE, ("1",))
    marks.flush()
    marks.forget(ONE)
    assert list((roots[Queue.INCOMING] / "confirmed").iterdir()) == []


def test_what_is_left_of_messages_that_are_gone_is_removed_at_the_start(roots):
    marks = Marks(spools_of(roots), Restored())
    marks.heard(ONE, ("1",))
    marks.heard(PART, ("2",))
    marks.flush()
    (roots[Queue.INCOMING] / "active" / ONE.text).unlink()
    (roots[Queue.OUTGOING] / "active" / PART.text).rename(roots[Queue.OUTGOING] / "deferred" / PART.text)
    restored = Restored()
    again = Marks(spools_of(roots), restored)
    again.restore([ONE, PART])
    assert restored == [(ONE.text, ("2",))]
    assert list((roots[Queue.INCOMING] / "confirmed").iterdir()) == []


def test_marks_of_a_message_in_the_intake_outlive_the_process(roots):
    root = roots[Queue.INCOMING]
    for name in ALL:
        (root / name).mkdir(parents=True)
    taken = Name("01HZZZZZZZABCDEFGH-7Int", Queue.INCOMING)
    IntakeWriter(root).append(taken.text, b"a message")
    marks = Marks(spools_of(roots), Restored())
    marks.heard(taken, ("1",))
    marks.flush()
    restored = Restored()
    Marks(spools_of(roots), restored).restore([taken])
    assert restored == [(taken.text, ("1",))]


def test_marks_that_come_with_an_adopted_message_are_known_and_stay_before_it_comes(roots):
    restored = Restored()
    marks = Marks(spools_of(roots), restored)
    confirmed = roots[Queue.INCOMING] / "confirmed"
    confirmed.mkdir()
    other = Name("01HZZZZZZZABCDEFGH-5abc", Queue.INCOMING)
    for name in (ONE, other):
        (confirmed / name.text).write_text("0\n")
    marks.look()
    marks.restore([ONE, other])
    assert restored == [(ONE.text, ("0",))]
    (roots[Queue.INCOMING] / "active" / other.text).touch()
    marks.look()
    marks.restore([other])
    assert restored[1:] == [(other.text, ("0",))]
    marks.forget(ONE)
    assert [path.name for path in confirmed.iterdir()] == [other.text]


def test_a_file_that_was_not_finished_is_not_believed(roots):
    directory = roots[Queue.INCOMING] / "confirmed"
    directory.mkdir()
    (directory / f".{ONE.text}").write_text("1")
    restored = Restored()
    Marks(spools_of(roots), restored).restore([ONE])
    assert restored == []


def test_a_disk_that_refuses_leaves_the_marks_in_memory(roots):
    restored = Restored()
    marks = Marks(spools_of(roots), restored)
    (roots[Queue.INCOMING] / "confirmed").touch()
    marks.heard(ONE, ("1",))
    marks.flush()
    marks.restore([ONE])
    assert restored == [(ONE.text, ("1",))]


def test_redis_being_away_is_told(roots):
    def restore(marks):
        raise BrokerError("down")

    marks = Marks(spools_of(roots), restore)
    marks.restore([ONE])
    marks.heard(ONE, ("1",))
    with pytest.raises(BrokerError):
        marks.restore([ONE])
