from __future__ import annotations

import asyncio
import socket

import pytest

from mailmill_milter.builtin.connection import BUFFER, Connection

ARRIVAL = object()


class HangUp:
    """Is told of the socket."""

    def watch(self, connected):
        self.socket = connected


class Conversation:
    """Does what a test says: `script` has the reply to each call of `receive` and what is changed by it."""

    def __init__(self):
        self.number = 7
        self.arrival, self.slow, self.over = None, False, False
        self.script, self.calls, self.closed = [], [], 0

    def then(self, reply=b"", **changes):
        self.script.append((reply, changes))
        return self

    def receive(self, data, *, patient=False):
        self.calls.append(("patient", data) if patient else data)
        return self._next()

    def settle(self, error):
        self.calls.append(("settle", error))
        self.arrival = None
        return self._next()

    def report(self):
        self.calls.append("report")

    def close(self):
        self.closed += 1
        self.arrival = None

    def _next(self):
        reply, changes = self.script.pop(0) if self.script else (b"", {})
        for name, value in changes.items():
            setattr(self, name, value)
        if isinstance(reply, Exception):
            raise reply
        return reply


class Socket:
    def __init__(self, family):
        self.family, self.options, self.error = family, [], None

    def setsockopt(self, _level, option, value):
        if self.error:
            raise self.error
        self.options.append((option, value))


class Transport:
    """Remembers what is done with it, in its order."""

    def __init__(self, family=socket.AF_UNIX):
        self.socket = Socket(family)
        self.done = []

    def get_extra_info(self, name):
        return {"socket": self.socket}[name]

    def write(self, data):
        self.done.append(data)

    def is_closing(self):
        return "close" in self.done or "abort" in self.done

    def __getattr__(self, name):
        return lambda: self.done.append(name)


class Loop:
    """Runs in a thread only what it is told to run."""

    def __init__(self):
        self.work = []

    def run_in_executor(self, executor, call):
        future = Future()
        self.work.append((call, future))
        return future

    def run(self):
        call, future = self.work.pop(0)
        future.end(call)


class Future:
    def __init__(self):
        self._callbacks, self._error, self._result = [], None, None

    def add_done_callback(self, callback):
        self._callbacks.append(callback)

    def end(self, call):
        try:
            self._result = call()
        except Exception as exc:  # noqa: BLE001 - as a future does
            self._error = exc
        for callback in self._callbacks:
            callback(self)

    def exception(self):
        return self._error

    def result(self):
        assert self._error is None
        return self._result


class Commits:
    def __init__(self):
        self.added = []

    def add(self, waiting):
        self.added.append(waiting)


class Made:
    """A connection with all its surroundings."""

    def __init__(self, loop, family=socket.AF_UNIX):
        self.conversation, self.commits, self.loop = Conversation(), Commits(), loop
        self.transport = Transport(family)
        self.connection = Connection(self.conversation, self.commits, bytearray(BUFFER), HangUp())
        self.connection.connection_made(self.transport)

    def reads(self, data):
        buffer = self.connection.get_buffer(-1)
        buffer[: len(data)] = data
        self.connection.buffer_updated(len(data))

    @property
    def done(self):
        return self.transport.done


@pytest.fixture
def make(monkeypatch):
    loop = Loop()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: loop)
    return lambda *family: Made(loop, *family)


@pytest.fixture
def made(make):
    return make()


def test_what_is_read_goes_to_the_conversation_and_its_replies_back(made):
    made.conversation.then(b"one").then(b"").then(b"two")
    for data in (b"first", b"2nd", b"third"):
        made.reads(data)
    assert made.conversation.calls == [b"first", b"2nd", b"third"]
    assert made.done == [b"one", b"two"]


def test_what_was_read_is_not_overwritten_by_another_connection(made):
    made.reads(b"first")
    made.connection.get_buffer(-1)[:5] = b"other"
    assert made.conversation.calls == [b"first"]


def test_a_conversation_that_is_over_is_closed_behind_its_last_reply(made):
    made.conversation.then(b"bye", over=True)
    made.reads(b"quit")
    assert made.done == [b"bye", "close"]


