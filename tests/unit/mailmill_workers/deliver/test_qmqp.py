from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery_fakes import MESSAGE, make_delivery, memory_streams
from mailmill.delivery import Delivery
from mailmill.envelope import Recipient
from mailmill_workers.deliver.netstring import encode
from mailmill_workers.deliver.patience import Patience
from mailmill_workers.deliver.qmqp import QmqpClient, address_fault, encode_submission, parse_reply
from mailmill_workers.deliver.replies import RelayError, Reply, Result

ADDRESSES = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), min_size=1, max_size=40)


def decode_fields(data: bytes) -> list[bytes]:
    """A second reader of netstrings, as plain as can be."""
    fields = []
    while data:
        digits, _, rest = data.partition(b":")
        length = int(digits)
        assert rest[length : length + 1] == b","
        fields.append(rest[:length])
        data = rest[length + 1 :]
    return fields


@given(st.binary(max_size=200), ADDRESSES, st.lists(ADDRESSES, min_size=1, max_size=5))
def test_a_submission_holds_message_sender_and_recipients(message: bytes, sender: str, recipients: list[str]):
    (whole,) = decode_fields(encode_submission(message, sender, tuple(recipients)))
    assert decode_fields(whole) == [message, sender.encode(), *(one.encode() for one in recipients)]


def test_bytes_of_an_address_that_are_no_utf_8_leave_as_they_came():
    sender = b"caf\xe9@example.com".decode("utf-8", "surrogateescape")
    assert b"16:caf\xe9@example.com," in encode_submission(b"", sender, ("a@example.org",))


@given(st.binary(max_size=30))
def test_only_k_z_and_d_are_replies(contents: bytes):
    if contents[:1] in {b"K", b"Z", b"D"}:
        assert parse_reply(contents).text.isprintable()
    else:
        with pytest.raises(RelayError):
            parse_reply(contents)


@pytest.mark.parametrize(
    ("sender", "fault"),
    [
        ("", False),
        ("a@example.com", False),
        ("a@[192.0.2.1]", False),
        ("list-@host.example-@[]", True),
        ("list=@host.example-@[]", True),
        ("a\nb@example.com", True),
        ("a\0@example.com", True),
        ("a" * 2037 + "@example.com", True),
        ("a" * 2036 + "@example.com", False),
    ],
)
def test_senders_that_qmqp_can_not_carry_are_named(sender: str, *, fault: bool):
    assert bool(address_fault(sender, sender=True)) is fault


def test_a_relay_that_does_not_know_this_host_does_not_refuse_the_message():
    with pytest.raises(RelayError, match="does not know this host"):
        parse_reply(b"DError: 192.0.2.7 is not authorized to use this service")
    assert parse_reply(b"DNo such user").result is Result.REFUSED


def submit(delivery: Delivery, reply: bytes) -> tuple[tuple[Reply, ...], str, list[bytes]]:
    """Submit to a relay in memory that replies to the first byte."""
    received: list[bytes] = []

    def relay(reader: asyncio.StreamReader, data: bytes) -> None:
        received.append(data)
        if len(received) == 1:
            reader.feed_data(reply)

    async def run() -> tuple[tuple[Reply, ...], str]:
        return await QmqpClient().submit(memory_streams(relay), delivery, MESSAGE, Patience(5, 5))

    replies, reduced = asyncio.run(run())
    return replies, reduced, received


def test_one_reply_counts_for_all_recipients():
    replies, reduced, received = submit(make_delivery("a@example.org", "b@example.org"), encode(b"Kok"))
    assert replies == (Reply(Result.CONFIRMED, "ok"),) * 2
    assert reduced == ""
    assert received == [encode_submission(MESSAGE, "s@example.com", ("a@example.org", "b@example.org"))]


@pytest.mark.parametrize("bad", ["", "x\n@example.org", "x" * 2049])
def test_a_recipient_that_qmqp_can_not_carry_is_refused_and_the_others_are_served(bad: str):
    replies, _, received = submit(make_delivery(bad, "b@example.org"), encode(b"K"))
    assert [reply.result for reply in replies] == [Result.REFUSED, Result.CONFIRMED]
    assert replies[0].status == "5.1.3"
    assert received == [encode_submission(MESSAGE, "s@example.com", ("b@example.org",))]


def test_nothing_is_sent_for_a_sender_that_would_become_verp():
    replies, _, received = submit(
        make_delivery("b@example.org", sender="list-@example.com-@[]"), encode(b"K")
    )
    assert [reply.result for reply in replies] == [Result.REFUSED]
    assert received == []


def test_nothing_is_sent_without_recipients():
    replies, _, received = submit(make_delivery(), encode(b"K"))
    assert replies == ()
    assert received == []


def test_dsn_arguments_are_reported_as_left_out():
    recipient = Recipient("b@example.org", ("NOTIFY=SUCCESS",))
    _, reduced, _ = submit(make_delivery("b@example.org", recipients=(recipient,)), encode(b"K"))
    assert reduced == "DSN"
