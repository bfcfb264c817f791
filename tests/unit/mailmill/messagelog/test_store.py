from __future__ import annotations

import sqlite3
import stat
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailmill.errors import MessageLogError
from mailmill.mailids import new_mail_id
from mailmill.messagelog import schema, store
from mailmill.messagelog.entries import Entry
from mailmill.messagelog.events import Event, Step
from mailmill.messagelog.store import MessageLog, bare_message_id

DAY = 86_400.0
NOW = 1_800_000_000.0

#: Also lone surrogates: bytes that were not UTF-8 on the wire.
ANY_TEXT = st.text(st.characters(exclude_categories=()))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "messages.db"


@pytest.fixture
def log(path):
    log = MessageLog.open(f"sqlite:///{path}")
    log.create()
    yield log
    log.close()


def entry(mail_id, step=Step.SCANNED, at=NOW, sequence=0, **more):
    event = Event(time=at, mail_id=mail_id, step=step, node=more.pop("node", "edge1"), **more)
    return Entry(milliseconds=int(at * 1000), sequence=sequence, event=event)


def accepted(mail_id, message_id="", at=NOW):
    queue_id = mail_id.partition("-")[2]
    return entry(mail_id, Step.ACCEPTED, at, queue_id=queue_id, message_id=message_id)


def steps(log, mail_id):
    return [each.event.step for each in log.entries([mail_id])]


def test_a_message_is_found_by_each_of_its_ids(log):
    mail_id = new_mail_id(NOW, "4bXyZw")
    log.add([accepted(mail_id, "<a@example.com>")])
    for wanted in (mail_id, "4bXyZw", "<a@example.com>", "a@example.com", f"{mail_id}.0123456789ab"):
        [found] = log.find(wanted, 10)
        assert (found.mail_id, found.queue_id, found.message_id, found.edge, found.arrival) == (
            mail_id,
            "4bXyZw",
            "a@example.com",
            "edge1",
            NOW,
        )


@pytest.mark.parametrize("wanted", ["", "<>", "4bxyzw", "a@example", "%"])
def test_other_text_finds_nothing(log, wanted):
    log.add([accepted(new_mail_id(NOW, "4bXyZw"), "<a@example.com>"), accepted(new_mail_id(NOW, "B"))])
    assert log.find(wanted, 10) == []


def test_every_message_that_had_a_queue_id_is_found_the_oldest_first(log):
    first, second = new_mail_id(NOW, "A1"), new_mail_id(NOW + 1, "A1")
    log.add([accepted(second), accepted(first)])
    assert [message.mail_id for message in log.find("A1", 10)] == [first, second]
    assert [message.mail_id for message in log.find("A1", 1)] == [second]


def test_an_entry_that_is_read_twice_stays_one_row(log):
    mail_id = new_mail_id(NOW, "A1")
    batch = [accepted(mail_id), entry(mail_id, sequence=1)]
    log.add(batch)
    log.add(batch)
    log.add([*batch, *batch])
    assert steps(log, mail_id) == [Step.ACCEPTED, Step.SCANNED]


def test_a_redis_that_gives_an_id_again_loses_no_event_of_another_message(log):
    one, other = new_mail_id(NOW, "A1"), new_mail_id(NOW, "A1")
    log.add([entry(one, sequence=7)])
    log.add([entry(other, sequence=7)])
    assert len(steps(log, one)) == len(steps(log, other)) == 1


def test_the_order_is_that_of_the_stream_and_numbers_are_not_compared_as_text(log):
    mail_id = new_mail_id(NOW, "A1")
    log.add([entry(mail_id, Step.DELIVERED, sequence=10), entry(mail_id, Step.SCANNED, sequence=9)])
    assert steps(log, mail_id) == [Step.SCANNED, Step.DELIVERED]


def test_a_message_whose_accepted_event_comes_late_is_completed(log):
    mail_id = new_mail_id(NOW, "A1")
    log.add([entry(mail_id, sequence=1, node="scan@w1")])
    [found] = log.find("A1", 10)
    assert (found.edge, found.message_id) == ("", "")
    log.add([accepted(mail_id, "<a@b>")])
    log.add([entry(mail_id, Step.FINISHED, sequence=2)])
    [found] = log.find("a@b", 10)
    assert (found.edge, found.queue_id) == ("edge1", "A1")


@settings(max_examples=50)
@given(detail=ANY_TEXT, message_id=ANY_TEXT)
def test_any_text_can_be_stored_and_a_message_id_found_again(tmp_path_factory, detail, message_id):
    path = tmp_path_factory.mktemp("log") / "messages.db"
    log = MessageLog.open(f"sqlite:///{path}")
    try:
        log.create()
        mail_id = new_mail_id(NOW, "A1")
        log.add([entry(mail_id, Step.ACCEPTED, detail=detail, message_id=message_id)])
        assert len(log.entries([mail_id])) == 1
        if bare_message_id(message_id):
            assert [found.mail_id for found in log.find(message_id, 10)] == [mail_id]
    finally:
        log.close()