def test_a_message_that_has_arrived_waits_for_its_sync(made):
    made.conversation.then(b"", arrival=ARRIVAL).then(b"discard")
    made.reads(b"message")
    assert made.commits.added == [made.connection]
    assert made.connection.arrival is ARRIVAL
    assert made.done == []
    made.connection.settle(None)
    assert made.conversation.calls[1:] == [("settle", None)]
    assert made.done == [b"discard"]
    assert made.commits.added == [made.connection]


def test_the_replies_before_a_message_are_not_held_back_by_it(made):
    made.conversation.then(b"continue", arrival=ARRIVAL)
    made.reads(b"message")
    assert made.done == [b"continue"]


def test_an_mta_that_does_not_wait_for_its_answer_is_not_read_until_then(made):
    made.conversation.then(b"", arrival=ARRIVAL).then(b"").then(b"discard")
    made.reads(b"message")
    made.reads(b"more")
    assert made.done == ["pause_reading"]
    made.connection.settle(None)
    assert made.done == ["pause_reading", b"discard", "resume_reading"]
    assert made.commits.added == [made.connection]


def test_a_message_behind_another_one_waits_for_a_sync_of_its_own(made):
    made.conversation.then(b"", arrival=ARRIVAL).then(b"").then(b"discard", arrival=ARRIVAL)
    made.reads(b"message")
    made.reads(b"message")
    made.connection.settle(None)
    assert made.commits.added == [made.connection] * 2
    assert made.done == ["pause_reading", b"discard"]
    made.connection.settle(None)
    assert made.done == ["pause_reading", b"discard", "resume_reading"]


def test_an_error_of_the_spool_reaches_the_conversation(made):
    error = OSError("full")
    made.conversation.then(b"", arrival=ARRIVAL).then(b"tempfail")
    made.reads(b"message")
    made.connection.settle(error)
    assert made.conversation.calls[-1] == ("settle", error)
    assert made.done == [b"tempfail"]


def test_garbage_behind_a_message_closes_after_its_answer(made):
    made.conversation.then(b"", arrival=ARRIVAL).then(b"", over=True).then(b"discard")
    made.reads(b"message")
    made.reads(b"garbage")
    assert "close" not in made.done
    made.connection.settle(None)
    assert made.done == ["pause_reading", b"discard", "close"]


def test_the_log_is_told_behind_the_answer(made):
    made.conversation.then(b"", arrival=ARRIVAL).then(b"discard")
    made.reads(b"message")
    made.connection.settle(None)
    made.connection.report()
    assert made.conversation.calls == [b"message", ("settle", None), "report"]


def test_a_connection_that_is_lost_takes_its_message_back(made):
    made.conversation.then(b"", arrival=ARRIVAL)
    made.reads(b"message")
    made.connection.connection_lost(None)
    assert made.conversation.closed == 1
    assert made.connection.arrival is None
    made.connection.settle(None)
    assert made.done == []
    assert made.conversation.closed == 1


def test_what_takes_long_is_done_by_a_thread_while_nothing_is_read(made):
    made.conversation.then(b"one", slow=True).then(b"two", slow=False)
    made.reads(b"slow")
    assert made.done == [b"one", "pause_reading"]
    assert made.conversation.calls == [b"slow"]
    made.loop.run()
    assert made.conversation.calls == [b"slow", ("patient", b""), "report"]
    assert made.done == [b"one", "pause_reading", b"two", "resume_reading"]


def test_a_thread_that_leaves_more_to_do_is_followed_by_another(made):
    made.conversation.then(b"", slow=True).then(b"", slow=True).then(b"", slow=False)
    made.reads(b"slow")
    made.loop.run()
    assert made.done == ["pause_reading"]
    made.loop.run()
    assert made.done == ["pause_reading", "resume_reading"]


def test_a_thread_may_end_the_connection(made):
    made.conversation.then(b"", slow=True).then(b"bye", over=True)
    made.reads(b"slow")
    made.loop.run()
    assert made.done == ["pause_reading", b"bye", "close"]


def test_a_connection_that_is_lost_while_a_thread_works_is_closed_once_and_behind_it(made):
    made.conversation.then(b"", slow=True).then(b"discard", slow=False)
    made.reads(b"slow")
    made.connection.connection_lost(ConnectionResetError())
    assert made.conversation.closed == 0
    made.loop.run()
    assert made.conversation.closed == 1
    assert made.done == ["pause_reading"]


