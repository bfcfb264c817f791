"""The milter over its real protocol: either library, forked children, files on a disk."""

from __future__ import annotations

import re

import pytest
from miltertest import constants as c

from mailmill.settings.options.choices import MilterLibrary
from mailmill_milter.session import SPILL
from milter_mta import CHUNK, Mta
from milter_server import MilterServer, wait_for

pytestmark = [pytest.mark.system, pytest.mark.usefixtures("milter_library")]


@pytest.fixture
def server(server_dir):
    with MilterServer(server_dir) as running:
        yield running


@pytest.fixture
def mta(server):
    with Mta(server.socket) as connection:
        connection.connect()
        connection.helo()
        yield connection


def only(server):
    (message,) = server.messages()
    return message


def test_only_connect_and_end_of_message_are_answered(server):
    with Mta(server.socket) as mta:
        silent = c.SMFIP_NR_HELO | c.SMFIP_NR_MAIL | c.SMFIP_NR_RCPT
        silent |= c.SMFIP_NR_HDR | c.SMFIP_NR_EOH | c.SMFIP_NR_BODY
        unwanted = c.SMFIP_NODATA | c.SMFIP_NOUNKNOWN
        assert mta.protocol == silent | unwanted | c.SMFIP_HDR_LEADSPC
        assert mta.connect() == "continue"


def test_connect_is_silent_too_when_loopback_is_scanned(server_dir):
    with MilterServer(server_dir, Milter_Ignore_Loopback="no") as server, Mta(server.socket) as mta:
        assert mta.protocol & c.SMFIP_NR_CONN
        mta.connect(address="127.0.0.1")
        assert mta.message() == "discard"


@pytest.mark.parametrize(("family", "address"), [("4", "127.0.0.1"), ("6", "IPv6:::1"), ("6", "::1")])
def test_a_loopback_connection_is_let_through(server, family, address):
    with Mta(server.socket) as mta:
        assert mta.connect("localhost", address, family=family) == "accept"


def test_an_mta_of_protocol_two_gets_an_answer_at_each_stage(server):
    with Mta(server.socket, protocol=0) as mta:
        replies = [mta.connect(), mta.helo(), mta.mail("<a@example.org>"), mta.rcpt("<b@example.net>")]
        replies += [mta.header("Subject", "x"), mta.header("X-Empty", ""), mta.end_of_headers()]
        replies += [mta.body(b"y\r\n")]
        assert replies == ["continue"] * 8
        assert mta.end_of_message() == "discard"
    # Such an MTA takes the space behind the colon away, so one is put back.
    assert only(server).content.endswith(b"\nSubject: x\nX-Empty: \n\ny\n")


def test_envelope_and_content_arrive_in_the_spool_as_they_were_sent(server, mta):
    auth = {"{auth_type}": "PLAIN", "{auth_authen}": "jim", "{mail_addr}": "a@example.org"}
    mta.helo("tls.example", {"{tls_version}": "TLSv1.3", "{cipher}": "AES", "{cipher_bits}": "256"})
    mta.mail("<a@example.org>", "SIZE=100", "BODY=8BITMIME", macros=auth)
    mta.rcpt("<b@example.net>", "NOTIFY=SUCCESS,DELAY", "ORCPT=rfc822;b@example.net")
    mta.rcpt(b"<c\xff@example.net>")
    mta.header("Subject", b"  caf\xe9\n\t folded \r x")
    mta.header("Message-ID", " <1@example.org>")
    mta.end_of_headers()
    mta.body(b"one\r")
    mta.body(b"\ntwo\r\r\n\0\xff\r")
    assert mta.end_of_message("4ABCDEF123") == "discard"
    file = only(server)
    envelope = file.header.envelope
    assert (envelope.sender, envelope.sender_args) == ("a@example.org", ("SIZE=100", "BODY=8BITMIME"))
    assert [r.address for r in envelope.recipients] == ["b@example.net", "c\udcff@example.net"]
    assert envelope.recipients[0].args == ("NOTIFY=SUCCESS,DELAY", "ORCPT=rfc822;b@example.net")
    assert (envelope.client.name, envelope.client.address) == ("client.example", "192.0.2.7")
    assert (envelope.client.port, envelope.client.helo) == (4711, "tls.example")
    assert (envelope.tls.protocol, envelope.tls.cipher, envelope.tls.bits) == ("TLSv1.3", "AES", 256)
    assert (envelope.sasl.method, envelope.sasl.login) == ("PLAIN", "jim")
    assert (file.header.queue_id, file.header.message_id) == ("4ABCDEF123", "<1@example.org>")
    received, _, rest = file.content.partition(b"\nSubject:")
    assert received.startswith(b"Received: from tls.example (client.example [192.0.2.7])\n\t(using TLSv1.3 ")
    assert rest == b"  caf\xe9\n\t folded \r x\nMessage-ID: <1@example.org>\n\none\ntwo\r\n\0\xff\r"


