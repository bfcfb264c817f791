from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery_fakes import MESSAGE, make_delivery, memory_streams
from mailmill.delivery import Delivery
from mailmill.envelope import Recipient
from mailmill_workers.deliver.patience import Patience
from mailmill_workers.deliver.replies import RelayError, Reply
from mailmill_workers.deliver.smtp import SmtpClient, encode_data

EVERYTHING = b"250-relay\r\n250-SIZE 1000\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 DSN\r\n"


class Server:
    """An SMTP server in memory: replies by the beginning of a command, `250 ok` otherwise."""

    def __init__(self, **replies: bytes) -> None:
        self.replies = {
            "EHLO": EVERYTHING,
            "DATA": b"354 go\r\n",
            "QUIT": b"",
            "HELLO": b"220 hi\r\n",
        } | replies
        self.commands: list[str] = []
        self.data = b""
        self._in_data = False

    def __call__(self, reader: asyncio.StreamReader, received: bytes) -> None:
        if self._in_data:
            self.data += received
            if self.data.endswith(b"\r\n.\r\n"):
                self._in_data = False
                self._reply(reader, self.replies.get("END", b"250 2.0.0 queued\r\n"))
            return
        command = received.decode("utf-8", "surrogateescape")
        assert command.endswith("\r\n")
        assert command.count("\r\n") == 1
        self.commands.append(command[:-2])
        reply = self.replies.get(command[:-2]) or self.replies.get(command[:4].strip(), b"250 ok\r\n")
        self._in_data = command == "DATA\r\n" and reply.startswith(b"354")
        self._reply(reader, reply)

    def _reply(self, reader: asyncio.StreamReader, reply: bytes) -> None:
        if reply == b"CLOSE":
            reader.feed_eof()
        else:
            reader.feed_data(reply)

    def submit(self, delivery: Delivery, message: bytes = MESSAGE) -> tuple[tuple[Reply, ...], str]:
        async def run() -> tuple[tuple[Reply, ...], str]:
            streams = memory_streams(self)
            self._reply(streams[0], self.replies["HELLO"])
            return await SmtpClient("mill.example.net").submit(streams, delivery, message, Patience(5, 5))

        return asyncio.run(run())


def results(replies: tuple[Reply, ...]) -> list[str]:
    return [reply.result.name for reply in replies]


def decode_data(wire: bytes) -> bytes:
    """What a server makes of it: dots undone, LF line ends."""
    assert wire.endswith(b"\r\n.\r\n") or wire == b".\r\n"
    lines = wire[:-3].split(b"\r\n")
    return b"\n".join(line[1:] if line.startswith(b".") else line for line in lines)


@given(
    st.lists(st.sampled_from([b".", b"\n", b"\r", b"a", b"\xff", b"..", b"\n.\n"]), max_size=20).map(b"".join)
)
def test_data_is_read_back_as_it_was(message: bytes):
    wire = encode_data(message)
    whole = message if not message or message.endswith(b"\n") else message + b"\n"
    assert decode_data(wire) == whole
    assert b"\r\n.\r\n" not in wire[:-5]


def test_a_lone_carriage_return_stays_alone():
    assert encode_data(b"a\rb\n") == b"a\rb\r\n.\r\n"


def test_one_dialogue_says_each_thing_once():
    server = Server()
    replies, reduced = server.submit(make_delivery("a@example.org", "b@example.org"))
    assert results(replies) == ["CONFIRMED", "CONFIRMED"]
    assert replies[0].text == "250 2.0.0 queued"
    assert reduced == ""
    assert server.commands == [
        "EHLO mill.example.net",
        f"MAIL FROM:<s@example.com> SIZE={len(MESSAGE) + MESSAGE.count(10)}",
        "RCPT TO:<a@example.org>",
        "RCPT TO:<b@example.org>",
        "DATA",
        "QUIT",
    ]
    assert decode_data(server.data) == MESSAGE


def test_an_old_server_gets_helo_and_no_arguments():
    server = Server(EHLO=b"502 what\r\n")
    delivery = make_delivery("a@example.org", sender_args=("RET=FULL", "SMTPUTF8"))
    replies, reduced = server.submit(delivery, b"\xff\n")
    assert results(replies) == ["CONFIRMED"]
    assert server.commands[1:4] == [
        "HELO mill.example.net",
        "MAIL FROM:<s@example.com>",
        "RCPT TO:<a@example.org>",
    ]
    assert reduced == "8BITMIME, SMTPUTF8, DSN"


def test_dsn_arguments_go_to_the_recipient_that_they_belong_to():
    delivery = make_delivery(
        "a@example.org",
        "b@example.org",
        recipients=(
            Recipient("a@example.org", ("NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;a+40example.org")),
            Recipient("b@example.org", ("NOTIFY=NEVER",)),
            Recipient("c@example.org"),
        ),
        sender_args=("RET=HDRS", "ENVID=x+2By", "AUTH=<>", "SIZE=7"),
    )
    server = Server()
    _, reduced = server.submit(delivery)
    assert server.commands[1].endswith(" RET=HDRS ENVID=x+2By")
    assert "AUTH" not in server.commands[1]
    assert "SIZE=7" not in server.commands[1]
    assert server.commands[2:5] == [
        "RCPT TO:<a@example.org> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;a+40example.org",
        "RCPT TO:<b@example.org> NOTIFY=NEVER",
        "RCPT TO:<c@example.org>",
    ]
    assert reduced == ""


