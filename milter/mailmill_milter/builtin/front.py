"""The processes of the built-in milter: a listening socket, and an event loop in each child."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import select
import selectors
import signal
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from mailmill_milter.builtin.commits import Commits
from mailmill_milter.builtin.connection import BUFFER, Connection
from mailmill_milter.builtin.hangup import HangUp
from mailmill_milter.front import BACKLOG, Address, drain
from mailmill_milter.protocol.conversation import Conversation
from mailmill_milter.session import Edge

log = logging.getLogger(__name__)

#: Seconds for which no connection is accepted when the system refuses one: mostly there are too many.
_PAUSE: Final = 0.5
#: Messages of a process that may wait for the DNS, or for a file of their own, at the same time.
_THREADS: Final = 32
#: Bytes of a TCP segment at most. Postfix makes the buffers of a milter connection anew for each message, of
#: several segments' size, and fills them: on loopback 128 kB, page by page. Messages a second over TCP went
#: from 0.93, 0.87 and 0.88 of those over a unix socket (1, 10 and 50 connections) to 1.09, 0.98 and 1.08
#: (Postfix 3.7; with 1, 4 and 16 kB 0.98 to 1.06). Most networks have smaller segments of their own.
_SEGMENT: Final = 8192


class BuiltinFront:
    """Speaks the milter protocol without libmilter."""

    def __init__(self, edge: Callable[[], Edge]) -> None:
        """Serve for the edge that is returned, which may be another one for each message."""
        self._edge = edge
        self._listening: socket.socket | None = None

    def listen(self, address: Address) -> None:
        """Open the listening socket.

        Raises:
            OSError: the system refuses.
        """
        if isinstance(address, str):
            family = socket.AF_UNIX
        else:
            family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        listening = socket.socket(family, socket.SOCK_STREAM)
        try:
            if family != socket.AF_UNIX:
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, _SEGMENT)
            listening.bind(address)
            listening.listen(BACKLOG)
            listening.setblocking(False)  # noqa: FBT003 - takes it by position only
        except BaseException:
            listening.close()
            raise
        self._listening = listening

    def serve(self, stop: int) -> None:
        """Serve in a child until the descriptor `stop` comes to its end."""
        if self._listening is None:
            raise RuntimeError("listen comes first")
        _raise_descriptors()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        listening = self._listening
        with asyncio.Runner(loop_factory=lambda: _loop(listening)) as runner:
            runner.run(_Server(self._edge, listening).run(stop))


class _Selector(selectors.EpollSelector):
    """Wakes one of the processes that wait for a connection, not all (EPOLLEXCLUSIVE).

    With ten processes, accepting and ending a connection took 112 us of processor instead of 190 to 300.
    """

    #: The standard library's name for what it builds on.
    _selector: select.epoll

    def __init__(self, listening: socket.socket) -> None:
        super().__init__()
        self._listening = listening

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Wait for a descriptor."""
        key = super().register(fileobj, events, data)
        if key.fd == self._listening.fileno():
            self._selector.unregister(key.fd)  # the flag cannot be added to what is registered
            self._selector.register(key.fd, select.EPOLLIN | select.EPOLLEXCLUSIVE)
        return key


def _loop(listening: socket.socket) -> asyncio.AbstractEventLoop:
    return asyncio.SelectorEventLoop(_Selector(listening))


def _raise_descriptors() -> None:
    """Let the process have as many connections as the system permits."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class _Server:
    """One process's part of the connections."""

    def __init__(self, edge: Callable[[], Edge], listening: socket.socket) -> None:
        self._edge = edge
        self._listening = listening
        self._loop: asyncio.AbstractEventLoop
        self._commits: Commits
        self._buffer = bytearray(BUFFER)
        #: Connections whose making is under way.
        self._making: set[asyncio.Task[object]] = set()

    async def run(self, stop: int) -> None:
        """Serve until told to stop, and until the messages in hand have ended."""
        self._loop = asyncio.get_running_loop()
        edge = self._edge()
        self._commits = Commits(self._loop, edge.intake, edge.in_hand)
        self._loop.set_default_executor(ThreadPoolExecutor(_THREADS, "slow"))
        edge.gate.count_elsewhere(lambda look: self._loop.run_in_executor(None, look))
        told = asyncio.Event()
        self._loop.add_reader(stop, told.set)
        for number in (signal.SIGTERM, signal.SIGINT):  # for this child only: the others take what comes
            self._loop.add_signal_handler(number, self._stop_accepting, told)
        self._open()
        await told.wait()
        self._loop.remove_reader(stop)
        await self._loop.run_in_executor(ThreadPoolExecutor(1), drain, edge.in_hand)
        # Connections that are idle end with the process; so do threads that wait for the DNS.
        os._exit(0)

    def _stop_accepting(self, told: asyncio.Event) -> None:
        self._loop.remove_reader(self._listening)
        told.set()

    def _open(self) -> None:
        self._loop.add_reader(self._listening, self._accept)

    def _accept(self) -> None:
        """Accept one connection: those that wait are shared with the other processes."""
        try:
            connected, _ = self._listening.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as exc:
            log.error("cannot accept a connection: %s", exc.strerror or exc)  # noqa: TRY400 - the reason is enough
            self._loop.remove_reader(self._listening)
            self._loop.call_later(_PAUSE, self._open)
            return
        connected.setblocking(False)  # noqa: FBT003 - takes it by position only
        task = self._loop.create_task(self._loop.connect_accepted_socket(self._connection, connected))
        self._making.add(task)
        task.add_done_callback(self._making.discard)

    def _connection(self) -> Connection:
        hang_up = HangUp()
        return Connection(Conversation(self._edge, hang_up), self._commits, self._buffer, hang_up)
