"""The queue manager and messages that are in the intake: it works on them where they are."""

from __future__ import annotations

import errno
import os

import pytest

from mailmill.envelope import Client, Envelope, Recipient
from mailmill.intake import IntakeWriter
from mailmill.intake.directories import ALL
from mailmill.mailids import new_mail_id
from mailmill.messagelog.events import Step
from mailmill.outcomes import ContentsMissing, Delivered, DeliveryDeferred, ScanDeferred, Scanned
from mailmill.spool import State
from mailmill.spoolfile import SpoolHeader, pack
from mailmill_milter.queue_manager.manager import RESCAN_INTERVAL

CONTENT = b"Subject: hello\n\nA body.\n"


class Edge:
    """A milter process and a queue manager that can be started anew, with one spool."""

    def __init__(self, make_bench):
        self._make = make_bench
        self.start()
        for name in ALL:
            (self.bench.incoming.root / name).mkdir()
        self.log = self.bench.incoming.root / "intake" / "log"
        self.milter = IntakeWriter(self.bench.incoming.root, size=2000)

    def start(self):
        """Start the queue manager; one that was running is forgotten with all that it knew."""
        self.bench = self._make()
        self.bench.incoming.intake.take_charge()

    def accept(self, *, damage=None, tell=True):
        now = self.bench.clock.wall()
        header = SpoolHeader(
            new_mail_id(now, "4cXyZ1"),
            "edge1",
            now,
            "4cXyZ1",
            Envelope("s@example.org", (Recipient("r@example.com"),), Client("host", "192.0.2.1", 1, "helo")),
        )
        data = pack(header, CONTENT)
        self.milter.append(header.id, damage(data) if damage else data)
        if tell:
            self.told()
        return header.id

    def told(self):
        """What inotify tells of: here, always all segments."""
        self.bench.manager.took_in(sorted(path.name for path in self.log.iterdir()))

    def finish(self, *names):
        """Let the workers deliver messages."""
        for name in names:
            delivery = self.bench.delivery(name, ("0",))
            self.bench.manager.outcomes(
                [Scanned(name, (delivery.id,)), Delivered(name, delivery.id, "ok", covers=("0",))]
            )

    def sent(self):
        return [name for task in self.bench.tasks.sent for name in task[2] if task[0] == "scan"]

    def waiting(self):
        return self.bench.states(self.bench.incoming)

    def later(self, seconds=RESCAN_INTERVAL):
        self.bench.clock.now += seconds
        self.bench.turn()


@pytest.fixture
def edge(make_bench):
    return Edge(make_bench)


def test_a_message_goes_to_the_workers_from_where_it_is(edge):
    edge.bench.turn()
    name = edge.accept()
    edge.bench.turn()
    assert edge.sent() == [name]
    assert edge.bench.contents.items[name].startswith(b"mailmill-spool")
    assert list((edge.bench.incoming.root / State.ACTIVE).iterdir()) == []


def test_it_goes_once_however_often_it_is_told_of(edge):
    names = [edge.accept() for _ in range(5)]
    for _ in range(3):
        edge.told()
        edge.later()
    assert edge.sent() == names


def test_a_finished_message_is_gone_for_the_next_start_too(edge):
    name, other = edge.accept(), edge.accept()
    edge.bench.turn()
    edge.finish(name)
    assert edge.waiting() == {"active": {other}}
    edge.start()
    edge.bench.turn()
    assert edge.sent() == [other]
    assert edge.waiting() == {"active": {other}}


def test_a_restart_takes_up_what_was_in_flight(edge):
    names = [edge.accept() for _ in range(10)]
    edge.bench.turn()
    edge.finish(*names[:4])
    edge.start()
    edge.bench.turn()
    assert sorted(edge.sent()) == sorted(names[4:])


def test_messages_that_nobody_told_of_are_found_by_the_next_look(edge):
    edge.bench.turn()
    name = edge.accept(tell=False)
    edge.bench.turn()
    assert edge.sent() == []
    edge.later()
    assert edge.sent() == [name]


def test_what_another_thread_counted_first_still_goes(edge):
    edge.bench.turn()
    name = edge.accept(tell=False)
    assert [entry.name for entry in edge.bench.incoming.entries(State.ACTIVE)] == [name]
    edge.told()
    edge.bench.turn()
    assert edge.sent() == [name]


def test_segments_whose_messages_have_all_ended_go_when_another_one_begins(edge):
    names = [edge.accept() for _ in range(10)]
    edge.bench.turn()
    before = len(list(edge.log.iterdir()))
    assert before > 1
    edge.finish(*names)
    for _ in range(10):
        edge.accept()
    assert len(list(edge.log.iterdir())) <= before
    edge.bench.turn()
    edge.finish(*edge.sent()[10:])
    edge.milter.close()
    edge.later()
    assert list(edge.log.iterdir()) == []


