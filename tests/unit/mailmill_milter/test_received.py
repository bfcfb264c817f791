from __future__ import annotations

import re
from email import message_from_bytes
from email.policy import default
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mailmill.envelope import Client, Envelope, Recipient, Sasl, Tls
from mailmill_milter.received import received_header

NOW = 1_795_370_504.5
ENVELOPE = Envelope(
    sender="a@example.org",
    recipients=(Recipient("b@example.net"),),
    client=Client(name="client.example", address="192.0.2.7", port=4711, helo="helo.example"),
)


def header(envelope: Envelope = ENVELOPE, **client) -> str:
    envelope = replace(envelope, client=replace(envelope.client, **client))
    return received_header(envelope, hostname="mx.example", queue_id="4ABC", now=NOW).decode()


def test_it_looks_like_the_one_of_postfix():
    start, _, date = header().rpartition("; ")
    assert start == (
        "Received: from helo.example (client.example [192.0.2.7])\n"
        "\tby mx.example (Mailmill) with ESMTP id 4ABC\n"
        "\tfor <b@example.net>"
    )
    assert parsedate_to_datetime(date).timestamp() == int(NOW)


def test_several_recipients_are_not_disclosed():  # B16
    args = ("NOTIFY=SUCCESS",)
    many = replace(
        ENVELOPE, recipients=(Recipient("b@example.net", args), Recipient("bcc@example.net", args))
    )
    text = header(many)
    assert "example.net" not in text
    assert re.search(r" id 4ABC;\n\t\w{3}, ", text)


def test_the_login_name_is_not_disclosed():
    text = header(replace(ENVELOPE, sasl=Sasl(method="PLAIN", login="jim")))
    assert "with ESMTPA id" in text
    assert "jim" not in text


def test_tls_and_certificate_are_named():
    tls = Tls(protocol="TLSv1.3", cipher="TLS_AES_256_GCM_SHA384", bits=256)
    assert (
        "\n\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))"
        "\n\t(No client certificate requested)\n\tby mx.example (Mailmill) with ESMTPS id"
    ) in header(replace(ENVELOPE, tls=tls))
    shown = replace(tls, cert_subject='m") x', cert_issuer="CA")
    assert '\n\t(Client CN "m?? x", Issuer "CA")\n' in header(replace(ENVELOPE, tls=shown))


def test_internationalized_mail_is_named_as_such():
    envelope = replace(ENVELOPE, sender_args=("SMTPUTF8",), recipients=(Recipient("jürgen@example.net"),))
    text = header(envelope)
    assert "with UTF8SMTP id" in text
    assert "for <jürgen@example.net>" in text


@pytest.mark.parametrize(
    "helo", ["x(y[10.0.0.1])", "a\r\nX-Evil: 1", "a) by mx.example (", 'a"b;c', "[192.0.2.9]", "ü\udcff"]
)
def test_a_helo_name_cannot_pretend_to_be_another_part_of_the_header(helo):  # B15
    first = header(helo=helo).partition("\n")[0]
    assert first.endswith(" (client.example [192.0.2.7])")
    assert first.count("(") == first.count(")") == 1


def test_without_helo_the_client_name_stands_there():  # B26
    assert header(helo="").startswith("Received: from client.example (client.example [192.0.2.7])\n\tby ")


def test_an_ipv6_address_is_an_rfc_5321_literal():
    assert "(client.example [IPv6:2001:db8::1])" in header(address="2001:db8::1")


def test_a_local_submission_has_no_from_part():
    assert header(address="", name="localhost").startswith(
        "Received: by mx.example (Mailmill) id 4ABC\n\tfor "
    )


def test_a_recipient_too_long_for_a_line_is_left_out():
    text = header(replace(ENVELOPE, recipients=(Recipient("b" * 2000 + "@example.net"),)))
    assert max(map(len, text.splitlines())) < 998


@given(st.text(), st.text(), st.text(max_size=300), st.text(), st.text())
def test_whatever_the_client_says_it_stays_one_header(helo, name, recipient, subject, sender_argument):
    envelope = replace(
        ENVELOPE,
        client=Client(name=name, address="192.0.2.7", port=1, helo=helo),
        recipients=(Recipient(recipient),),
        sender_args=(sender_argument, "SMTPUTF8"),
        tls=Tls(protocol="TLSv1.3", cipher="C", bits=256, cert_subject=subject),
    )
    data = received_header(envelope, hostname="mx.example", queue_id="4ABC", now=NOW)
    assert b"\r" not in data
    assert all(line.startswith(b"\t") for line in data.splitlines()[1:])
    parsed = message_from_bytes(data + b"\nbody", policy=default.clone(raise_on_defect=False))
    assert parsed.keys() == ["Received"]
