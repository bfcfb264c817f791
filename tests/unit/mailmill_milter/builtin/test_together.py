"""Several connections, their conversations and one intake, with things happening in any order."""

from __future__ import annotations

import errno
import os
import socket
import tempfile
from collections import Counter
from concurrent.futures import Future
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill_milter import session
from mailmill_milter.builtin.commits import Commits
from mailmill_milter.builtin.connection import BUFFER, Connection
from mailmill_milter.protocol.conversation import Conversation
from milter_fakes import begun, edge_below, leftovers, message, replies, stored

CLIENTS = 4
MESSAGES = 3
#: A message gets a file of its own from here on.
LIMIT = 200


class Loop:
    """An event loop whose timers and threads get their turn when a test says so."""

    def __init__(self):
        self.timers, self.work = [], []

    def call_later(self, _delay, call):
        handle = mock.Mock(call=call, cancel=lambda: self.timers.remove(handle))
        self.timers.append(handle)
        return handle

    def run_in_executor(self, _executor, call):
        future = Future()
        self.work.append((call, future))
        return future

    def turn(self):
        for handle in list(self.timers):
            if handle in self.timers:
                self.timers.remove(handle)
                handle.call()

    def let_work(self):
        if self.work:
            call, future = self.work.pop(0)
            future.set_result(call())


class Client:
    """An MTA, its socket, and our side of it."""

    def __init__(self, system, number, body, *, waits):
        self.senders = [f"{number}.{each}@example.org" for each in range(MESSAGES)]
        self._messages = [message(f"<{sender}>".encode(), body) for sender in self.senders]
        self._unsent = begun()
        #: Whether it waits for an answer before it sends the next message.
        self._waits = waits
        self._said = b""
        self._paused = self._closing = self.gone = self.lost = False
        self._connection = Connection(
            Conversation(lambda: system.edge, self), system.commits, system.buffer, self
        )
        self._connection.connection_made(self)

    # What the connection asks of its transport, and of the socket.

    def get_extra_info(self, _name):
        return mock.Mock(family=socket.AF_UNIX)

    def write(self, data):
        self._said += data

    def close(self):
        self._closing = True

    abort = close

    def is_closing(self):
        return self._closing

    def pause_reading(self):
        self._paused = True

    def resume_reading(self):
        self._paused = False

    def watch(self, _connected):
        pass

    def __call__(self):
        return self.gone

    # What happens.

    @property
    def answers(self):
        return [each for each in replies(self._said)[2:] if each != "continue"]

    def send(self, size):
        """Send so many bytes, as far as somebody reads; return whether that were any."""
        if self._messages and not (self._waits and self._unsent):
            answered = len(self.answers) == MESSAGES - len(self._messages)
            if answered or not self._waits:
                self._unsent += self._messages.pop(0)
        if self._paused or self._closing or self.gone or not self._unsent:
            return False
        data, self._unsent = self._unsent[:size], self._unsent[size:]
        self._connection.get_buffer(-1)[: len(data)] = data
        self._connection.buffer_updated(len(data))
        return True

    def hang_up(self, _size):
        self.gone = True

    def lose(self, _size):
        """Notice that the connection is no more."""
        self.gone = True
        if not self.lost:
            self.lost = self._closing = True
            self._connection.connection_lost(None)


class System:
    """A process of the milter, with clients."""

    def __init__(self, root, bodies, events):
        self.edge = edge_below(root)
        self.loop = Loop()
        self.commits = Commits(self.loop, self.edge.intake, self.edge.in_hand)
        self.buffer = bytearray(BUFFER)
        self._fails = False
        with (
            mock.patch("asyncio.get_running_loop", return_value=self.loop),
            mock.patch.object(os, "fsync"),
            mock.patch.object(os, "fdatasync", self._sync),
        ):
            self.clients = [
                Client(self, number, body, waits=number % 2 == 0) for number, body in enumerate(bodies)
            ]
            for name, number, size in events:
                self._happen(name, self.clients[number], size)
            self._fails = False
            self._come_to_rest()
            self.kept = [client for client in self.clients if not client.gone]
            self.in_hand_of_kept = self.edge.in_hand.count if len(self.kept) == CLIENTS else 0
            for client in self.clients:
                client.lose(0)
            self._come_to_rest()
        self.edge.intake.close()

    def _sync(self, _fd):
        if self._fails:
            self._fails = False
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def _happen(self, name, client, size):
        if name == "turn":
            self.loop.turn()
        elif name == "work":
            self.loop.let_work()
        elif name == "fail":
            self._fails = True
        else:
            getattr(client, name)(size)

    def _come_to_rest(self):
        busy = True
        while busy:
            busy = bool(self.loop.timers or self.loop.work)
            for client in self.clients:
                busy |= client.send(BUFFER)
            self.loop.turn()
            self.loop.let_work()


@pytest.fixture(autouse=True, scope="module")
def _small():
    with mock.patch.object(session, "SPILL", LIMIT):
        yield


NAMES = st.sampled_from(["send"] * 16 + ["turn"] * 2 + ["work"] * 3 + ["fail", "hang_up", "lose"])
SIZES = st.sampled_from([7, 90, 400, BUFFER])
EVENTS = st.lists(st.tuples(NAMES, st.integers(0, CLIENTS - 1), SIZES), min_size=10, max_size=60)
BODIES = st.lists(st.sampled_from([b"x\r\n", b"x" * LIMIT]), min_size=CLIENTS, max_size=CLIENTS)


@given(BODIES, EVENTS)
def test_every_client_that_stays_is_answered_and_the_spool_has_what_was_acknowledged(bodies, events):
    with tempfile.TemporaryDirectory() as directory:
        system = System(Path(directory), bodies, events)
        found = Counter(file.header.envelope.sender for file in stored(Path(directory)))
        assert len(leftovers(Path(directory))) == found.total()
    assert system.edge.in_hand.count == system.in_hand_of_kept == 0
    for client in system.kept:
        assert len(client.answers) == MESSAGES
    for client in system.clients:
        for sender, answer in zip(client.senders, client.answers, strict=False):
            assert found.pop(sender, 0) == (answer == "discard")
        # Of what was not answered any more, one message at most is there, and once.
        assert sum(found.pop(sender, 0) for sender in client.senders) <= 1
    assert not found