def test_a_very_long_message_id_is_cut_and_still_found(log):
    long = "<" + "ü" * 5000 + "@example.com>"
    log.add([accepted(new_mail_id(NOW, "A1"), long)])
    assert len(log.find(long, 10)) == 1
    assert len(bare_message_id(long)) == schema.MESSAGE_ID_LENGTH


def test_the_clean_up_removes_old_events_and_keeps_newer_ones_of_an_old_message(log, monkeypatch):
    monkeypatch.setattr(store, "PURGE_BATCH", 2)
    old = [new_mail_id(NOW - 10 * DAY + number, f"A{number}") for number in range(5)]
    waiting = new_mail_id(NOW - 10 * DAY, "B")
    young = new_mail_id(NOW - DAY, "C")
    log.add([accepted(mail_id, at=NOW - 10 * DAY) for mail_id in (*old, waiting)])
    log.add([entry(waiting, Step.DEFERRED, NOW - 2 * DAY), accepted(young, at=NOW - DAY)])
    assert sum(log.purge(NOW - 5 * DAY)) == 6
    assert [log.find(mail_id, 10) for mail_id in old] == [[]] * 5
    assert steps(log, waiting) == [Step.DEFERRED]
    assert steps(log, young) == [Step.ACCEPTED]
    assert len(log.find(waiting, 10)) == 1


def test_the_clean_up_holds_no_lock_between_its_steps(log, path):
    log.add([accepted(new_mail_id(NOW - DAY, "A1"), at=NOW - DAY)])
    clean_up = log.purge(NOW)
    next(clean_up)
    with sqlite3.connect(path, timeout=0) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("ROLLBACK")
    other.close()


def test_who_reads_does_not_wait_for_who_writes(log, path):
    mail_id = new_mail_id(NOW, "A1")
    log.add([accepted(mail_id)])
    writer = sqlite3.connect(path)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("DELETE FROM events")
    try:
        assert steps(log, mail_id) == [Step.ACCEPTED]
    finally:
        writer.rollback()
        writer.close()


def test_a_database_that_stays_locked_is_an_error_and_nothing_is_stored(path, monkeypatch):
    monkeypatch.setattr(schema, "BUSY_TIMEOUT", 0.01)
    log = MessageLog.open(f"sqlite:///{path}")
    log.create()
    mail_id = new_mail_id(NOW, "A1")
    writer = sqlite3.connect(path)
    writer.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(MessageLogError, match="locked"):
            log.add([accepted(mail_id)])
    finally:
        writer.rollback()
        writer.close()
    assert log.find("A1", 10) == []
    log.add([accepted(mail_id)])
    assert steps(log, mail_id) == [Step.ACCEPTED]
    log.close()


def test_a_writer_waits_for_a_lock_that_is_released(log, path):
    mail_id = new_mail_id(NOW, "A1")
    other = sqlite3.connect(path, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.2, other.rollback)
    release.start()
    log.add([accepted(mail_id)])
    release.join()
    other.close()
    assert steps(log, mail_id) == [Step.ACCEPTED]


def test_tables_that_are_there_are_kept(log):
    log.add([accepted(new_mail_id(NOW, "A1"))])
    log.create()
    assert len(log.find("A1", 10)) == 1


def test_others_can_read_neither_the_directory_nor_the_file_that_it_makes(log, path):
    log.add([accepted(new_mail_id(NOW, "A1"))])
    made = [path.parent, *path.parent.iterdir()]
    assert len(made) == 4
    assert [stat.S_IMODE(each.stat().st_mode) & 0o007 for each in made] == [0] * 4


def test_reading_a_log_that_is_not_there_says_so_and_makes_no_file(tmp_path):
    path = tmp_path / "messages.db"
    log = MessageLog.open(f"sqlite:///{path}")
    with pytest.raises(MessageLogError, match="mailmill recorder"):
        log.find("A1", 10)
    assert not path.exists()


@pytest.mark.parametrize(
    "url", ["nonsense", "mysql://h/d", "oracle+nodriver://h/d", "postgresql+nodriver://u:secret@h/d"]
)
def test_a_url_that_cannot_work_is_refused_without_telling_its_password(url):
    with pytest.raises(MessageLogError) as caught:
        MessageLog.open(url)
    assert "secret" not in str(caught.value)


def test_a_directory_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MessageLogError, match="cannot create tables"):
        MessageLog.open(f"sqlite:///{tmp_path}/file/messages.db").create()


def test_searches_use_the_indexes(log, path):
    log.add([accepted(new_mail_id(NOW + number, f"Q{number}"), f"<{number}@b>") for number in range(2000)])
    with sqlite3.connect(path) as connection:
        plan = connection.execute(
            "EXPLAIN QUERY PLAN SELECT * FROM messages "
            "WHERE mail_id = 'x' OR queue_id = 'x' OR message_id = 'x' ORDER BY mail_id DESC LIMIT 100"
        ).fetchall()
    connection.close()
    assert not [row for row in plan if str(row[3]).startswith("SCAN")]
