"""A man in the middle of QMQP: it passes submissions on to the real qmqpd, or does as bad relays do.

A submission is read whole, so that the proxy knows when the last byte was there, and it notes whose reply
never reached the worker: only these messages may be delivered twice.
"""

from __future__ import annotations

import asyncio
import enum
import random
import socket
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Final

from faults.listener import Listener
from mailmill_local.probes import HOST

#: Seconds between looks at whether the mode has changed, for a client that is kept waiting.
_POLL: Final = 0.1
#: Only these are refused with D: a bounce that is refused too would be another matter.
_REFUSABLE: Final = "@example.com"
#: Seconds that the real qmqpd has for a reply.
_UPSTREAM_SECONDS: Final = 30.0


class Mode(enum.Enum):
    """What the relay does with a submission."""

    PASS = "pass it on"
    DOWN = "refuse connections"
    SILENT = "accept and never answer"
    GARBAGE = "answer garbage"
    CUT_BEFORE = "close before the last byte has gone through"
    CUT_AFTER = "let it through and close instead of replying"
    DEFER = "answer Z"
    REFUSE = "answer D"


_REPLIES: Final = {Mode.DEFER: b"20:Z4.3.0 not this hour,", Mode.REFUSE: b"22:D5.1.1 no such mailbox,"}
#: Bytes of garbage.
_GARBAGE: Final = 200


@dataclass(frozen=True)
class Behaviour:
    """A mode, and for which share of the submissions it holds; the others are passed on."""

    mode: Mode = Mode.PASS
    share: float = 1.0


class RelayProxy(Listener):
    """Listens on a port and passes submissions on to another one, on loopback."""

    def __init__(
        self,
        upstream: int,
        choices: random.Random,
        host: str = HOST,
        inside: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """Pass submissions on to the loopback port `upstream`; `choices` decides which are hit."""
        super().__init__(host, inside)
        self._upstream = upstream
        self._random = choices
        self._behaviour = Behaviour()
        self._lock = threading.Lock()
        self._cut: list[str] = []
        #: Submissions that were not simply passed on.
        self.hits = 0

    def behave(self, behaviour: Behaviour) -> None:
        """Do this from now on."""
        self._behaviour = behaviour
        if behaviour.mode is Mode.DOWN:
            self.shut()
        else:
            self.open()

    def cut(self) -> list[str]:
        """Return the recipients of all confirmed submissions whose reply did not reach the worker."""
        with self._lock:
            return list(self._cut)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one submission."""
        mode = self._mode()
        while self._behaviour.mode is mode is Mode.SILENT:  # noqa: ASYNC110 - the mode is set by a thread
            await asyncio.sleep(_POLL)
        if mode is Mode.SILENT:
            return
        payload = await _read_netstring(reader)
        recipients = _recipients(payload)
        if mode is Mode.REFUSE and not all(name.endswith(_REFUSABLE) for name in recipients):
            mode = Mode.PASS
        if mode is Mode.PASS:
            await self._pass_on(payload, recipients, reader, writer)
        elif mode is Mode.CUT_AFTER:
            self._note(recipients, await self._upstream_reply(payload))
        elif mode is Mode.CUT_BEFORE:
            await self._upstream_reply(payload[:-1], whole=False)
        else:
            writer.write(_REPLIES.get(mode) or self._random.randbytes(_GARBAGE))
            await writer.drain()

    async def _pass_on(
        self,
        payload: bytes,
        recipients: list[str],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        reply = await self._upstream_reply(payload)
        # A client that is killed while it waits has closed its end before the reply comes.
        if reader.at_eof() or writer.is_closing():
            self._note(recipients, reply)
            return
        writer.write(reply)
        if not await _was_read(reader, writer):
            self._note(recipients, reply)

    def _mode(self) -> Mode:
        behaviour = self._behaviour
        if behaviour.mode is Mode.PASS or self._random.random() >= behaviour.share:
            return Mode.PASS
        self.hits += 1
        return behaviour.mode

    def _note(self, recipients: list[str], reply: bytes) -> None:
        if reply.partition(b":")[2].startswith(b"K"):
            with self._lock:
                self._cut += recipients

    async def _upstream_reply(self, payload: bytes, *, whole: bool = True) -> bytes:
        async with asyncio.timeout(_UPSTREAM_SECONDS):
            reader, writer = await asyncio.open_connection(HOST, self._upstream)
            try:
                writer.write(payload)
                await writer.drain()
                return await reader.read() if whole else b""
            finally:
                writer.close()


async def _was_read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Wait until the client closes and return whether it has read our reply.

    The kernel of a client that ends with unread data sends a reset instead of an ordinary end (RFC 1122,
    4.2.2.13), and does so as well when data comes for a client that has gone.
    """
    try:
        await writer.drain()
        async with asyncio.timeout(_UPSTREAM_SECONDS):
            await reader.read()
    except (ConnectionError, TimeoutError):  # without an end, nothing is known: the network may be cut
        return False
    await asyncio.sleep(_POLL)
    end = writer.get_extra_info("socket")
    return not (writer.is_closing() or end.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))


async def _read_netstring(reader: asyncio.StreamReader) -> bytes:
    """Return a whole netstring as it came."""
    length = await reader.readuntil(b":")
    return length + await reader.readexactly(int(length[:-1]) + 1)


def _recipients(payload: bytes) -> list[str]:
    """Return the recipients of a submission: netstrings of message, sender, recipients in a netstring."""
    rest = payload.partition(b":")[2][:-1]
    fields = []
    while rest:
        length, _, rest = rest.partition(b":")
        fields.append(rest[: int(length)])
        rest = rest[int(length) + 1 :]
    return [field.decode("utf-8", "surrogateescape") for field in fields[2:]]
