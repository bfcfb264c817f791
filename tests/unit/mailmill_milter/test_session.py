from __future__ import annotations

import errno
import os
import re
import stat
from dataclasses import replace

import pytest

from mailmill.intake import IntakeWriter, directories
from mailmill.mailids import MAIL_ID, queue_id_of
from mailmill.settings import Settings
from mailmill.settings.options.choices import QueueType
from mailmill.spool import Spool, State
from mailmill_milter.answers import Action
from mailmill_milter.blocklist import Blocklist
from mailmill_milter.gate import Gate, Limits
from mailmill_milter.inhand import InHand
from mailmill_milter.session import SPILL, Edge, Session

NOW = 1_795_370_504.5


class Macros(dict):
    def __call__(self, name):
        return self.get(name)


@pytest.fixture
def spool(tmp_path):
    for name in (*State, *directories.ALL):
        (tmp_path / name).mkdir()
    return Spool(tmp_path)


@pytest.fixture
def make(spool):
    def session(
        *, options=None, scanner=True, ignore_loopback=True, max_messages=0, queue_type=QueueType.SHORT
    ):
        edge = Edge(
            name="e1",
            hostname="edge.example",
            spool=spool,
            intake=IntakeWriter(spool.root),
            queue_type=queue_type,
            gate=Gate(spool, spool, Limits(max_messages=max_messages)),
            blocklist=Blocklist(Settings.of(options)) if scanner else None,
            ignore_loopback=ignore_loopback,
            clock=lambda: NOW,
            in_hand=InHand(),
        )
        return Session(lambda: edge)

    return session


def begin(session, helo="helo.example", **macros):
    session.connect("client.example", "192.0.2.7", 4711, Macros({"j": "mx.example"}))
    if helo:
        session.helo(helo)


def envelope(session, sender=b"<a@example.org>", *recipients, **macros):
    session.mail((sender,), Macros(macros))
    for recipient in recipients or (b"<b@example.net>",):
        session.rcpt((recipient,))


def content(session, body=b"hello\r\n", queue_id="4ABC", headers=((b"Subject", b" x"),)):
    macros = Macros(i=queue_id) if queue_id else Macros()
    for name, value in headers:
        session.header(name, value, macros)
    session.end_of_headers()
    if body:
        session.body(body, macros)
    return session.end_of_message(macros)


def stored(spool):
    return [spool.read(name, State.ACTIVE) for name in sorted(spool.names(State.ACTIVE))]


def only(spool):
    (file,) = stored(spool)
    return file


def leftovers(spool):
    return [name for state in State for name in spool.names(state)]


def test_an_accepted_message_is_in_the_spool_with_its_facts(make, spool):
    session = make()
    begin(session)
    session.mail((b"<a@example.org>", b"SIZE=12"), Macros())
    session.rcpt((b"<b@example.net>", b"NOTIFY=NEVER"))
    answer = content(session, headers=((b"Message-ID", b" <1@x>"), (b"Subject", b" x")))
    assert answer.action is Action.DISCARD
    file = only(spool)
    assert MAIL_ID.match(file.header.id)
    assert file.header.queue_id == queue_id_of(file.header.id) == "4ABC"
    assert (file.header.edge, file.header.arrival, file.header.message_id) == ("e1", NOW, "<1@x>")
    assert file.header.envelope.sender_args == ("SIZE=12",)
    assert file.header.envelope.recipients[0].args == ("NOTIFY=NEVER",)
    received, _, rest = file.content.partition(b"\nMessage-ID:")
    assert received.startswith(b"Received: from helo.example (client.example [192.0.2.7])\n\tby mx.example ")
    assert rest == b" <1@x>\nSubject: x\n\nhello\n"


def test_nothing_is_visible_before_the_end_of_the_message(make, spool):  # B2, B6
    session = make()
    begin(session)
    envelope(session)
    session.end_of_headers()
    session.body(b"x" * (SPILL + 1), Macros(i="4ABC"))
    assert list(spool.names(State.INCOMING))
    assert not list(spool.names(State.ACTIVE))
    session.abort()
    assert leftovers(spool) == []


def test_a_queue_id_that_comes_back_is_a_second_message(make, spool):  # B4
    session = make()
    begin(session)
    for _ in range(2):
        envelope(session)
        assert content(session, queue_id="4ABC").action is Action.DISCARD
    assert len(stored(spool)) == 2


