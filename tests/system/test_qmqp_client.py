"""The QMQP client against relays that misbehave in every way, and against a real qmqpd."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from delivery_fakes import MESSAGE, make_delivery
from mailmill.delivery import Delivery
from mailmill_local.probes import HOST, free_port, wait_until
from mailmill_local.servers.relay import PostfixRelay
from mailmill_workers.deliver.address import Inet, RelayAddress, Unix
from mailmill_workers.deliver.qmqp import QmqpClient
from mailmill_workers.deliver.relay import RelayPool
from mailmill_workers.deliver.replies import Result, Submission

pytestmark = pytest.mark.system

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

#: With Date and Message-ID, which qmqpd adds when they are missing; lines that could be altered. No lone CR:
#: Postfix replaces it (cleanup_replace_stray_cr_lf).
MAIL = (
    b"X-Mailmill: yes\nFrom: a@example.com\nTo: b@example.org\nSubject:  two spaces\n"
    b"Date: Mon, 01 Jan 2024 00:00:00 +0000\nMessage-ID: <1@example.com>\n"
    b"\n  body\n.\n..dots\n\xff\xfe 8 bit\ntrailing \t \n\n"
)


@contextlib.asynccontextmanager
async def listening(behaviour: Behaviour) -> AsyncIterator[Inet]:
    """A relay on loopback that treats each connection so."""

    handlers: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handler = asyncio.current_task()
        assert handler is not None
        handlers.add(handler)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await behaviour(reader, writer)
                writer.close()
                await writer.wait_closed()
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve, HOST, 0)
    async with server:
        yield Inet(HOST, server.sockets[0].getsockname()[1])
        for handler in handlers:
            handler.cancel()
        await asyncio.gather(*handlers)


async def read_submission(reader: asyncio.StreamReader) -> bytes:
    length = int((await reader.readuntil(b":"))[:-1])
    return await reader.readexactly(length + 1)


def replying(*pieces: bytes) -> Behaviour:
    """Read the whole submission, then send these pieces one by one."""

    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_submission(reader)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        await reader.read()  # until the client closes

    return behaviour


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def closes_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    pass


async def closes_after_submission(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_submission(reader)


def pool(*addresses: RelayAddress, timeout: float = 10.0) -> RelayPool:
    return RelayPool(addresses, QmqpClient(), concurrency=2, timeout=timeout, longest=3 * timeout)


def submit(
    behaviour: Behaviour, delivery: Delivery | None = None, message: bytes = MESSAGE, timeout: float = 10.0
) -> Submission:
    async def run() -> Submission:
        async with listening(behaviour) as address:
            wanted = delivery or make_delivery("a@example.org")
            return await pool(address, timeout=timeout).submit(wanted, message)

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("reply", "result", "text"),
    [
        (b"9:Kok 12 qu,", Result.CONFIRMED, "ok 12 qu"),
        (b"1:K,", Result.CONFIRMED, ""),
        (b"6:Zlater,", Result.DEFERRED, "later"),
        (b"1:Z,", Result.DEFERRED, ""),
        (b"8:Drefused,", Result.REFUSED, "refused"),
        (b"1:D,", Result.REFUSED, ""),
    ],
)
def test_every_reply_of_the_protocol_is_understood(reply: bytes, result: Result, text: str):
    (said,) = submit(replying(reply)).replies
    assert said.result is result
    assert said.text.endswith(text)
    assert not said.unconfirmed


def test_a_reply_in_packets_of_one_byte_is_understood():
    reply = b"15:Kok queued as 1,"
    (said,) = submit(replying(*(reply[i : i + 1] for i in range(len(reply))))).replies
    assert (said.result, said.text) == (Result.CONFIRMED, "ok queued as 1")


@pytest.mark.parametrize(
    "rubbish",
    [b"220 smtp.example.com ESMTP\r\n", b"\0" * 100, b"3:Xok,", b"0:,", b"3:Kok;", b"03:Kok,", b"-1:K,"],
)
def test_rubbish_instead_of_a_reply_is_temporary_and_unconfirmed(rubbish: bytes):
    (said,) = submit(replying(rubbish)).replies
    assert said.result is Result.DEFERRED
    assert said.unconfirmed
    assert said.text.startswith("submitted, unconfirmed")


def test_an_endless_reply_is_not_read_to_its_end():
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_submission(reader)
        writer.write(b"999999999:K")
        while not writer.is_closing():
            writer.write(b"x" * 10_000)
            await writer.drain()

    (said,) = submit(endless).replies
    assert said.result is Result.DEFERRED


def test_a_relay_that_never_answers_is_given_up():
    (said,) = submit(silent, timeout=0.2).replies
    assert said.result is Result.DEFERRED
    assert said.unconfirmed
    assert "does not answer in time" in said.text


def test_a_reply_that_is_cut_short_is_temporary_and_unconfirmed():
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_submission(reader)
        writer.write(b"100:Kok")
        await writer.drain()

    (said,) = submit(cut).replies
    assert said.result is Result.DEFERRED
    assert said.unconfirmed


def test_a_relay_that_closes_after_the_last_byte_leaves_the_result_unknown():
    (said,) = submit(closes_after_submission).replies
    assert said.result is Result.DEFERRED
    assert said.unconfirmed


def test_a_relay_that_closes_before_the_last_byte_has_not_got_the_message():
    message = b"x" * 30_000_000  # more than all the buffers between the two

    async def closes_early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1000)

    (said,) = submit(closes_early, message=message).replies
    assert said.result is Result.DEFERRED
    assert not said.unconfirmed


def test_a_relay_that_does_not_read_is_given_up_before_the_last_byte():
    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(5)

    (said,) = submit(deaf, message=b"x" * 30_000_000, timeout=0.3).replies
    assert said.result is Result.DEFERRED
    assert not said.unconfirmed


def test_a_refusal_that_comes_before_the_message_was_sent_is_heard():
    async def too_big(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"8:Dtoo big,")
        await writer.drain()
        await reader.readexactly(1000)
        await asyncio.sleep(0.2)

    (said,) = submit(too_big, message=b"x" * 30_000_000).replies
    assert (said.result, said.text) == (Result.REFUSED, "too big")


def test_a_confirmation_before_the_message_was_sent_is_not_believed():
    async def hasty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"3:Kok,")
        await writer.drain()
        await asyncio.sleep(5)

    (said,) = submit(hasty, message=b"x" * 30_000_000, timeout=1).replies
    assert said.result is Result.DEFERRED


def test_a_message_without_recipients_is_not_submitted():
    connections = []

    async def counting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(await reader.read())

    assert submit(counting, make_delivery()).replies == ()
    assert connections == []


def test_the_next_address_is_used_when_the_first_is_dead_and_remembered():
    used = []

    async def counting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        used.append(await read_submission(reader))
        writer.write(b"1:K,")
        await writer.drain()

    async def run() -> tuple[Submission, Submission, Inet]:
        with socket.socket() as taken:  # bound and not listening: every connection is refused
            taken.bind((HOST, 0))
            dead = Inet(HOST, taken.getsockname()[1])
            async with listening(counting) as alive:
                relay = pool(dead, alive)
                one = await relay.submit(make_delivery("a@example.org"), MESSAGE)
                return one, await relay.submit(make_delivery("a@example.org"), MESSAGE), alive

    one, two, alive = asyncio.run(run())
    assert one.relay == two.relay == str(alive)
    assert len(used) == 2


def test_an_unknown_result_is_not_tried_again_at_the_next_address():
    used = []

    async def counting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        used.append(1)

    async def run() -> Submission:
        async with listening(closes_after_submission) as first, listening(counting) as second:
            return await pool(first, second).submit(make_delivery("a@example.org"), MESSAGE)

    (said,) = asyncio.run(run()).replies
    assert said.unconfirmed
    assert not used


def test_no_more_connections_than_allowed_are_open_at_once():
    open_now, most = 0, 0

    async def counting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await read_submission(reader)
        await asyncio.sleep(0.02)
        open_now -= 1
        writer.write(b"1:K,")
        await writer.drain()

    async def run() -> list[Submission]:
        async with listening(counting) as address:
            relay = pool(address)
            return await asyncio.gather(
                *(relay.submit(make_delivery("a@example.org"), MESSAGE) for _ in range(8))
            )

    assert all(one.replies[0].result is Result.CONFIRMED for one in asyncio.run(run()))
    assert most == 2


def _deliver(address: RelayAddress, delivery: Delivery, message: bytes = MAIL) -> Submission:
    return asyncio.run(pool(address, timeout=30).submit(delivery, message))


def test_postfix_stores_what_was_sent_byte_for_byte(relay: PostfixRelay):
    delivery = make_delivery("b@example.org", "c@example.org", sender="a@example.com")
    submission = _deliver(Inet(HOST, relay.qmqp_port), delivery)
    assert [reply.result for reply in submission.replies] == [Result.CONFIRMED] * 2
    assert wait_until(lambda: len(relay.mailbox.messages()) == 2, 20)
    stored = relay.mailbox.messages()
    assert {one.recipient for one in stored} == {"b@example.org", "c@example.org"}
    assert {one.sender for one in stored} == {"a@example.com"}
    assert {one.data for one in stored} == {MAIL}


def test_postfix_takes_the_null_sender_over_its_unix_socket(relay: PostfixRelay):
    delivery = make_delivery("b@example.org", sender="")
    submission = _deliver(Unix(str(relay.qmqp_socket)), delivery)
    assert submission.replies[0].result is Result.CONFIRMED
    assert submission.relay == f"unix:{relay.qmqp_socket}"
    assert wait_until(lambda: len(relay.mailbox.messages()) == 1, 20)
    (stored,) = relay.mailbox.messages()
    assert (stored.sender, stored.data) == ("", MAIL)


def test_a_large_message_reaches_postfix_whole(relay: PostfixRelay):
    message = MAIL + b"0123456789abcdef\n" * 300_000
    submission = _deliver(Inet(HOST, relay.qmqp_port), make_delivery("b@example.org"), message)
    assert submission.replies[0].result is Result.CONFIRMED
    assert wait_until(lambda: len(relay.mailbox.messages()) == 1, 30)
    assert relay.mailbox.messages()[0].data == message


def test_the_reason_of_a_refusal_by_postfix_is_kept(require: Callable[..., None], server_dir: Path):
    require(*PostfixRelay.programs, root=True)
    extra = {
        "header_checks": "regexp:{{/^Subject: forbidden/ REJECT 5.7.1 not here}}",
        "message_size_limit": "2000",
    }
    with PostfixRelay(
        server_dir / "relay", qmqp_port=free_port(), smtp_port=free_port(), extra=extra
    ) as server:
        address = Inet(HOST, server.qmqp_port)
        forbidden = MAIL.replace(b"  two spaces", b" forbidden")
        (by_policy,) = _deliver(address, make_delivery("b@example.org"), forbidden).replies
        (by_size,) = _deliver(address, make_delivery("b@example.org"), MAIL + b"x\n" * 2000).replies
    assert by_policy.result is Result.REFUSED
    assert "not here" in by_policy.text
    assert by_size.result is Result.REFUSED
    assert "length" in by_size.text
