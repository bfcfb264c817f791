"""What may take long is left to somebody patient: the DNS, a function of somebody else's, a large file."""

from __future__ import annotations

import pytest

from mailmill_milter import blocklist, session
from mailmill_milter.session import SPILL
from milter_fakes import ABORT, ALL_STEPS, QUIT, begun, body, end_of_message, header, mail, message, rcpt


@pytest.fixture
def waits(tmp_path_factory, monkeypatch):
    """Options with which a message may have to wait for the DNS."""
    monkeypatch.setattr(blocklist, "look_up", lambda address: "")
    rules = tmp_path_factory.mktemp("rules") / "spam.rules"
    rules.write_text("From: bad@example.org yes\nFrom: host:bad.example yes\nFromOrTo: default no\n")
    return {"Is Definitely Spam": str(rules)}


@pytest.fixture
def large(monkeypatch):
    """Content from which on a message gets a file of its own here."""
    monkeypatch.setattr(session, "SPILL", 1000)
    return b"x" * 1000


def test_a_message_is_slow_at_its_end_where_rules_may_wait(line, waits):
    line = line(options=waits)
    assert line.send(begun()) != []
    for stage in (mail(), rcpt(), header(), body()):
        assert line.send(stage) == []
        assert not line.conversation.slow
    assert line.send(end_of_message()) == []
    assert line.conversation.slow
    assert line.send(b"", patient=True) == ["discard"]
    assert not line.conversation.slow
    assert len(line.stored) == 1


def test_a_large_message_is_judged_at_its_end_where_rules_may_wait(line, waits, large):
    line = line(ALL_STEPS, options=waits)
    line.send(mail(b"<bad@example.org>") + rcpt() + body(large) + body())
    line.send(b"", patient=True)
    assert [name.partition("/")[0] for name in line.leftovers] == ["incoming"]
    line.send(end_of_message())
    assert line.send(b"", patient=True) == ["554 5.7.1 Message Blocklisted"]
    assert line.leftovers == []


def test_rules_that_need_nobody_are_not_slow(line):
    line = line(ALL_STEPS, options={"Is Definitely Spam": "yes"})
    assert line.send(message()) == ["554 5.7.1 Message Blocklisted"]


def test_what_waits_is_not_answered_before_somebody_patient_comes(line, waits):
    line = line(0, options=waits)
    assert line.send(message(b"<bad@example.org>")) == ["continue"] * 5
    assert line.send(b"") == []
    assert line.conversation.slow
    assert line.send(b"", patient=True) == ["554 5.7.1 Message Blocklisted"]
    assert not line.conversation.slow
    assert line.leftovers == []


def test_somebody_patient_does_all_that_has_come(line, waits):
    line = line(ALL_STEPS, options=waits)
    assert line.send(message(b"<1@example.org>") + message(b"<2@example.org>") + mail() + rcpt()) == []
    assert line.send(b"", patient=True) == ["discard", "discard"]
    assert len(line.stored) == 2
    assert line.edge.in_hand.count == 1


def test_a_message_is_slow_from_its_file_on(line, large):
    line = line(ALL_STEPS)
    assert line.send(mail() + rcpt() + header() + body(large) + body(b"y\r\n")) == []
    assert line.conversation.slow
    assert [name.partition("/")[0] for name in line.leftovers] == ["incoming"]
    assert line.send(end_of_message()) == []
    assert line.send(b"", patient=True) == ["discard"]
    assert line.only.content.endswith(b"\nSubject: x\n\n" + large + b"y\n")


def test_the_message_behind_a_large_one_is_not_slow(line, large):
    line = line(ALL_STEPS)
    line.send(message(b"<1@example.org>", large))
    assert line.send(b"", patient=True) == ["discard"]
    line.send(message(b"<2@example.org>"))
    assert line.settle() == ["discard"]
    assert len(line.stored) == 2


@pytest.mark.parametrize("end", [ABORT, QUIT, b""])
def test_a_large_message_that_does_not_end_leaves_nothing(line, large, end):
    line = line(ALL_STEPS)
    line.send(mail() + rcpt() + body(large) + body() + end)
    line.send(b"", patient=True)
    line.close()
    assert (line.leftovers, line.edge.in_hand.count) == ([], 0)


def test_the_limit_of_memory_is_that_of_the_session(line):
    line = line(ALL_STEPS)
    line.send(mail() + rcpt() + body(b"x" * (SPILL - 2)))
    assert line.leftovers == []
    line.send(body(b"x"))
    assert len(line.leftovers) == 1