def test_many_messages_on_one_connection_stay_apart(server, mta):
    for number in range(20):
        assert mta.message(f"<s{number}@example.org>", (f"<r{number}@example.net>",)) == "discard"
    found = {(m.header.envelope.sender, m.header.envelope.recipients[0].address) for m in server.messages()}
    assert found == {(f"s{number}@example.org", f"r{number}@example.net") for number in range(20)}
    assert all(len(m.header.envelope.recipients) == 1 for m in server.messages())


def test_reset_leaves_nothing_for_the_next_message(server, mta):  # B12
    mta.mail("<a@example.org>", macros={"{auth_authen}": "jim", "{mail_addr}": "a@example.org"})
    mta.rcpt("<x@example.net>")
    mta.header("X-First", " 1")
    mta.abort()
    mta.mail("<b@example.org>", macros={"{mail_addr}": "b@example.org"})
    mta.rcpt("<y@example.net>")
    mta.end_of_headers()
    assert mta.end_of_message() == "discard"
    file = only(server)
    assert file.header.envelope.sender == "b@example.org"
    assert [r.address for r in file.header.envelope.recipients] == ["y@example.net"]
    assert file.header.envelope.sasl is None
    assert b"X-First" not in file.content


def test_reset_removes_what_was_already_written(server, mta):
    mta.mail("<a@example.org>")
    mta.rcpt("<x@example.net>")
    mta.end_of_headers()
    for _ in range(2 * SPILL // CHUNK):
        mta.body(b"x" * CHUNK)
    mta.abort()
    assert mta.message() == "discard"
    assert len(server.files()) == 1


def test_a_lost_connection_leaves_nothing(server, mta):
    with Mta(server.socket) as lost:
        lost.connect()
        lost.mail("<a@example.org>")
        lost.rcpt("<x@example.net>")
        lost.end_of_headers()
        for _ in range(2 * SPILL // CHUNK):
            lost.body(b"x" * CHUNK)
    assert mta.message() == "discard"
    server.stop()
    assert len(server.files()) == 1


def test_a_large_message_arrives_whole(server, mta):
    body = b"".join(b"%07d\r\n" % number for number in range(700_000))
    assert len(body) > 5 * SPILL
    assert mta.message(body=body) == "discard"
    assert only(server).content.endswith(b"\n\n" + body.replace(b"\r\n", b"\n"))


def test_refused_mail_leaves_nothing_for_the_next_message(server_dir):  # B13, B14
    rules = server_dir / "spam.rules"
    rules.write_text("From: bad@example.org yes\nFromOrTo: default no\n")
    with MilterServer(server_dir, Is_Definitely_Spam=str(rules)) as server, Mta(server.socket) as mta:
        mta.connect()
        assert mta.message("<bad@example.org>", ("<x@example.net>",)).startswith("554 ")
        assert server.files() == []
        assert mta.message("<good@example.org>", ("<y@example.net>",)) == "discard"
        assert [r.address for r in only(server).header.envelope.recipients] == ["y@example.net"]


def test_a_queue_id_that_comes_back_overwrites_nothing(server, mta):  # B4
    for _ in range(3):
        assert mta.message(queue_id="4ABC") == "discard"
    assert len(server.messages()) == 3


def test_a_queue_id_is_not_inherited_from_the_message_before(server, mta):
    mta.message(queue_id="4ABC")
    mta.message(queue_id=None)
    assert len({m.header.queue_id for m in server.messages()}) == 2


def test_messages_without_helo_headers_or_body_are_taken(server):  # B26
    with Mta(server.socket) as mta:
        mta.connect()
        mta.mail("<a@example.org>")
        mta.rcpt("<b@example.net>")
        mta.end_of_headers()
        assert mta.end_of_message() == "discard"
    assert only(server).content.startswith(b"Received: from client.example (client.example [192.0.2.7])\n")
    assert only(server).content.endswith(b"\n\n")


def test_a_local_submission_is_taken(server):
    with Mta(server.socket) as mta:
        assert mta.connect("localhost", family="U") == "continue"
        assert mta.message() == "discard"
    client = only(server).header.envelope.client
    assert (client.name, client.address, client.port) == ("localhost", "", 0)


def test_an_ipv6_client_has_no_prefix(server):
    with Mta(server.socket) as mta:
        mta.connect("client.example", "IPv6:2001:db8::7", family="6")
        mta.message()
    assert only(server).header.envelope.client.address == "2001:db8::7"


def test_a_helo_that_is_not_utf8_replaces_the_one_before(server, mta):
    mta.helo(b"m\xfcnchen")
    assert mta.message() == "discard"
    assert only(server).header.envelope.client.helo == "m\udcfcnchen"


def test_a_macro_that_is_not_utf8_is_kept(server, mta):
    pairs = b"{auth_type}\0PLAIN\0{auth_authen}\0j\xfcrgen\0"
    mta.send(c.SMFIC_MACRO, c.SMFIC_MAIL.encode() + pairs)
    mta.stage(c.SMFIC_MAIL, b"<a@example.org>\0")
    mta.rcpt("<b@example.net>")
    assert mta.end_of_message() == "discard"
    assert only(server).header.envelope.sasl.login == "j\udcfcrgen"


@pytest.mark.parametrize("milter_library", [MilterLibrary.LIBMILTER], indirect=True)
def test_a_header_that_the_library_cannot_pass_on_is_not_lost_in_silence(server, mta):
    mta.mail("<a@example.org>")
    mta.rcpt("<b@example.net>")
    mta.header(b"X-\xff", " 1")
    mta.end_of_headers()
    assert mta.end_of_message().startswith("451 4.3.0 ")
    assert server.files() == []
    assert mta.message() == "discard"


def test_one_line_in_the_log_tells_of_each_message(server, mta):
    mta.message("<a@example.org>", ("<b@example.net>", "<c@example.net>"), queue_id="4ABC")
    # It is written when the answer is on its way.
    (line,) = wait_for(lambda: [line for line in server.log.splitlines() if "4ABC" in line], "the line")
    for part in ("client=client.example[192.0.2.7]", "from=<a@example.org>", "nrcpt=2", "answer=discard"):
        assert part in line


def test_debug_logs_each_stage(server_dir):
    with MilterServer(server_dir, Debug="yes") as server, Mta(server.socket) as mta:
        mta.connect()
        mta.helo()
        mta.message()
        mta.abort()
        mta.message()
        for word in (
            "connect ",
            "helo ",
            "mail ",
            "rcpt ",
            "header ",
            "end of headers",
            "body ",
            "end of message",
        ):
            assert f": {word}" in server.log


def test_debug_lines_of_two_connections_can_be_told_apart(server_dir):
    options = {"Debug": "yes", "Milter_Max_Children": "1"}
    with MilterServer(server_dir, **options) as server, Mta(server.socket) as one, Mta(server.socket) as two:
        one.connect()
        two.connect()
        one.mail("<a@example.org>", "SIZE=5")
        two.mail("<b@example.org>")
        wait_for(lambda: server.log.count(": mail ") == 2, "both commands")
        found = dict(re.findall(r"connection ([0-9]+): mail (.*)", server.log))
    assert sorted(found.values()) == ["<a@example.org> SIZE=5", "<b@example.org>"]