@pytest.mark.parametrize("lost", [False, True])
def test_a_thread_that_fails_ends_the_connection(made, caplog, lost):
    made.conversation.then(b"", slow=True).then(ZeroDivisionError())
    made.reads(b"slow")
    if lost:
        made.connection.connection_lost(None)
    made.loop.run()
    assert "connection 7 failed" in caplog.text
    assert made.done == ["pause_reading"] + ([] if lost else ["abort"])
    assert made.conversation.closed == lost
    if not lost:
        made.connection.connection_lost(None)
        assert made.conversation.closed == 1


def test_a_connection_that_has_waited_for_a_thread_reads_on(made):
    made.conversation.then(b"", slow=True).then(b"", slow=False).then(b"", slow=True).then(b"", slow=False)
    for _ in range(2):
        made.reads(b"slow")
        made.loop.run()
    assert made.done == ["pause_reading", "resume_reading"] * 2


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_over_tcp_what_was_read_is_acknowledged_at_once(make, family):
    made = make(family)
    assert made.transport.socket.options == [(socket.SO_KEEPALIVE, 1)]
    made.reads(b"one")
    made.reads(b"two")
    assert made.transport.socket.options[1:] == [(socket.TCP_QUICKACK, 1)] * 2


def test_a_kernel_that_does_not_acknowledge_at_once_is_no_error(make):
    made = make(socket.AF_INET)
    made.transport.socket.error = OSError("not supported")
    made.conversation.then(b"").then(b"reply")
    made.reads(b"one")
    made.reads(b"two")
    assert made.done == [b"reply"]


@pytest.mark.parametrize("answered", [{"reply": b"reply"}, {"arrival": ARRIVAL}])
def test_an_answer_acknowledges_by_itself(make, answered):
    made = make(socket.AF_INET)
    made.conversation.then(**answered).then()
    made.reads(b"one")
    assert made.transport.socket.options[1:] == []
    made.conversation.arrival = None
    made.connection.settle(None)
    made.reads(b"two")
    assert made.transport.socket.options[1:] == [(socket.TCP_QUICKACK, 1)]


def test_a_unix_socket_has_nothing_to_acknowledge(made):
    made.reads(b"one")
    assert made.transport.socket.options == []


def test_the_longest_piece_of_a_body_is_read_at_once():
    assert BUFFER >= 65535 + 5


def test_an_mta_that_reads_no_answers_is_not_read(made):
    made.connection.pause_writing()
    made.reads(b"one")
    assert made.done == ["pause_reading"]
    made.connection.resume_writing()
    assert made.done == ["pause_reading", "resume_reading"]


def test_an_mta_that_reads_no_answers_is_not_read_behind_a_sync_either(made):
    made.conversation.then(b"", arrival=ARRIVAL).then(b"discard")
    made.reads(b"one")
    made.connection.pause_writing()
    made.connection.settle(None)
    assert made.done == ["pause_reading", b"discard"]
    made.connection.resume_writing()
    assert made.done[-1] == "resume_reading"


def test_a_connection_that_is_being_closed_has_no_message(made):
    made.conversation.then(b"", arrival=ARRIVAL)
    made.reads(b"one")
    assert made.connection.arrival is ARRIVAL
    made.transport.close()
    assert made.connection.arrival is None


def test_without_another_thread_the_connection_ends(made, monkeypatch):
    def refuse(*_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(made.loop, "run_in_executor", refuse)
    made.conversation.then(b"", slow=True)
    made.reads(b"one")
    assert made.done == ["pause_reading", "abort"]
    made.connection.connection_lost(None)
    assert made.conversation.closed == 1


def test_it_is_known_which_socket_the_mta_may_hang_up(make):
    made = make()
    assert made.connection._hang_up.socket is made.transport.socket


def test_the_log_is_told_by_the_thread_that_has_gone_on_behind_an_answer(made):
    made.conversation.then(b"", arrival=ARRIVAL).then(b"discard", slow=True)
    made.reads(b"one")
    made.connection.settle(None)
    made.connection.report()
    assert "report" not in made.conversation.calls
    made.conversation.slow = False
    made.loop.run()
    assert made.conversation.calls[-1] == "report"
