"""The built-in milter: what libmilter does not take, and one event loop for many connections."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
from collections import Counter

import pytest

from installed_plugins import install
from mailmill.settings.options.choices import MilterLibrary
from mailmill_local.probes import free_port
from mailmill_milter.protocol.packets import LONGEST
from mailmill_milter.session import SPILL
from milter_fakes import ABORT, begun, mail, message, rcpt
from milter_fakes import body as body_of
from milter_mta import Mta
from milter_server import MilterServer, wait_for

pytestmark = pytest.mark.system

CONNECTIONS = 200
ROUNDS = 3


@pytest.fixture
def milter(server_dir):
    """Makes a milter with one child, so that all connections share an event loop."""
    options = {"Milter_Library": MilterLibrary.BUILTIN.value, "Milter_Max_Children": "1"}
    return lambda **more: MilterServer(server_dir, **(options | more))


@pytest.fixture
def server(milter):
    with milter() as running:
        yield running


@pytest.fixture
def mta(server):
    with Mta(server.socket) as connection:
        connection.connect()
        connection.helo()
        yield connection


@contextlib.contextmanager
def raw(server):
    """A connection for bytes."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(30)
        connection.connect(str(server.socket))
        yield connection


def taken(mta, body=b"hello\r\n"):
    """Send a message as far as its end."""
    mta.mail("<a@example.org>")
    mta.rcpt("<b@example.net>")
    mta.header("Subject", " test")
    mta.end_of_headers()
    mta.body(body)


GARBAGE = {
    "SMTP": b"EHLO client.example\r\n",
    "an unknown command": struct.pack("!I", 1) + b"!",
    "an empty packet": bytes(5),
    "too long": struct.pack("!I", LONGEST + 1) + b"B",
    "behind a message that has begun": begun() + message()[:-20] + b"\xff" * 50,
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
def test_garbage_closes_its_connection_and_no_other(server, mta, garbage):
    taken(mta)
    with raw(server) as other:
        other.sendall(garbage)
        while other.recv(1000):
            pass
    assert "the MTA sent" in server.log
    assert mta.end_of_message() == "discard"
    with Mta(server.socket) as another:
        another.connect()
        assert another.message() == "discard"
    assert len(server.messages()) == len(server.files()) == 2


@pytest.mark.parametrize("bind", ["127.0.0.1", "::1"])
def test_segments_over_loopback_are_short_because_postfix_sizes_its_buffers_by_them(milter, bind):
    port = free_port()
    with milter(Milter_Bind=bind, Milter_Port=str(port)), Mta((bind, port)) as mta:
        assert mta.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG) <= 8192
        mta.connect()
        assert mta.message() == "discard"


def test_a_long_header_arrives(server, mta):
    mta.mail("<a@example.org>")
    mta.rcpt("<b@example.net>")
    mta.header("X-Long", b" " + b"0123456789" * 20_000)
    mta.end_of_headers()
    assert mta.end_of_message() == "discard"
    (found,) = server.messages()
    assert found.content.endswith(b"\nX-Long: " + b"0123456789" * 20_000 + b"\n\n")


def test_a_header_whose_name_is_not_utf8_arrives_as_it_is(server, mta):
    mta.mail("<a@example.org>")
    mta.rcpt("<b@example.net>")
    mta.header(b"X-\xff\xfe", b" caf\xe9 \xff")
    mta.end_of_headers()
    assert mta.end_of_message() == "discard"
    (found,) = server.messages()
    assert found.content.endswith(b"\nX-\xff\xfe: caf\xe9 \xff\n\n")


