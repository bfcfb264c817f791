"""The end of a message in two steps: what is complete, and what becomes of it."""

from __future__ import annotations

import errno
import os

import pytest

from mailmill.errors import SpoolError
from mailmill.intake import Arrival
from mailmill.spool import State
from mailmill.spoolfile import unpack
from mailmill_milter import blocklist, session
from mailmill_milter.answers import DISCARD, Action, Answer
from mailmill_milter.session import Session
from milter_fakes import edge_below, leftovers, stored


class Macros(dict):
    def __call__(self, name):
        return self.get(name)


MACROS = Macros(i="4ABC")


@pytest.fixture
def make(tmp_path):
    def begun(**options):
        edge = edge_below(tmp_path, **options)
        made = Session(lambda: edge)
        made.connect("client.example", "192.0.2.7", 4711, Macros())
        made.helo("helo.example")
        return made

    return begun


@pytest.fixture
def root(tmp_path):
    return tmp_path


@pytest.fixture
def large(monkeypatch):
    """A body that gets a file of its own here."""
    monkeypatch.setattr(session, "SPILL", 1000)
    return b"x" * 1000


def taken(made, sender=b"<a@example.org>", body=b"hello\r\n"):
    """Take a message as far as its end."""
    made.mail((sender,), Macros())
    made.rcpt((b"<b@example.net>",))
    made.header(b"Subject", b" x", MACROS)
    made.end_of_headers()
    made.body(body, MACROS)


def test_a_complete_message_is_whole_and_nowhere_yet(make, root):
    made = make()
    taken(made)
    arrival = made.complete(MACROS)
    assert isinstance(arrival, Arrival)
    file = unpack(arrival.data)
    assert (file.header.id, file.header.queue_id) == (arrival.name, "4ABC")
    assert file.header.envelope.recipients[0].address == "b@example.net"
    assert file.content.endswith(b"\nSubject: x\n\nhello\n")
    assert leftovers(root) == []


def test_a_complete_message_is_in_hand_until_it_is_settled(make):
    made = make()
    taken(made)
    arrival = made.complete(MACROS)
    assert (made.busy, made._edge.in_hand.count) == (True, 1)
    assert made.settle(arrival, None) == DISCARD
    assert (made.busy, made._edge.in_hand.count) == (False, 0)


@pytest.mark.parametrize("end", ["abort", "close"])
def test_a_complete_message_can_be_let_go_of(make, root, end):
    made = make()
    taken(made)
    made.complete(MACROS)
    getattr(made, end)()
    assert (made.busy, made._edge.in_hand.count, leftovers(root)) == (False, 0, [])


def test_settling_leaves_nothing_for_the_next_message(make, root):
    made = make()
    for sender in (b"<1@example.org>", b"<2@example.org>"):
        taken(made, sender)
        arrival = made.complete(MACROS)
        assert made._edge.intake.append_all([arrival]) == [None]
        assert made.settle(arrival, None) == DISCARD
    assert sorted(file.header.envelope.sender for file in stored(root)) == ["1@example.org", "2@example.org"]
    assert all(file.content.count(b"Subject") == 1 for file in stored(root))


def full_disk():
    error = SpoolError("cannot accept 01 in /some/path: No space left on device")
    error.__cause__ = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return error


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (full_disk(), "mail spool: No space left on device"),
        (SpoolError("/some/path"), "mail spool: failed"),
        (ZeroDivisionError("/some/path"), "mail filter: ZeroDivisionError"),
    ],
)
def test_why_a_message_does_not_count_is_told_without_our_paths(make, caplog, error, text):
    made = make()
    taken(made)
    answer = made.settle(made.complete(MACROS), error)
    assert (answer.action, answer.code, answer.status) == (Action.TEMPFAIL, "451", "4.3.0")
    assert answer.text == text
    assert "/some/path" in caplog.text
    assert not made.busy


@pytest.mark.parametrize("when", ["report", "close", "the next answer"])
def test_the_log_can_be_told_of_a_message_behind_its_answer(make, caplog, when):
    caplog.set_level("INFO")
    made = make()
    taken(made)
    arrival = made.complete(MACROS)
    made.settle(arrival, None)
    assert "answer=" not in caplog.text
    if when == "report":
        made.report()
        made.report()
    elif when == "close":
        made.close()
    else:
        taken(made)
        made.settle(made.complete(MACROS), None)
    (line,) = [text for text in caplog.messages if "answer=" in text]
    assert line.startswith(f"{arrival.name}: queue-id=4ABC, ")
    # The content as it came in: `Subject: x`, the empty line, `hello`, with LF.
    assert "size=18," in line
    assert line.endswith("answer=discard")


def test_the_end_of_a_body_may_come_with_the_end_of_the_message(make):
    made = make()
    taken(made, body=b"one\r")
    arrival = made.complete(MACROS, b"\ntwo\r")
    assert unpack(arrival.data).content.endswith(b"\n\none\ntwo\r")


@pytest.mark.parametrize("why", ["no mail", "no recipient", "unwanted", "failed", "full"])
def test_what_is_refused_has_its_answer_at_once(make, root, why):
    made = make(
        options={"Is Definitely Spam": "yes" if why == "unwanted" else "no"},
        max_messages=1 if why == "full" else 0,
    )
    if why == "full":
        (root / State.ACTIVE / "one").touch()
    if why == "no recipient":
        made.mail((b"<a@example.org>",), Macros())
    elif why != "no mail":
        taken(made)
    if why == "failed":
        made.fail("broken")
    answer = made.complete(MACROS)
    assert isinstance(answer, Answer)
    assert answer.action is (Action.REJECT if why == "unwanted" else Action.TEMPFAIL)
    assert (made.busy, made._edge.in_hand.count) == (False, 0)


def test_a_large_message_is_durable_when_it_is_complete(make, root, large):
    made = make()
    taken(made, body=large)
    assert made.slow
    assert made.complete(MACROS, b"end\r\n") == DISCARD
    (file,) = stored(root)
    assert file.content.endswith(large + b"end\n")
    assert (made.slow, made._edge.in_hand.count) == (False, 0)


def test_an_unexpected_error_is_an_answer(make, root, monkeypatch):
    made = make()
    taken(made)
    monkeypatch.setattr(session, "pack", lambda *_: 1 / 0)
    assert made.complete(MACROS).text == "mail filter: ZeroDivisionError"
    assert (made.busy, leftovers(root)) == (False, [])


@pytest.mark.parametrize(
    ("rule", "asks"), [("From: host:bad.example yes", True), ("From: bad@example.org yes", False)]
)
def test_a_message_asks_where_the_blocklist_may_wait(make, root, monkeypatch, rule, asks):
    monkeypatch.setattr(blocklist, "look_up", lambda address: "")
    rules = root / "spam.rules"
    rules.write_text(f"{rule}\nFromOrTo: default no\n")
    made = make(options={"Is Definitely Spam": str(rules)})
    assert not made.asks
    for _ in range(2):
        taken(made)
        assert (made.asks, made.slow) == (asks, False)
        assert made.end_of_message(MACROS) == DISCARD
        assert not made.asks


def test_without_milter_scanner_no_message_is_slow(make):
    made = make(scanner=False)
    taken(made)
    assert not made.slow


@pytest.mark.parametrize("option", ["Is Definitely Spam", "Is Definitely Not Spam"])
def test_either_list_may_make_a_blocklist_wait(make, root, option):
    rules = root / "some.rules"
    rules.write_text("From: host:some.example yes\nFromOrTo: default no\n")
    made = make(options={option: str(rules)})
    assert made._edge.blocklist.may_wait
