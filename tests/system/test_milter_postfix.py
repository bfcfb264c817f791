"""The milter behind a real Postfix: what a client sends is what stands in the spool."""

from __future__ import annotations

import contextlib
import smtplib
import ssl
import subprocess

import pytest

from mailmill_local.probes import free_port
from mailmill_local.servers.edge import PostfixEdge
from mailmill_milter.session import SPILL
from milter_server import MilterServer

pytestmark = [pytest.mark.system, pytest.mark.usefixtures("milter_library")]

#: Bytes that a careless filter changes: spaces, folding, 8-bit text, carriage returns, dots.
AWKWARD = (
    b"Subject:no space\r\n"
    b"X-Two:  two spaces and one behind \r\n"
    b"X-Folded: a\r\n\tb\r\n   c\r\n"
    b"X-Eight: caf\xe9 \xff\r\n"
    b"X-Empty:\r\n"
    b"Message-ID: <1@example.org>\r\n"
    b"Date: Sun, 22 Nov 2026 18:00:00 +0000\r\n"
    b"From: a@example.org\r\n"
    b"\r\n"
    b"one \r\n"
    b"\r\n"
    b"..two dots\r\n"
    b"\xe9\xff\r\n"
    b"last\r\n"
    b"\r\n"
)


class TlsEdge(PostfixEdge):
    """An edge with the service that smtpd needs for TLS."""

    def services(self):
        return super().services() + "tlsmgr unix - - n 1000 1 tlsmgr\n"


class Edge:
    def __init__(self, milter, postfix, cert, key):
        self.milter, self.postfix = milter, postfix
        #: A certificate that it trusts, also of a client.
        self.cert, self.key = cert, key

    @contextlib.contextmanager
    def client(self):
        with smtplib.SMTP("127.0.0.1", self.postfix.port, "helo.example", timeout=60) as client:
            yield client

    def only(self):
        (message,) = self.milter.messages()
        return message


@pytest.fixture(scope="module")
def running(servers_dir, require, milter_library):
    server_dir = servers_dir / f"milter-postfix-{milter_library.value}"
    server_dir.mkdir(mode=0o711)
    require(*PostfixEdge.programs, "openssl", root=True)
    options = {"Milter_Ignore_Loopback": "no", "Run_As_User": "postfix"}
    rules = server_dir / "spam.rules"
    rules.write_text("From: bad@example.org yes\nFromOrTo: default no\n")
    key, cert = server_dir / "key.pem", server_dir / "cert.pem"
    subprocess.run(
        f"openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=e.example -keyout {key} -out {cert}".split(),
        check=True,
        capture_output=True,
    )
    extra = {
        "smtpd_tls_security_level": "may",
        "smtpd_tls_cert_file": str(cert),
        "smtpd_tls_key_file": str(key),
        "smtpd_tls_ask_ccert": "yes",
        "smtpd_tls_CAfile": str(cert),
        "mynetworks": "127.0.0.0/8, 192.0.2.0/24",
    }
    directory = server_dir / "postfix"
    with (
        MilterServer(server_dir, Is_Definitely_Spam=str(rules), **options) as milter,
        # The next hop is nobody: what the milter let pass would stay in the queue.
        TlsEdge(
            directory, port=free_port(), milter=milter.socket, next_hop=free_port(), extra=extra
        ) as postfix,
    ):
        yield Edge(milter, postfix, cert, key)


@pytest.fixture
def edge(running):
    """A milter and a Postfix with an empty spool."""
    running.milter.clear()
    return running


def test_every_byte_of_headers_and_body_arrives(edge):
    with edge.client() as client:
        client.sendmail("a@example.org", ["b@example.com"], AWKWARD)
    received, _, rest = edge.only().content.partition(b"\nSubject:")
    assert received.startswith(b"Received: from helo.example (")
    assert b"Subject:" + rest == AWKWARD.replace(b"\r\n", b"\n")


def test_each_transaction_of_a_session_is_a_message_of_its_own(edge):  # B12, B13
    with edge.client() as client:
        client.mail("first@example.org")
        client.rcpt("x@example.com")
        client.rset()
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.sendmail("bad@example.org", ["x@example.com"], AWKWARD)
        assert (refused.value.smtp_code, refused.value.smtp_error[:5]) == (554, b"5.7.1")
        for number in range(3):
            client.sendmail(f"s{number}@example.org", [f"r{number}@example.com"], AWKWARD)
    found = [
        (m.header.envelope.sender, [r.address for r in m.header.envelope.recipients])
        for m in edge.milter.messages()
    ]
    assert sorted(found) == [(f"s{n}@example.org", [f"r{n}@example.com"]) for n in range(3)]
    assert len({m.header.queue_id for m in edge.milter.messages()}) == 3


