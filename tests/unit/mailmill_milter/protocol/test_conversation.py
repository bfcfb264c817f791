from __future__ import annotations

import pytest

from mailmill.errors import SpoolError
from mailmill_milter.protocol.conversation import Conversation
from mailmill_milter.protocol.packets import LONGEST
from mailmill_milter.protocol.words import Step
from mailmill_milter.session import SPILL, Session
from milter_fakes import (
    ABORT,
    ALL_STEPS,
    NEXT_CLIENT,
    QUIT,
    begun,
    body,
    connect,
    edge_below,
    end_of_headers,
    end_of_message,
    header,
    helo,
    leftovers,
    macros,
    mail,
    message,
    negotiation,
    packet,
    rcpt,
)


def addresses(line):
    return [(m.header.envelope.sender, m.header.envelope.recipients[0].address) for m in line.stored]


def test_a_whole_dialogue_is_a_message_in_the_spool_before_it_is_answered(line):
    line = line()
    ((version, actions, steps),) = line.send(negotiation())
    assert (version, actions) == (6, 0)
    assert steps & Step.NR_BODY
    assert line.send(macros(b"C", b"j", b"mx.example") + connect()) == ["continue"]
    tls = macros(b"H", b"{tls_version}", b"TLSv1.3", b"{cipher_bits}", b"256")
    login = macros(b"M", b"{auth_type}", b"PLAIN", b"{auth_authen}", b"j\xfcrgen")
    assert line.send(tls + helo(b"h\xfclo.example") + login + mail(b"<a@example.org>", b"SIZE=9")) == []
    assert line.send(rcpt(b"<b@example.net>", b"NOTIFY=NEVER") + rcpt(b"<c\xff@example.net>")) == []
    headers = header(b"X-\xff", b"  caf\xe9\n\t folded \r x") + header(b"Message-ID", b" <1@example.org>")
    assert line.send(headers + end_of_headers()) == []
    assert line.send(body(b"one\r") + body(b"\ntwo\r\r\n\0\xff\r") + end_of_message()) == []
    assert line.leftovers == []
    assert line.settle() == ["discard"]
    envelope = line.only.header.envelope
    assert (envelope.sender, envelope.sender_args) == ("a@example.org", ("SIZE=9",))
    assert [r.address for r in envelope.recipients] == ["b@example.net", "c\udcff@example.net"]
    assert envelope.recipients[0].args == ("NOTIFY=NEVER",)
    assert (envelope.client.name, envelope.client.address) == ("client.example", "192.0.2.7")
    assert (envelope.client.port, envelope.client.helo) == (4711, "h\udcfclo.example")
    assert (envelope.tls.bits, envelope.sasl.login) == (256, "j\udcfcrgen")
    assert (line.only.header.queue_id, line.only.header.message_id) == ("4ABC", "<1@example.org>")
    received, _, rest = line.only.content.partition(b"\nX-\xff:")
    assert b"\n\tby mx.example " in received
    assert rest == b"  caf\xe9\n\t folded \r x\nMessage-ID: <1@example.org>\n\none\ntwo\r\n\0\xff\r"


#: What each stage sends, and the step that takes its answer away where we ask for that.
STAGES = [
    (connect(), 0),
    (helo(), Step.NR_HELO),
    (mail(), Step.NR_MAIL),
    (rcpt(), Step.NR_RCPT),
    (header(), Step.NR_HEADER),
    (end_of_headers(), Step.NR_END_OF_HEADERS),
    (body(), Step.NR_BODY),
]


@pytest.mark.parametrize("offered", [0, ALL_STEPS, *(step for _, step in STAGES if step)], ids=hex)
def test_a_stage_is_silent_when_the_mta_agreed_to_that_and_answered_otherwise(line, offered):
    line = line()
    line.send(negotiation(steps=offered))
    for stage, silent in STAGES:
        assert line.send(stage) == ([] if offered & silent else ["continue"])
    assert line.send(end_of_message()) == []
    assert line.settle() == ["discard"]


def test_connect_is_silent_where_every_client_is_scanned(line):
    line = line(ignore_loopback=False)
    ((_, _, steps),) = line.send(negotiation())
    assert steps & Step.NR_CONNECT
    assert line.send(connect(b"localhost", b"127.0.0.1")) == []


def test_an_mta_of_version_two_is_answered_at_each_stage(line):
    line = line()
    assert line.send(negotiation(2, 0x3F, 0x7F)) == [(2, 0, 0)]
    assert [line.send(stage) for stage, _ in STAGES] == [["continue"]] * 7
    line.send(end_of_message())
    assert line.settle() == ["discard"]
    # Such an MTA takes the space behind the colon away, so one is put back.
    assert line.only.content.endswith(b"\nSubject:  x\n\nhello\n")


def test_without_a_negotiation_each_stage_is_answered(line):
    assert [line().send(b"".join(stage for stage, _ in STAGES))] == [["continue"] * 7]