@pytest.mark.parametrize("children", ["1", "2"])
def test_many_connections_at_once_lose_nothing_and_mix_nothing(milter, children):
    sent = Counter()
    with milter(Milter_Max_Children=children) as server, contextlib.ExitStack() as stack:
        mtas = [stack.enter_context(Mta(server.socket)) for _ in range(CONNECTIONS)]
        for mta in mtas:
            mta.connect()
        for turn in range(ROUNDS):
            streams = []
            for number in range(CONNECTIONS):
                sender, body = f"s{turn}x{number}@example.org", b"%d " % number * (number * 10) + b"\r\n"
                if number % 50 == 7:  # these get files of their own
                    body *= SPILL // len(body) + 1
                pieces = [body[at : at + 65_535] for at in range(0, len(body), 65_535)]
                aborted = mail(b"<never@example.org>") + rcpt() + body_of(b"never") + ABORT
                streams.append((aborted if number % 3 else b"") + message(f"<{sender}>".encode(), *pieces))
                sent[sender, body.replace(b"\r\n", b"\n")] += 1
            # Each connection is in the middle of a message while the others go on.
            while any(streams):
                for number, stream in enumerate(streams):
                    cut = max(len(stream) // 3, 40)
                    mtas[number].socket.sendall(stream[:cut])
                    streams[number] = stream[cut:]
            assert [mta.reply() for mta in mtas] == ["discard"] * CONNECTIONS
        found = Counter(
            (file.header.envelope.sender, file.content.partition(b"\n\n")[2]) for file in server.messages()
        )
    assert found == sent
    assert set(found.values()) == {1}


def test_a_lost_connection_takes_its_message_with_it(server, mta):
    for body in (b"x", b"x" * (SPILL + 1)):
        with Mta(server.socket) as lost:
            lost.connect()
            taken(lost, body[:60_000])
            for at in range(60_000, len(body), 60_000):
                lost.body(body[at : at + 60_000])
    assert mta.message() == "discard"
    wait_for(lambda: len(server.files()) == 1, "the end of what was lost")


def test_a_child_that_is_told_to_end_finishes_its_messages(milter):
    with milter(Debug="yes") as server, Mta(server.socket) as mta, Mta(server.socket) as idle:
        (child,) = server.children
        mta.connect()
        idle.connect()
        taken(mta)
        wait_for(lambda: ": body " in server.log, "the body")
        os.kill(child, signal.SIGTERM)

        answers = []
        wait_for(lambda: answers.append(idle.message()) or answers[-1] != "discard", "the stop")
        assert answers[-1] == "451 4.3.0 the mail filter is stopping"
        assert mta.end_of_message() == "discard"
        wait_for(lambda: server.children not in ([], [child]), "a new child")
        with Mta(server.socket) as again:
            again.connect()
            assert again.message() == "discard"
        assert len(server.messages()) == len(server.files()) == len(answers) + 1


def test_a_child_that_is_told_to_end_leaves_new_connections_to_its_successor(milter):
    with milter() as server, Mta(server.socket) as mta:
        (child,) = server.children
        mta.connect()
        mta.mail("<a@example.org>")
        os.kill(child, signal.SIGTERM)

        def is_left_waiting():
            with raw(server) as probe:
                probe.settimeout(1)
                probe.sendall(begun())
                try:
                    probe.recv(1)
                except TimeoutError:
                    return True
                return False

        wait_for(is_left_waiting, "a connection that is not accepted")
        mta.abort()
        with Mta(server.socket) as late:
            assert late.connect() == "continue"
            assert late.message() == "discard"


@pytest.mark.parametrize("size", [10, SPILL + 1])
def test_what_an_mta_has_sent_that_did_not_wait_for_the_answer_is_not_taken(milter, size):
    with milter(Milter_Library="builtin") as server:
        (child,) = server.children
        with Mta(server.socket) as mta:
            mta.connect()
            mta.mail("<a@example.org>")
            mta.rcpt("<b@example.net>")
            for at in range(0, size, 60_000):
                mta.body(b"x" * min(60_000, size - at))
            wait_for(lambda: size < SPILL or server.files(), "its file")
            os.kill(child, signal.SIGSTOP)
            mta.send("E")
        os.kill(child, signal.SIGCONT)
        with Mta(server.socket) as mta:
            mta.connect()
            assert mta.message() == "discard"
        wait_for(lambda: len(server.files()) == 1, "the end of what nobody waits for")
        assert "hung up before its answer" in server.log


#: A plug-in: mail of slow@example.org is unwanted, which is known when there is a file `go`.
PLUGIN = """
import time
from pathlib import Path

def patient(directory):
    def decide(facts):
        if facts.sender != "slow@example.org":
            return False
        (Path(directory) / "asked").touch()
        while not (Path(directory) / "go").exists():
            time.sleep(0.02)
        return True
    return decide
"""


def test_a_slow_blocklist_holds_up_no_other_connection(milter, server_dir, tmp_path, monkeypatch):
    install(monkeypatch, tmp_path, {"mailmill.functions": {"Patient": "patient_plugin:patient"}})
    (tmp_path / "patient_plugin.py").write_text(PLUGIN)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    with (
        milter(Is_Definitely_Spam=f"&Patient({server_dir})") as server,
        Mta(server.socket) as slow,
        Mta(server.socket) as quick,
    ):
        slow.connect()
        quick.connect()
        slow.socket.sendall(message(b"<slow@example.org>"))
        wait_for((server_dir / "asked").exists, "the question")
        assert quick.message("<quick@example.org>") == "discard"
        assert quick.message("<quick@example.org>", body=b"x" * (SPILL + 1)) == "discard"
        (server_dir / "go").touch()
        assert slow.reply() == "554 5.7.1 Message Blocklisted"
        assert slow.message("<other@example.org>") == "discard"
        assert len(server.messages()) == 3


def test_more_connections_than_descriptors_wait_until_others_end(milter, require):
    require("prlimit")
    with milter(prefix=("prlimit", "--nofile=64")) as server:
        with contextlib.ExitStack() as stack:
            for _ in range(80):
                stack.enter_context(raw(server))
            wait_for(lambda: "cannot accept a connection: Too many open files" in server.log, "the limit")
        with Mta(server.socket) as mta:
            mta.connect()
            assert mta.message() == "discard"