def test_eight_bit_mail_and_addresses_are_announced():
    server = Server()
    server.submit(make_delivery("jürgen@example.org"), "ü\n".encode())
    assert server.commands[1] == "MAIL FROM:<s@example.com> SIZE=4 BODY=8BITMIME SMTPUTF8"
    assert server.commands[2] == "RCPT TO:<jürgen@example.org>"


def test_requiretls_is_reported_as_left_out():
    assert Server().submit(make_delivery("a@example.org", sender_args=("REQUIRETLS",)))[1] == "REQUIRETLS"


def test_each_recipient_gets_its_own_answer():
    addresses = ("good@example.org", "later@example.org", "never@example.org", "moved@example.org")
    server = Server(
        **{
            "RCPT TO:<later@example.org>": b"450 4.2.0 greylisted\r\n",
            "RCPT TO:<never@example.org>": b"550-5.1.1 no\r\n550 5.1.1 such user\r\n",
            "RCPT TO:<moved@example.org>": b"251 will forward\r\n",
        }
    )
    replies, _ = server.submit(make_delivery(*addresses))
    assert results(replies) == ["CONFIRMED", "DEFERRED", "REFUSED", "CONFIRMED"]
    assert replies[2].text == "550 5.1.1 no 5.1.1 such user"
    assert server.data


def test_data_is_not_sent_when_no_recipient_was_accepted():
    server = Server(RCPT=b"550 5.1.1 no\r\n")
    replies, _ = server.submit(make_delivery("a@example.org", "b@example.org"))
    assert results(replies) == ["REFUSED", "REFUSED"]
    assert "DATA" not in server.commands
    assert server.commands[-1] == "QUIT"


def test_a_refused_sender_is_refused_for_all_recipients():
    server = Server(MAIL=b"553 5.1.8 bad sender\r\n")
    replies, _ = server.submit(make_delivery("a@example.org", "b@example.org"))
    assert results(replies) == ["REFUSED", "REFUSED"]
    assert server.commands[-2:] == [server.commands[1], "QUIT"]


@pytest.mark.parametrize(
    ("step", "reply", "result"),
    [
        ("DATA", b"451 4.3.0 not now\r\n", "DEFERRED"),
        ("DATA", b"554 5.5.1 no\r\n", "REFUSED"),
        ("DATA", b"250 what\r\n", "DEFERRED"),
        ("END", b"452 4.3.1 disk full\r\n", "DEFERRED"),
        ("END", b"554 5.6.0 no\r\n", "REFUSED"),
        ("END", b"354 again\r\n", "DEFERRED"),
    ],
)
def test_the_answer_to_the_message_counts_for_those_recipients_that_were_accepted(
    step: str, reply: bytes, result: str
):
    server = Server(**{step: reply, "RCPT TO:<b@example.org>": b"550 no\r\n"})
    replies, _ = server.submit(make_delivery("a@example.org", "b@example.org"))
    assert results(replies) == [result, "REFUSED"]


@pytest.mark.parametrize("fault", [b"421 closing\r\n", b"hello\r\n", b"CLOSE"])
@pytest.mark.parametrize("step", ["HELLO", "EHLO", "MAIL", "RCPT"])
def test_a_server_that_fails_before_the_message_has_not_got_it(step: str, fault: bytes):
    with pytest.raises(RelayError) as caught:
        Server(**{step: fault}).submit(make_delivery("a@example.org"))
    assert not caught.value.unconfirmed


@pytest.mark.parametrize("fault", [b"hello\r\n", b"CLOSE"])
def test_a_server_that_fails_after_the_message_leaves_the_result_unknown(fault: bytes):
    with pytest.raises(RelayError) as caught:
        Server(END=fault).submit(make_delivery("a@example.org"))
    assert caught.value.unconfirmed


def test_a_greeting_of_5xx_is_no_word_about_the_message():
    with pytest.raises(RelayError):
        Server(HELLO=b"554 go away\r\n").submit(make_delivery("a@example.org"))


@pytest.mark.parametrize("address", ["x\r\nRCPT TO:<evil@example.org>", "x\0", ""])
def test_an_address_can_not_smuggle_commands(address: str):
    server = Server()
    replies, _ = server.submit(make_delivery(address, "b@example.org"))
    assert results(replies) == ["REFUSED", "CONFIRMED"]
    assert [command for command in server.commands if command.startswith("RCPT")] == [
        "RCPT TO:<b@example.org>"
    ]


def test_an_argument_can_not_smuggle_another():
    recipient = Recipient("a@example.org", ("NOTIFY=NEVER ORCPT=x", "ORCPT=rfc822;y\r\nDATA"))
    server = Server()
    server.submit(make_delivery("a@example.org", recipients=(recipient,)))
    assert "RCPT TO:<a@example.org>" in server.commands


def test_the_client_waits_no_longer_than_it_may():
    def mute(reader: asyncio.StreamReader, data: bytes) -> None:
        pass

    async def run() -> None:
        client: Callable[..., object] = SmtpClient("x").submit
        await client(memory_streams(mute), make_delivery("a@example.org"), MESSAGE, Patience(0.01, 5))  # type: ignore[misc]

    with pytest.raises(RelayError, match="in time"):
        asyncio.run(run())