def test_data_and_unknown_commands_of_a_client_are_answered(line):
    line = line(0)
    assert line.send(mail() + rcpt() + packet(b"T") + packet(b"U", b"XYZZY\0")) == ["continue"] * 4


def test_a_loopback_connection_is_let_through(line):
    line = line()
    line.send(negotiation())
    assert line.send(connect(b"localhost", b"IPv6:::1", b"6")) == ["accept"]


@pytest.mark.parametrize("family", [b"L", b"U"])
def test_a_client_without_an_address_is_taken(line, family):
    line = line()
    line.send(negotiation())
    assert line.send(connect(b"localhost", family=family)) == ["continue"]
    line.send(message())
    assert line.settle() == ["discard"]


def test_abort_leaves_nothing_for_the_next_message(line):
    line = line(ALL_STEPS)
    login = macros(b"M", b"{auth_type}", b"PLAIN", b"{auth_authen}", b"jim")
    line.send(login + mail(b"<first@example.org>") + rcpt(b"<x@example.net>") + header(b"X-First", b" 1"))
    assert line.send(ABORT) == []
    assert line.edge.in_hand.count == 0
    line.send(message(b"<second@example.org>"))
    line.settle()
    assert addresses(line) == [("second@example.org", "b@example.net")]
    assert line.only.header.envelope.sasl is None
    assert b"X-First" not in line.only.content


def test_a_queue_id_is_not_inherited_from_the_message_before(line):
    line = line(ALL_STEPS)
    for queue_id in (b"4ABC", None):
        line.send(message(queue_id=queue_id))
        line.settle()
    assert sorted(found.header.queue_id == "4ABC" for found in line.stored) == [False, True]


def test_macros_of_the_connection_outlast_its_messages(line):
    line = line(ALL_STEPS)
    for _ in range(2):
        line.send(message())
        line.settle()
    assert all(b"\n\tby mx.example " in found.content for found in line.stored)


def test_quit_is_the_end_and_what_follows_is_not_read(line):
    line = line(ALL_STEPS)
    assert line.send(QUIT + message()) == []
    assert line.conversation.over
    assert line.conversation.arrival is None


def test_another_client_on_the_same_connection_inherits_nothing(line):
    line = line(ALL_STEPS)
    line.send(mail() + rcpt() + header(b"X-First", b" 1") + NEXT_CLIENT)
    assert not line.conversation.over
    assert line.edge.in_hand.count == 0
    assert line.send(connect(b"other.example", b"192.0.2.8")) == ["continue"]
    line.send(message())
    line.settle()
    client = line.only.header.envelope.client
    assert (client.name, client.address, client.helo) == ("other.example", "192.0.2.8", "")
    assert b"\n\tby edge.example " in line.only.content
    assert b"X-First" not in line.only.content


def test_another_client_that_is_not_told_is_not_taken_for_the_one_before(line):
    line = line(ALL_STEPS)
    (reply,) = line.send(NEXT_CLIENT + message())
    assert reply.startswith("451 4.3.0 ")
    assert line.leftovers == []


def test_the_end_of_a_message_may_bring_the_end_of_its_body(line):
    line = line(ALL_STEPS)
    line.send(mail() + rcpt() + header() + end_of_headers() + body(b"one\r") + end_of_message(b"\ntwo\r\n"))
    assert line.settle() == ["discard"]
    assert line.only.content.endswith(b"\nSubject: x\n\none\ntwo\n")


def test_messages_behind_an_unanswered_one_wait_for_its_answer(line):
    line = line(ALL_STEPS)
    assert line.send(b"".join(message(b"<%d@example.org>" % number) for number in range(3))) == []
    for number in range(3):
        name = line.conversation.arrival.name
        assert line.edge.in_hand.count == 1
        assert line.send(b"") == []
        assert line.settle() == ["discard"]
        assert len(line.stored) == number + 1
        assert name in {found.header.id for found in line.stored}
    assert line.conversation.arrival is None
    assert sorted(sender for sender, _ in addresses(line)) == [f"{n}@example.org" for n in range(3)]


def test_the_answer_comes_before_those_to_what_waited_behind_it(line):
    line = line(0)
    line.send(message())
    assert line.send(mail() + rcpt()) == []
    assert line.settle() == ["discard", "continue", "continue"]


@pytest.mark.parametrize(
    ("error", "reply"),
    [
        (SpoolError("cannot accept"), "451 4.3.0 mail spool: failed"),
        (ZeroDivisionError(), "451 4.3.0 mail filter: ZeroDivisionError"),
    ],
)
def test_a_message_that_is_not_durable_is_the_senders_still(line, error, reply):
    line = line(ALL_STEPS)
    line.send(message() + message())
    assert line.settle(error) == [reply]
    assert line.settle() == ["discard"]
    assert len(line.leftovers) == 1


def test_the_log_is_told_of_each_message_once(line, caplog):
    caplog.set_level("INFO")
    line = line(ALL_STEPS)
    line.send(message() + message() + mail() + end_of_message())
    line.settle()
    line.settle()
    line.conversation.report()
    line.close()
    assert [text.rpartition("answer=")[2][:7] for text in caplog.messages] == [
        "discard",
        "discard",
        "451 4.3",
    ]


