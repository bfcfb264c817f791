import pytest

from benchmarks.driver.client import Client, State


@pytest.fixture
def done():
    return []


@pytest.fixture
def client(done):
    return Client(
        "s@x", lambda number: f"r{number}@x", lambda number: b"mail %d" % number, done.append, lambda: 9.0
    )


def greeted(client):
    assert client.receive(b"220 hello\r\n") == b"EHLO client.example.com\r\n"
    assert client.receive(b"250-a\r\n250-PIPELINING\r\n") == b""
    assert client.receive(b"250 SMTPUTF8\r\n") == b""
    assert client.state is State.READY
    return client


def test_each_command_waits_for_its_answer(client, done):
    greeted(client)
    assert client.begin(3, 1.5) == b"MAIL FROM:<s@x> BODY=8BITMIME\r\n"
    assert client.receive(b"250 ok\r\n") == b"RCPT TO:<r3@x>\r\n"
    assert client.receive(b"250 ok\r\n") == b"DATA\r\n"
    assert client.receive(b"354 go on\r\n") == b"mail 3"
    assert done == []
    assert client.receive(b"250 2.0.0 queued as X\r\n") == b""
    [sent] = done
    assert (sent.number, sent.due, sent.answered, sent.code) == (3, 1.5, 9.0, 250)
    assert sent.text == "2.0.0 queued as X"
    assert client.state is State.READY


def test_an_answer_may_come_in_pieces(client):
    assert client.receive(b"220 he") == b""
    assert client.receive(b"llo\r\n") == b"EHLO client.example.com\r\n"


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_a_refusal_ends_the_message_and_the_next_one_can_follow(client, done, steps):
    greeted(client).begin(0, 0)
    for _ in range(steps):
        client.receive(b"250 ok\r\n")
    assert client.receive(b"450 not now\r\n") == b"RSET\r\n"
    assert [sent.code for sent in done] == [450]
    client.receive(b"250 ok\r\n")
    assert client.state is State.READY


def test_a_broken_connection_fails_the_message_in_hand_only(client, done):
    greeted(client).broken()
    assert done == []
    client.begin(0, 0)
    client.broken()
    assert [sent.code for sent in done] == [0]


def test_the_answer_to_quit_asks_for_nothing(client):
    greeted(client).quit()
    assert client.receive(b"221 bye\r\n") == b""
    assert client.state is State.QUIT