def test_reset_leaves_nothing_for_the_next_transaction(make, spool):  # B12
    session = make()
    begin(session)
    envelope(session, b"<a@example.org>", b"<x@example.net>")
    session.header(b"X-First", b" 1", Macros())
    session.abort()
    envelope(session, b"<b@example.org>", b"<y@example.net>")
    content(session)
    file = only(spool)
    assert file.header.envelope.sender == "b@example.org"
    assert [r.address for r in file.header.envelope.recipients] == ["y@example.net"]
    assert b"X-First" not in file.content


@pytest.mark.parametrize("how", ["mail", "helo", "connect"])
def test_a_transaction_that_was_not_reset_leaves_nothing_either(make, spool, how):  # B12
    session = make()
    begin(session)
    envelope(session, b"<a@example.org>", b"<x@example.net>")
    session.body(b"old" * SPILL, Macros())
    if how == "helo":
        session.helo("second.example")
    elif how == "connect":
        begin(session)
    envelope(session, b"<b@example.org>", b"<y@example.net>")
    content(session)
    assert [r.address for r in only(spool).header.envelope.recipients] == ["y@example.net"]
    assert len(leftovers(spool)) == 1


def test_a_refused_message_leaves_nothing_for_the_next(make, spool, tmp_path):  # B13
    rules = tmp_path / "spam.rules"
    rules.write_text("From: bad@example.org yes\nFromOrTo: default no\n")
    session = make(options={"Is Definitely Spam": str(rules)})
    begin(session)
    envelope(session, b"<bad@example.org>", b"<x@example.net>")
    answer = content(session, headers=((b"X-First", b" 1"),))
    assert (answer.action, answer.code, answer.status) == (Action.REJECT, "554", "5.7.1")
    assert leftovers(spool) == []
    envelope(session, b"<good@example.org>", b"<y@example.net>")
    assert content(session).action is Action.DISCARD
    file = only(spool)
    assert [r.address for r in file.header.envelope.recipients] == ["y@example.net"]
    assert b"X-First" not in file.content


def test_a_large_unwanted_message_is_never_written(make, spool, tmp_path, monkeypatch):
    session = make(options={"Is Definitely Spam": "yes"})
    monkeypatch.setattr(spool, "create", lambda header: pytest.fail("created a file"))
    begin(session)
    envelope(session)
    assert content(session, body=b"x" * (SPILL + 1)).action is Action.REJECT


def test_without_milter_scanner_nothing_is_refused(make):
    session = make(options={"Is Definitely Spam": "yes"}, scanner=False)
    begin(session)
    envelope(session)
    assert content(session).action is Action.DISCARD


def test_client_facts_come_from_the_connection_not_from_the_helo(make, spool):  # B15
    session = make()
    begin(session, helo="x(y[10.0.0.1])")
    envelope(session)
    content(session)
    client = only(spool).header.envelope.client
    assert (client.name, client.address, client.port) == ("client.example", "192.0.2.7", 4711)


def test_the_name_of_the_last_helo_counts(make, spool):  # second EHLO after STARTTLS
    session = make()
    begin(session, helo="before.example")
    session.helo("after.example")
    envelope(
        session,
        b"<a@example.org>",
        b"<b@example.net>",
        **{"{tls_version}": "TLSv1.3", "{cipher_bits}": "256"},
    )
    content(session)
    found = only(spool).header.envelope
    assert found.client.helo == "after.example"
    assert (found.tls.protocol, found.tls.bits) == ("TLSv1.3", 256)


def test_a_helo_between_messages_is_no_error(make, spool):
    session = make()
    begin(session)
    for helo in ("one.example", "two.example"):
        session.helo(helo)
        envelope(session)
        assert content(session).action is Action.DISCARD
    assert {f.header.envelope.client.helo for f in stored(spool)} == {"one.example", "two.example"}


def test_sasl_facts_are_those_of_the_transaction(make, spool):
    session = make()
    begin(session)
    auth = {"{auth_type}": "PLAIN", "{auth_authen}": "jim", "{auth_author}": "j@example.org"}
    envelope(session, b"<a@example.org>", b"<b@example.net>", **auth)
    content(session)
    sasl = only(spool).header.envelope.sasl
    assert (sasl.method, sasl.login, sasl.sender) == ("PLAIN", "jim", "j@example.org")


def test_a_missing_macro_does_not_make_a_null_sender(make, spool):
    session = make()
    begin(session)
    envelope(session)
    content(session)
    assert only(spool).header.envelope.sender == "a@example.org"


def test_the_null_sender_is_the_empty_one(make, spool):
    session = make()
    begin(session)
    envelope(session, b"<>")
    content(session)
    assert only(spool).header.envelope.sender == ""


