import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill.envelope import Client, Envelope, Recipient, Sasl, Tls
from mailmill.findings import Scored
from mailmill.spoolfile import SpoolHeader
from mailmill_workers.engines.rspamd import Rspamd, judge
from mailmill_workers.engines.turns import NoAnswerError
from mailmill_workers.mail import Mail


def answer(**fields):
    return json.dumps(fields).encode()


def test_score_and_symbols_come_out_in_order():
    said = answer(
        action="add header",
        score=7.5,
        required_score=15.0,
        symbols={"B": {"name": "B", "score": 7.0, "options": ["x"]}, "A": {"name": "A", "score": 0.5}},
        **{"message-id": "x@y", "is_skipped": False},
    )
    assert judge(said) == Scored(7.5, (("B", 7.0), ("A", 0.5)))


@pytest.mark.parametrize(
    ("fields", "score"),
    [
        ({"score": 15.0, "required_score": 15.0}, 15.0),
        ({"score": 0.0, "required_score": 12.0}, 12.0),
        ({"required_score": 12.0}, 12.0),
        ({}, 15.0),
        ({"score": 20.0, "required_score": 12.0}, 20.0),
    ],
)
def test_a_rejected_message_never_scores_less_than_the_threshold(fields, score):
    assert judge(answer(action="reject", symbols={"GTUBE": {"score": 0.0}}, **fields)).score == score


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"<html>",
        answer(error="not enough memory"),
        answer(action="no action"),
        answer(action="no action", score="1"),
        answer(action="no action", score=1.0, symbols=[1]),
        b'{"action":"no action","score":1e999}',
        b'{"action":"no action","score":NaN}',
        b'{"action":"reject","score":1.0,"required_score":1e999}',
        b"[" * 100_000,
        b'{"action":"\xff","score":1}',
    ],
)
def test_what_is_not_the_answer_to_a_check_is_no_answer(said):
    with pytest.raises(NoAnswerError):
        judge(said)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.binary(max_size=60)
    | st.dictionaries(
        st.sampled_from(["action", "score", "required_score", "symbols", "x"]),
        JSON | st.sampled_from(["reject", "no action", 3.5]),
    ).map(lambda said: json.dumps(said).encode())
)
def test_any_bytes_give_a_finite_score_or_no_answer(said):
    try:
        scored = judge(said)
    except NoAnswerError:
        return
    assert math.isfinite(scored.score)
    assert all(math.isfinite(points) for _, points in scored.symbols)


def headers_for(envelope, password=""):
    header = SpoolHeader("01KB000000ABCDEFGH-4cXyZ1", "edge1", 0.0, "4cXyZ1", envelope)
    return Rspamd(["http://rspamd"], 1.0, password)._headers(Mail(header, b""))


def test_the_envelope_and_the_client_are_told():
    envelope = Envelope(
        "s@example.org",
        (Recipient("a@example.com"), Recipient("b@example.com")),
        Client("mail.example.org", "2001:db8::1", 4711, "helo.example.org"),
        tls=Tls("TLSv1.3", "TLS_AES_256_GCM_SHA384", 256),
        sasl=Sasl("PLAIN", "joe"),
    )
    assert headers_for(envelope, "secret") == [
        ("Content-Type", "application/octet-stream"),
        ("From", "<s@example.org>"),
        ("IP", "2001:db8::1"),
        ("Helo", "helo.example.org"),
        ("Hostname", "mail.example.org"),
        ("Queue-Id", "4cXyZ1"),
        ("User", "joe"),
        ("TLS-Cipher", "TLS_AES_256_GCM_SHA384"),
        ("TLS-Version", "TLSv1.3"),
        ("Password", "secret"),
        ("Rcpt", "<a@example.com>"),
        ("Rcpt", "<b@example.com>"),
    ]


def test_the_null_sender_is_told_and_empty_facts_are_not():
    headers = headers_for(Envelope("", (), Client("", "", 0, "")))
    assert headers == [
        ("Content-Type", "application/octet-stream"),
        ("From", "<>"),
        ("Queue-Id", "4cXyZ1"),
    ]


def test_a_client_cannot_add_headers():
    client = Client("x", "192.0.2.1", 0, "x\r\nPassword: y\udcff")
    headers = dict(headers_for(Envelope("a\n@b", (Recipient("c\x00@d"),), client)))
    assert headers["Helo"] == "x??Password: y?"
    assert (headers["From"], headers["Rcpt"]) == ("<a?@b>", "<c?@d>")


def test_very_many_recipients_stay_below_what_rspamd_takes():
    recipients = tuple(Recipient(f"recipient{n}@example.org") for n in range(50_000))
    headers = headers_for(Envelope("s@example.org", recipients, Client("x", "192.0.2.1", 0, "x")))
    assert 1000 < len(headers) < 3000
    assert sum(len(name) + len(value) + 4 for name, value in headers) < 80_000