def test_a_deferred_message_gets_a_file_of_its_own_and_its_segment_can_go(edge):
    name = edge.accept()
    edge.milter.close()
    edge.bench.turn()
    edge.bench.manager.outcomes([ScanDeferred(name, "clamd: down")])
    assert edge.waiting() == {"deferred": {name}}
    edge.later()
    assert list(edge.log.iterdir()) == []
    assert edge.sent() == [name, name]
    edge.finish(name)
    assert edge.waiting() == {}


def test_a_delivery_that_must_wait_is_made_from_the_message_in_the_intake(edge):
    name = edge.accept()
    edge.bench.turn()
    delivery = edge.bench.delivery(name, ("0",))
    edge.bench.manager.outcomes([Scanned(name, (delivery.id,)), DeliveryDeferred(name, delivery, "4.0.0")])
    assert edge.waiting() == {}
    kept = edge.bench.outgoing.read(delivery.id, State.DEFERRED)
    assert kept.content == delivery.head + CONTENT


def test_a_crash_between_the_file_and_the_end_in_the_intake_makes_no_second_message(edge):
    name = edge.accept()
    edge.bench.turn()
    data = edge.bench.incoming.read_bytes(name, State.ACTIVE)
    edge.bench.incoming.store(name, data, State.DEFERRED, changed=edge.bench.clock.now + 3600)
    edge.start()
    edge.bench.turn()
    assert edge.sent() == []
    assert edge.waiting() == {"deferred": {name}}
    edge.later(3601)
    assert edge.sent() == [name]
    edge.finish(name)
    edge.start()
    edge.bench.turn()
    assert (edge.sent(), edge.waiting()) == ([], {})


def test_a_message_that_cannot_be_deferred_stays_and_is_tried_again(edge, monkeypatch):
    name = edge.accept()
    edge.bench.turn()
    with monkeypatch.context() as context:
        context.setattr(os, "fsync", refuse)
        edge.bench.manager.outcomes([ScanDeferred(name, "clamd: down")])
    assert edge.waiting() == {"active": {name}}
    edge.later()
    assert edge.sent() == [name, name]


def refuse(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_an_end_that_cannot_be_written_down_is_written_later(edge, monkeypatch, caplog):
    name, other = edge.accept(), edge.accept()
    edge.bench.turn()
    with monkeypatch.context() as context:
        context.setattr(os, "write", refuse)
        edge.finish(name)
    assert "No space" in caplog.text
    assert edge.waiting() == {"active": {other}}
    edge.bench.turn()
    edge.start()
    edge.bench.turn()
    assert edge.sent() == [other]


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: b"?" * 200], ids=["short", "noise"])
def test_a_damaged_message_is_set_aside_and_stops_nobody(edge, damage, caplog):
    name, other = edge.accept(damage=damage), edge.accept()
    edge.bench.turn()
    assert edge.sent() == [other]
    assert edge.waiting() == {"active": {other}, "corrupt": {name}}
    assert [event.step for event in edge.bench.sink.events].count(Step.CORRUPT) == 1
    assert "damaged, kept in corrupt" in caplog.text
    edge.start()
    edge.bench.turn()
    assert edge.sent() == [other]


def test_a_damaged_record_is_set_aside_when_its_segment_is_complete(edge):
    name = edge.accept(tell=False)
    (path,) = edge.log.iterdir()
    edge.milter.close()
    path.write_bytes(b"?" * 300)
    (edge.bench.incoming.root / "intake" / "arrived" / path.name).unlink()
    edge.bench.turn()
    assert edge.waiting() == {"corrupt": {f"{path.name}.0"}}
    assert list(edge.log.iterdir()) == []
    assert edge.sent() == []
    assert not edge.bench.incoming.holds(name)


def test_contents_that_redis_has_lost_are_sent_again_from_the_intake(edge):
    name = edge.accept()
    edge.bench.turn()
    edge.bench.contents.items.clear()
    edge.bench.manager.outcomes([ContentsMissing(name)])
    edge.bench.turn()
    assert edge.sent() == [name, name]
    assert name in edge.bench.contents.items


def test_a_clock_that_was_set_back_changes_nothing_for_what_is_in_the_intake(edge):
    before = edge.accept()
    edge.bench.clock.offset = -86_400.0
    after = edge.accept()
    edge.later()
    assert set(edge.sent()) == {before, after}
    edge.finish(before, after)
    edge.milter.close()
    edge.later()
    assert list(edge.log.iterdir()) == []
