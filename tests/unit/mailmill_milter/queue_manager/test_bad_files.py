"""What cannot be read is never delivered, never deleted, and stops nobody else."""

from __future__ import annotations

import os

import pytest

from mailmill.errors import SpoolError
from mailmill.mailids import new_mail_id
from mailmill.messagelog.events import Step
from mailmill.outcomes import DeliveryDeferred, Scanned
from mailmill.spool import Spool, State
from mailmill_milter.queue_manager.manager import RESCAN_INTERVAL


def later(bench, seconds=RESCAN_INTERVAL):
    bench.clock.now += seconds
    bench.turn()


def keep_one(bench):
    """Bring a delivery into the outgoing queue and return the path of its file."""
    mail_id = bench.accept()
    bench.turn()
    delivery = bench.delivery(mail_id)
    bench.manager.outcomes([Scanned(mail_id, (delivery.id,)), DeliveryDeferred(mail_id, delivery, "4.0.0")])
    return bench.outgoing.path(delivery.id, State.DEFERRED)


DAMAGES = {
    "the last byte is missing": lambda data: data[:-1],
    "only the header is there": lambda data: data[:200],
    "empty": lambda data: b"",
    "another byte": lambda data: data.replace(b"body", b"b0dy").replace(b"Subject", b"Sxbject"),
    "longer": lambda data: data + b"\n",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("outgoing", [False, True])
def test_a_damaged_file_goes_to_corrupt_unchanged_with_an_event(bench, damage, outgoing, caplog):  # B11
    if outgoing:
        path, spool = keep_one(bench), bench.outgoing
    else:
        name = bench.accept(tell=False)
        path, spool = bench.incoming.path(name, State.ACTIVE), bench.incoming
    sent = list(bench.tasks.sent)
    damaged = damage(path.read_bytes())
    mtime = path.stat().st_mtime
    path.write_bytes(damaged)
    os.utime(path, (mtime, mtime))
    other = bench.accept()
    later(bench, 400)
    assert bench.states(spool)["corrupt"] == {path.name}
    assert spool.read_bytes(path.name, State.CORRUPT) == damaged
    assert [task for task in bench.tasks.sent if task not in sent] == [("scan", "edge1", (other,))]
    assert [event.step for event in bench.sink.events].count(Step.CORRUPT) == 1
    assert "damaged, kept in corrupt" in caplog.text


def test_a_file_under_the_name_of_another_message_goes_to_corrupt(bench):
    name = bench.accept(tell=False)
    other = new_mail_id(bench.clock.now, "4OTHER")
    bench.incoming.path(name, State.ACTIVE).rename(bench.incoming.path(other, State.ACTIVE))
    later(bench)
    assert bench.states(bench.incoming) == {"corrupt": {other}}
    assert bench.tasks.sent == []


def test_a_foreign_file_goes_to_corrupt(bench):
    bench.incoming.path("README", State.ACTIVE).write_text("what is this?")
    later(bench)
    assert bench.states(bench.incoming) == {"corrupt": {"README"}}


@pytest.mark.parametrize("queue", ["incoming", "outgoing"])
def test_a_directory_in_place_of_a_file_stays_and_stops_nobody(bench, queue):
    name = new_mail_id(bench.clock.now, "4DIR")
    path = getattr(bench, queue).path(name, State.ACTIVE)
    path.mkdir()
    other = bench.accept()
    later(bench)
    later(bench)
    assert path.is_dir()
    assert bench.tasks.sent == [("scan", "edge1", (other,))]


def test_a_file_that_cannot_be_read_waits_until_it_can(bench, monkeypatch):
    name, other = bench.accept(), bench.accept()
    read = Spool.read_bytes

    def refuse(self, text, state):
        if text == name:
            raise SpoolError("cannot read: Permission denied")
        return read(self, text, state)

    monkeypatch.setattr(Spool, "read_bytes", refuse)
    for _ in range(5):
        bench.turn()
    assert bench.tasks.sent == [("scan", "edge1", (other,))]
    assert bench.states(bench.incoming) == {"active": {name, other}}
    monkeypatch.setattr(Spool, "read_bytes", read)
    later(bench)
    assert bench.tasks.sent[-1] == ("scan", "edge1", (name,))


def test_a_damaged_file_that_cannot_be_moved_stays_and_stops_nobody(bench, monkeypatch):
    name, other = bench.accept(), bench.accept()
    bench.incoming.path(name, State.ACTIVE).write_bytes(b"")
    bench.incoming.path(name, State.CORRUPT).mkdir()
    bench.turn()
    assert bench.tasks.sent == [("scan", "edge1", (other,))]
    assert name in bench.states(bench.incoming)["active"]