def test_the_log_is_told_of_a_refused_message_at_once(line, caplog):
    caplog.set_level("INFO")
    line(ALL_STEPS, options={"Is Definitely Spam": "yes"}).send(message())
    assert [text.rpartition("answer=")[2] for text in caplog.messages] == ["554 5.7.1 Message Blocklisted"]


def test_settling_what_nobody_waits_for_answers_nothing(line):
    line = line(ALL_STEPS)
    line.send(message())
    line.close()
    assert line.conversation.settle(None) == b""


@pytest.mark.parametrize("sent", [mail() + rcpt() + body(), message()])
def test_a_connection_that_is_lost_leaves_nothing_in_hand(line, sent):
    line = line(ALL_STEPS)
    line.send(sent)
    assert line.edge.in_hand.count == 1
    line.close()
    assert (line.conversation.arrival, line.edge.in_hand.count, line.leftovers) == (None, 0, [])


@pytest.mark.parametrize("stage", ["mail", "rcpt", "header", "end_of_headers", "body"])
@pytest.mark.parametrize("steps", [0, ALL_STEPS])
def test_a_failure_in_a_stage_is_told_at_the_end_of_the_message_and_only_there(
    line, monkeypatch, stage, steps
):
    line = line(steps)
    with monkeypatch.context() as patch:
        patch.setattr(Session, stage, lambda *_: 1 / 0)
        found = line.send(mail() + rcpt() + header() + end_of_headers() + body() + end_of_message())
    assert found[:-1] == ([] if steps else ["continue"] * 5)
    assert found[-1].startswith("451 4.3.0 ")
    assert line.leftovers == []
    line.send(message())
    assert line.settle()[0] == "discard"


def test_a_failure_where_nothing_can_be_told_closes_the_connection(line, monkeypatch):
    line = line(ALL_STEPS)
    monkeypatch.setattr(Session, "abort", lambda *_: 1 / 0)
    assert line.send(mail() + ABORT + message()) == []
    assert line.conversation.over


GARBAGE = {
    "an unknown command": packet(b"!"),
    "no length": bytes(5),
    "too long": (LONGEST + 1).to_bytes(4, "big") + b"B",
    "SMTP": b"EHLO client.example\r\n",
    "a sender without an end": packet(b"M", b"<a@example.org>"),
    "a header without a value": packet(b"L", b"Subject\0"),
    "a client without an address": packet(b"C", b"client.example\x004"),
    "macros of no stage": packet(b"D"),
    "an old version": negotiation(1),
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("before", [b"", begun() + mail() + rcpt() + body(b"x" * (SPILL + 1))])
def test_garbage_closes_the_connection_and_leaves_nothing(line, caplog, before, garbage, at_once):
    line = line()
    for piece in [before + garbage + end_of_message()] if at_once else [before, garbage, end_of_message()]:
        line.conversation.receive(piece)
        line.conversation.receive(b"", patient=True)
    assert line.conversation.over
    assert "the MTA sent" in caplog.text
    line.close()
    assert (line.edge.in_hand.count, line.leftovers) == (0, [])


def test_garbage_behind_a_message_does_not_take_its_answer(line):
    line = line(ALL_STEPS)
    line.send(message())
    line.send(packet(b"!"))
    assert line.settle() == ["discard"]
    assert line.conversation.over


def test_garbage_does_not_take_the_answers_before_it(line):
    line = line(0)
    assert line.send(message() + packet(b"!"), patient=True) == ["continue"] * 5 + ["discard"]
    assert line.conversation.over
    assert len(line.stored) == 1


@pytest.mark.parametrize("debug", [False, True])
def test_debug_shows_each_stage_and_changes_nothing(line, caplog, debug):
    caplog.set_level("DEBUG" if debug else "INFO", "mailmill_milter")
    line = line(ALL_STEPS)
    line.send(message(b"<a\xff@example.org>") + ABORT)
    assert line.settle() == ["discard"]
    line.close()
    number = line.conversation.number
    stages = ("connect client.example[192.0.2.7]:4711", "helo helo.example", "header Subject", "body 7")
    stages += ("end of headers", "end of message: discard", "abort", "close", "rcpt <b@example.net>")
    assert [f"connection {number}: {stage}" in caplog.text for stage in stages] == [debug] * len(stages)


def test_connections_have_numbers_of_their_own(line):
    edge = line().edge
    one, two = Conversation(lambda: edge), Conversation(lambda: edge)
    assert 0 < one.number < two.number


def test_a_message_whose_mta_has_hung_up_is_not_taken(tmp_path):
    edge = edge_below(tmp_path)
    conversation = Conversation(lambda: edge, gone=lambda: True)
    assert conversation.receive(begun(ALL_STEPS) + message()) != b""
    assert (conversation.arrival, conversation.over) == (None, True)
    assert (leftovers(tmp_path), edge.in_hand.count) == ([], 0)