@pytest.mark.parametrize(
    ("queue_type", "pattern"),
    [(QueueType.SHORT, r"[0-9A-F]{6,}"), (QueueType.LONG, r"[0-9B-Zb-z]{10}z[0-9B-Zb-y]+")],
)
@pytest.mark.parametrize("announced", [None, "not/a/queue/id", ""])
def test_without_a_usable_queue_id_the_session_makes_one(make, spool, queue_type, pattern, announced):
    session = make(queue_type=queue_type)
    begin(session)
    envelope(session)
    content(session, queue_id=announced)
    assert re.fullmatch(pattern, only(spool).header.queue_id)


def test_a_message_without_helo_is_taken(make, spool):  # B26
    session = make()
    begin(session, helo="")
    envelope(session)
    assert content(session).action is Action.DISCARD
    assert only(spool).content.startswith(
        b"Received: from client.example (client.example [192.0.2.7])\n\tby "
    )


def test_a_message_without_headers_is_taken(make, spool):  # B26
    session = make()
    begin(session)
    envelope(session)
    assert content(session, headers=()).action is Action.DISCARD
    assert only(spool).content.endswith(b"\n\nhello\n")


def test_a_message_without_recipients_is_never_a_file(make, spool):  # B5
    session = make()
    begin(session)
    session.mail((b"<a@example.org>",), Macros())
    assert content(session).action is Action.TEMPFAIL
    assert leftovers(spool) == []


def test_an_end_of_message_without_a_transaction_is_tempfailed(make, spool):
    session = make()
    begin(session)
    assert session.end_of_message(Macros(i="4ABC")).action is Action.TEMPFAIL
    assert leftovers(spool) == []


def test_a_client_that_was_never_told_is_not_guessed(make, spool):
    session = make()
    envelope(session)
    assert content(session).action is Action.TEMPFAIL
    assert leftovers(spool) == []


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "IPv6:::1", "::ffff:127.0.0.1"])
def test_loopback_is_let_through_only_when_asked(make, address):
    assert make().connect("localhost", address, 1, Macros()).action is Action.ACCEPT
    assert make(ignore_loopback=False).connect("localhost", address, 1, Macros()).action is Action.CONTINUE


@pytest.mark.parametrize("address", ["", "192.0.2.7", "2001:db8::1", "10.0.0.127", "not an address"])
def test_other_clients_are_not_loopback(make, address):
    assert make().connect("x", address, 1, Macros()).action is Action.CONTINUE


@pytest.mark.parametrize(
    ("given_name", "given_address", "name", "address"),
    [
        ("[192.0.2.7]", "192.0.2.7", "unknown", "192.0.2.7"),
        ("unknown", "IPv6:2001:DB8:0::1", "unknown", "2001:db8::1"),
        ("m.example", "::ffff:192.0.2.7", "m.example", "192.0.2.7"),
        ("localhost", "", "localhost", ""),
    ],
)
def test_client_names_and_addresses_have_one_form(make, spool, given_name, given_address, name, address):
    session = make()
    session.connect(given_name, given_address, 0, Macros())
    envelope(session)
    content(session)
    client = only(spool).header.envelope.client
    assert (client.name, client.address) == (name, address)


def test_a_large_message_is_kept_byte_for_byte_and_never_whole_in_memory(make, spool):
    session = make()
    begin(session)
    envelope(session)
    session.end_of_headers()
    chunk = b"0123456789abcde\r\n" * 3000
    for _ in range(100):
        session.body(chunk, Macros(i="4ABC"))
        assert session._transaction.pending < SPILL
    assert session.end_of_message(Macros(i="4ABC")).action is Action.DISCARD
    assert only(spool).content.endswith(b"\n\n" + b"0123456789abcde\n" * 300_000)


@pytest.mark.parametrize("size", [10, 3 * SPILL])
@pytest.mark.parametrize("call", ["write", "fsync", "open"])
def test_a_disk_that_refuses_means_try_again_and_leaves_nothing(make, spool, monkeypatch, size, call):  # B1
    def refuse(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    session = make()
    begin(session)
    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse)
        envelope(session)
        answer = content(session, body=b"x" * size)
    assert (answer.action, answer.code, answer.status) == (Action.TEMPFAIL, "451", "4.3.0")
    assert "No space left" in answer.text
    assert leftovers(spool) == []
    envelope(session)
    assert content(session).action is Action.DISCARD


def test_a_failing_directory_sync_is_no_acceptance(make, spool, monkeypatch):  # B3
    real = os.fsync

    def fail_on_directories(fd):
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(fd)

    monkeypatch.setattr(os, "fsync", fail_on_directories)
    session = make()
    begin(session)
    envelope(session)
    assert content(session).action is Action.TEMPFAIL
    assert leftovers(spool) == []


