from __future__ import annotations

import pytest
import redis

from mailmill.mailids import new_mail_id
from mailmill.messagelog import history as history_module
from mailmill.messagelog.entries import from_fields, to_fields
from mailmill.messagelog.events import Event, Step
from mailmill.messagelog.history import look_up
from mailmill.messagelog.store import MessageLog

NOW = 1_700_000_000.0


class FakeRedis:
    """A stream; `after_reading` is what happens between this read and the next."""

    def __init__(self, entries=(), *, broken=False, after_reading=lambda: None):
        self.entries = list(entries)
        self.broken = broken
        self.after_reading = after_reading

    def xrange(self, name, min, count):  # noqa: A002 - the name is redis-py's
        if self.broken:
            raise redis.ConnectionError("refused")
        ids = [entry_id for entry_id, _ in self.entries]
        start = 0 if min == "-" else ids.index(min.removeprefix("(").encode()) + 1
        page = self.entries[start : start + count]
        self.after_reading()
        return page


@pytest.fixture
def log(tmp_path):
    log = MessageLog.open(f"sqlite:///{tmp_path}/messages.db")
    log.create()
    yield log
    log.close()


def raw(number, mail_id, step, **more):
    event = Event(NOW + number, mail_id, step, "edge1", **more)
    return b"%d-%d" % (NOW * 1000, number), to_fields([event])


def steps(answer):
    return [[event.step for event in history.events] for history in answer.histories]


def test_recorded_and_waiting_events_make_one_history_in_order(log):
    mail_id = new_mail_id(NOW, "A1")
    entries = [
        raw(number, mail_id, step)
        for number, step in enumerate([Step.ACCEPTED, Step.ENQUEUED, Step.SCANNED, Step.FINISHED])
    ]
    log.add([entry for one in entries[:2] for entry in from_fields(*one)])
    # The second one is in both: the recorder has committed it and not removed it yet.
    answer = look_up(log, FakeRedis(entries[1:]), "A1")
    assert steps(answer) == [[Step.ACCEPTED, Step.ENQUEUED, Step.SCANNED, Step.FINISHED]]
    assert answer.histories[0].finished == NOW + 3
    assert answer.not_recorded == 3


def test_an_event_that_is_recorded_while_we_look_is_not_missed(log):
    mail_id = new_mail_id(NOW, "A1")
    entry = raw(0, mail_id, Step.ACCEPTED)
    client = FakeRedis([entry], after_reading=lambda: log.add(list(from_fields(*entry))))
    assert steps(look_up(log, client, "A1")) == [[Step.ACCEPTED]]


def test_a_message_id_in_the_stream_leads_to_recorded_events_and_back(log):
    mail_id = new_mail_id(NOW, "A1")
    log.add(list(from_fields(*raw(0, mail_id, Step.ACCEPTED, message_id="<a@b>"))))
    answer = look_up(log, FakeRedis([raw(1, mail_id, Step.SCANNED)]), "a@b")
    assert steps(answer) == [[Step.ACCEPTED, Step.SCANNED]]
    other = new_mail_id(NOW, "B1")
    log.add(list(from_fields(*raw(2, other, Step.SCANNED))))
    answer = look_up(log, FakeRedis([raw(3, other, Step.ACCEPTED, message_id="<c@d>")]), "<c@d>")
    assert steps(answer) == [[Step.SCANNED, Step.ACCEPTED]]


def test_what_is_known_of_a_recorded_message_is_not_lost_to_a_waiting_event(log):
    mail_id = new_mail_id(NOW, "A1")
    log.add(list(from_fields(*raw(0, mail_id, Step.ACCEPTED, message_id="<a@b>"))))
    [history] = look_up(log, FakeRedis([raw(1, mail_id, Step.SCANNED)]), "A1").histories
    assert (history.message.message_id, history.message.edge) == ("a@b", "edge1")


def test_a_message_that_left_one_queue_and_goes_on_in_the_other_has_not_finished(log):
    mail_id = new_mail_id(NOW, "A1")
    happened = [raw(0, mail_id, Step.SCANNED), raw(1, mail_id, Step.FINISHED), raw(2, mail_id, Step.DEFERRED)]
    assert look_up(log, FakeRedis(happened), "A1").histories[0].finished is None
    ended = [*happened, raw(3, mail_id, Step.FINISHED)]
    assert look_up(log, FakeRedis(ended), "A1").histories[0].finished == NOW + 3


def test_what_a_node_says_twice_is_shown_once(log):
    mail_id = new_mail_id(NOW, "A1")
    accepted = {"detail": "from=<a@b>", "message_id": "<a@b>"}
    log.add(
        [
            *from_fields(*raw(0, mail_id, Step.ACCEPTED, **accepted)),
            *from_fields(*raw(1, mail_id, Step.ENQUEUED)),
        ]
    )
    entry_id, _ = raw(2, mail_id, Step.ENQUEUED)
    again = entry_id, raw(0, mail_id, Step.ACCEPTED, **accepted)[1]
    answer = look_up(log, FakeRedis([again, raw(3, mail_id, Step.ENQUEUED)]), "A1")
    assert steps(answer) == [[Step.ACCEPTED, Step.ENQUEUED, Step.ENQUEUED]]


def test_all_pages_of_the_stream_are_read(log, monkeypatch):
    monkeypatch.setattr(history_module, "_PAGE", 3)
    mail_id = new_mail_id(NOW, "A1")
    answer = look_up(log, FakeRedis([raw(n, mail_id, Step.DEFERRED) for n in range(9)]), "A1")
    assert steps(answer) == [[Step.DEFERRED] * 9]


def test_the_newest_messages_are_shown_when_there_are_too_many(log, monkeypatch):
    monkeypatch.setattr(history_module, "MOST_MESSAGES", 2)
    ids = [new_mail_id(NOW + number, "A1") for number in range(4)]
    for number, mail_id in enumerate(ids[:3]):
        log.add(list(from_fields(*raw(number, mail_id, Step.ACCEPTED))))
    answer = look_up(log, FakeRedis([raw(3, ids[3], Step.ACCEPTED)]), "A1")
    assert [history.message.mail_id for history in answer.histories] == ids[2:]


def test_an_entry_that_is_no_event_hides_none(log):
    mail_id = new_mail_id(NOW, "A1")
    entries = [(b"1-0", {b"x": b"y"}), raw(1, mail_id, Step.ACCEPTED)]
    assert steps(look_up(log, FakeRedis(entries), "A1")) == [[Step.ACCEPTED]]


def test_without_redis_the_database_answers(log):
    mail_id = new_mail_id(NOW, "A1")
    log.add(list(from_fields(*raw(0, mail_id, Step.ACCEPTED))))
    answer = look_up(log, FakeRedis(broken=True), "A1")
    assert steps(answer) == [[Step.ACCEPTED]]
    assert answer.not_recorded is None
    assert answer.failures == ("Redis does not answer: refused",)


def test_without_a_database_the_stream_answers(tmp_path):
    mail_id = new_mail_id(NOW, "A1")
    log = MessageLog.open(f"sqlite:///{tmp_path}/none.db")
    answer = look_up(log, FakeRedis([raw(0, mail_id, Step.ACCEPTED)]), "A1")
    assert steps(answer) == [[Step.ACCEPTED]]
    assert len(answer.failures) == 1