def test_only_recipients_that_postfix_accepted_are_in_the_envelope(edge):
    with edge.client() as client:
        refused = client.sendmail("a@example.org", ["unknown@example.com", "b@example.com"], AWKWARD)
    assert list(refused) == ["unknown@example.com"]
    assert [r.address for r in edge.only().header.envelope.recipients] == ["b@example.com"]


def test_esmtp_arguments_and_the_null_sender_arrive(edge):
    with edge.client() as client:
        options = ["RET=HDRS", "ENVID=x+3Dy"]
        client.sendmail(
            "", ["b@example.com"], AWKWARD, options, ["NOTIFY=SUCCESS", "ORCPT=rfc822;c@example.com"]
        )
    envelope = edge.only().header.envelope
    assert envelope.sender == ""
    assert {"RET=HDRS", "ENVID=x+3Dy"} <= set(envelope.sender_args)
    assert envelope.recipients[0].args == ("NOTIFY=SUCCESS", "ORCPT=rfc822;c@example.com")


def test_tls_after_a_second_ehlo_is_known(edge):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with edge.client() as client:
        client.ehlo("before.example")
        client.starttls(context=context)
        client.ehlo("after.example")
        client.sendmail("a@example.org", ["b@example.com"], AWKWARD)
    envelope = edge.only().header.envelope
    assert envelope.client.helo == "after.example"
    assert envelope.tls.protocol == "TLSv1.3"
    assert envelope.tls.bits >= 128
    assert b"with ESMTPS id " in edge.only().content


def test_the_certificate_of_a_client_is_known(edge):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(edge.cert, edge.key)
    with edge.client() as client:
        client.starttls(context=context)
        client.sendmail("a@example.org", ["b@example.com"], AWKWARD)
    assert edge.only().header.envelope.tls.cert_subject == "e.example"
    assert b'(Client CN "e.example"' in edge.only().content


def test_the_login_of_a_client_is_known_and_does_not_stand_in_the_message(edge):
    with edge.client() as client:
        client.ehlo()
        # Postfix then behaves as after AUTH.
        assert client.docmd("XCLIENT", "LOGIN=anna.login")[0] == 220
        client.sendmail("a@example.org", ["b@example.com"], AWKWARD)
    found = edge.only()
    assert found.header.envelope.sasl.login == "anna.login"
    assert found.header.envelope.sasl.method == "XCLIENT"
    assert b"with ESMTPA id " in found.content
    assert b"anna.login" not in found.content


def test_client_facts_are_those_that_postfix_has(edge):  # B15
    with edge.client() as client:
        client.ehlo("x(y[10.0.0.1])")
        assert client.docmd("XCLIENT", "NAME=far.example ADDR=192.0.2.44 PORT=4711")[0] == 220
        client.ehlo("x(y[10.0.0.1])")
        client.sendmail("a@example.org", ["b@example.com"], AWKWARD)
    found = edge.only().header.envelope.client
    assert (found.name, found.address, found.port) == ("far.example", "192.0.2.44", 4711)
    assert edge.only().content.startswith(b"Received: from x?y[10.0.0.1]? (far.example [192.0.2.44])\n")


def test_a_large_message_arrives_whole(edge):
    body = b"".join(b"%07d\r\n" % number for number in range(700_000))
    with edge.client() as client:
        client.sendmail("a@example.org", ["b@example.com"], b"Subject: x\r\n\r\n" + body)
    assert edge.only().content.endswith(b"\n\n" + body.replace(b"\r\n", b"\n"))


def test_a_message_without_headers_and_one_without_a_body_arrive(edge):  # B26
    with edge.client() as client:
        client.sendmail("a@example.org", ["b@example.com"], b"\r\nonly a body\r\n")
        client.sendmail("a@example.org", ["b@example.com"], b"Subject: only a header\r\n\r\n")
    contents = [message.content for message in edge.milter.messages()]
    assert any(content.endswith(b"\n\nonly a body\n") for content in contents)
    assert any(content.endswith(b"\nSubject: only a header\n\n") for content in contents)


def test_a_spool_that_cannot_be_written_is_the_senders_delay(edge):  # B1
    directory = edge.milter.spool.root / "incoming"
    directory.chmod(0o500)
    large = AWKWARD + (b"x" * 70 + b"\r\n") * (SPILL // 70)
    with edge.client() as client, pytest.raises(smtplib.SMTPDataError) as refused:
        client.sendmail("a@example.org", ["b@example.com"], large)
    assert refused.value.smtp_code == 451
    assert refused.value.smtp_error == b"4.3.0 mail spool: Permission denied"
    directory.chmod(0o700)
    with edge.client() as client:
        client.sendmail("a@example.org", ["b@example.com"], large)
    assert len(edge.milter.files()) == 1


def test_without_a_milter_mail_is_delayed_and_not_passed(edge):
    edge.milter.stop()
    with edge.client() as client, pytest.raises(smtplib.SMTPSenderRefused) as refused:
        client.sendmail("a@example.org", ["b@example.com"], AWKWARD)
    assert refused.value.smtp_code == 451
    edge.milter.start()