def test_a_file_that_was_cut_off_midway_is_not_written_on(make, spool, monkeypatch):  # B1
    session = make()
    begin(session)
    envelope(session)
    session.end_of_headers()
    session.body(b"x" * SPILL, Macros(i="4ABC"))
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda *_: (_ for _ in ()).throw(OSError(errno.EIO, "I/O error")))
        session.body(b"y" * SPILL, Macros(i="4ABC"))
    session.body(b"z" * SPILL, Macros(i="4ABC"))
    assert session.end_of_message(Macros(i="4ABC")).action is Action.TEMPFAIL
    assert leftovers(spool) == []


@pytest.mark.parametrize("size", [10, 3 * SPILL])
def test_a_spool_at_its_limit_says_so(make, spool, size):
    (spool.root / State.ACTIVE / "one").touch()
    session = make(max_messages=1)
    begin(session)
    envelope(session)
    answer = content(session, body=b"x" * size)
    assert (answer.action, answer.code, answer.status) == (Action.TEMPFAIL, "451", "4.3.1")
    assert leftovers(spool) == ["one"]


def test_a_transaction_that_is_refused_at_mail_is_over(make, spool):
    (spool.root / State.ACTIVE / "one").touch()
    session = make(max_messages=1)
    begin(session)
    session.mail((b"<a@example.org>",), Macros())
    assert session.unwelcome().status == "4.3.1"
    assert not session.busy


def test_a_transaction_is_welcome_at_mail_while_the_gate_is_open(make, spool):
    session = make()
    begin(session)
    session.mail((b"<a@example.org>",), Macros())
    assert session.unwelcome() is None
    session.rcpt((b"<b@example.net>",))
    assert content(session).action is Action.DISCARD


def test_an_unexpected_error_keeps_the_message_with_its_sender(make, spool, monkeypatch):
    session = make()
    begin(session)
    envelope(session)
    monkeypatch.setattr(IntakeWriter, "append_all", lambda *_: 1 / 0)
    answer = content(session)
    assert answer.action is Action.TEMPFAIL
    assert "ZeroDivisionError" in answer.text


def test_a_failure_during_the_message_is_told_at_its_end_and_only_then(make, spool):
    session = make()
    begin(session)
    envelope(session)
    session.fail("a header name is not ASCII")
    answer = content(session, body=b"x" * 2 * SPILL)
    assert (answer.action, answer.text) == (Action.TEMPFAIL, "a header name is not ASCII")
    envelope(session)
    assert content(session).action is Action.DISCARD


def test_in_hand_counts_from_mail_to_answer_abort_or_close(make):
    session = make()
    in_hand = session._edge.in_hand
    begin(session)
    assert in_hand.count == 0
    envelope(session)
    assert in_hand.count == 1
    envelope(session)
    assert in_hand.count == 1
    content(session)
    assert in_hand.count == 0
    envelope(session)
    session.abort()
    session.abort()
    assert in_hand.count == 0
    envelope(session)
    session.close()
    assert in_hand.count == 0


def test_a_process_that_is_stopping_sends_new_connections_and_messages_away(make, spool):
    session = make()
    begin(session)
    assert session._edge.in_hand.drain(60) == 0
    envelope(session)
    answer = content(session)
    assert (answer.action, answer.text) == (Action.TEMPFAIL, "the mail filter is stopping")
    assert leftovers(spool) == []
    assert session._edge.in_hand.count == 0
    assert session.connect("client.example", "192.0.2.7", 1, Macros()).action is Action.TEMPFAIL


def test_an_invisible_byte_in_an_address_survives(make, spool):
    session = make()
    begin(session)
    envelope(session, b"<j\xfcrgen@example.org>", b"<b\xff@example.net>")
    content(session)
    found = only(spool).header.envelope
    assert found.sender.encode("utf-8", "surrogateescape") == b"j\xfcrgen@example.org"
    assert found.recipients[0].address.encode("utf-8", "surrogateescape") == b"b\xff@example.net"


def test_a_message_goes_by_the_configuration_that_it_began_with(make, spool, caplog):
    caplog.set_level("INFO")
    edges = [
        replace(make(options={"Is Definitely Spam": spam})._edge, configuration=version)
        for spam, version in (("no", "old"), ("yes", "new"))
    ]
    session = Session(lambda: edges[0])
    begin(session)
    envelope(session)
    del edges[0]
    assert content(session).action is Action.DISCARD
    envelope(session)
    assert content(session).action is Action.REJECT
    assert ["conf=old" in caplog.messages[0], "conf=new" in caplog.messages[1]] == [True, True]
