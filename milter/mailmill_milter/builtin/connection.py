"""A connection of an MTA on the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from typing import Final, cast

from mailmill.intake import Arrival
from mailmill_milter.builtin.commits import Commits
from mailmill_milter.builtin.hangup import HangUp
from mailmill_milter.protocol.conversation import Conversation

log = logging.getLogger(__name__)

#: Bytes that are read at once: the longest piece of a body and its head fit in.
BUFFER: Final = 72 * 1024


class Connection(asyncio.BufferedProtocol):
    """Moves bytes between a socket and a conversation, and keeps the event loop free of what takes long."""

    def __init__(
        self, conversation: Conversation, commits: Commits, buffer: bytearray, hang_up: HangUp
    ) -> None:
        """Take what is read into `buffer`, which all connections of the loop may share."""
        self._conversation = conversation
        self._hang_up = hang_up
        self._commits = commits
        self._buffer = memoryview(buffer)
        self._transport: asyncio.Transport | None = None
        self._loop: asyncio.AbstractEventLoop
        #: What must be told over TCP to acknowledge at once.
        self._tcp: socket.socket | None = None
        #: Whether nothing is read.
        self._paused = False
        #: Whether the MTA does not read what it is sent.
        self._choked = False
        #: Whether a message waits for its sync.
        self._committing = False
        #: Whether what was read last was answered.
        self._answered = False
        #: Whether a thread works for the conversation.
        self._busy = False

    @property
    def arrival(self) -> Arrival | None:
        """The message that waits to be durable; none once the connection is being closed."""
        if self._transport is None or self._transport.is_closing():
            return None
        return self._conversation.arrival

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._loop = asyncio.get_running_loop()
        connected: socket.socket = transport.get_extra_info("socket")
        self._hang_up.watch(connected)
        if connected.family != socket.AF_UNIX:
            self._tcp = connected
            # An MTA's host that vanishes is noticed after two hours.
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's name for it
        """Return where to read into."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Take what was read."""
        self._answered = False
        self._take(bytes(self._buffer[:nbytes]))
        if self._tcp is not None and not (self._committing or self._answered):
            self._acknowledge(self._tcp)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        log.debug("connection %d: lost: %s", self._conversation.number, exc)
        self._transport = None
        if not self._busy:
            self._conversation.close()

    def settle(self, error: Exception | None) -> None:
        """Answer the message that has waited."""
        self._committing = False
        if self._transport is not None:
            self._give(self._conversation.settle(error))

    def report(self) -> None:
        """Tell the log of it; where a thread has gone on already, that does it."""
        if not self._busy:
            self._conversation.report()

    def give_up(self) -> None:
        """Close the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def pause_writing(self) -> None:
        """Read nothing more from an MTA that does not read what it is sent."""
        self._choked = True
        self._pause()

    def resume_writing(self) -> None:
        """Go on."""
        self._choked = False
        if not (self._busy or self._committing):
            self._resume()

    def _take(self, data: bytes) -> None:
        reply = self._conversation.receive(data)
        if self._committing:  # the MTA should wait for the answer
            self._pause()
        else:
            self._give(reply)

    def _work(self) -> None:
        """Let a thread do what takes long."""
        self._pause()
        try:
            work = self._loop.run_in_executor(None, lambda: self._conversation.receive(b"", patient=True))
        except RuntimeError:  # the system has no more threads
            log.exception("connection %d", self._conversation.number)
            self.give_up()
            return
        self._busy = True
        work.add_done_callback(self._worked)

    def _worked(self, work: asyncio.Future[bytes]) -> None:
        """Go on behind what a thread has done."""
        self._busy = False
        self._conversation.report()
        error = work.exception()
        if error is not None:
            log.error("connection %d failed", self._conversation.number, exc_info=error)
        if self._transport is None:
            self._conversation.close()
        elif error is not None:
            self._transport.abort()
        else:
            self._give(work.result())

    def _give(self, reply: bytes) -> None:
        """Send a reply, and do what else the conversation asks for."""
        if self._transport is None:
            return
        if reply:
            self._answered = True
            self._transport.write(reply)
        if self._conversation.over:
            self._transport.close()
        elif self._conversation.arrival is not None:
            self._committing = True
            self._commits.add(self)
        elif self._conversation.slow:
            self._work()
        else:
            self._resume()

    def _pause(self) -> None:
        if self._transport is not None and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def _resume(self) -> None:
        if self._transport is not None and self._paused and not self._choked:
            self._paused = False
            self._transport.resume_reading()

    def _acknowledge(self, connected: socket.socket) -> None:
        """Acknowledge at once over TCP, where the MTA would wait for a delayed acknowledgement.

        What an MTA sends between two answers comes in small pieces. Each waits in Nagle's algorithm until the
        one before it is acknowledged, which the kernel puts off for 40 ms because an answer could carry it:
        44 ms for every message but the first on a connection (measured with Postfix 3.7). An answer carries
        it, and behind a complete message nothing else comes.
        """
        with contextlib.suppress(OSError):
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
