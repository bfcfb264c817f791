"""QMQP: one netstring with message, sender and recipients out, one netstring with K, Z or D back.

Source: D. J. Bernstein, Quick Mail Queueing Protocol, 1998; Postfix, src/qmqpd/qmqpd.c. There is one reply
for all recipients, and one message per connection. Everything but a whole reply that begins with K, Z or D
is a reason to try again later (R12).
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import Final

from mailmill.delivery import Delivery
from mailmill_workers.deliver import netstring
from mailmill_workers.deliver.address import Streams
from mailmill_workers.deliver.patience import Patience
from mailmill_workers.deliver.replies import RelayError, Reply, Result, printable

#: Bytes in the longest reply that is read; qmail's and Postfix's stay below 1000.
REPLY_LIMIT: Final = 4096
#: Bytes in the longest address (Postfix: line_length_limit, 2048).
ADDRESS_LIMIT: Final = 2048
#: Bytes that are handed over before the relay must have taken them: one step of `Delivery Timeout`.
CHUNK: Final = 65_536

_RESULTS: Final = {b"K": Result.CONFIRMED, b"Z": Result.DEFERRED, b"D": Result.REFUSED}
_FORBIDDEN: Final = re.compile(rb"[\x00\r\n]")


def address_bytes(address: str) -> bytes:
    """Return an address as it came over the wire."""
    return address.encode("utf-8", "surrogateescape")


def address_fault(address: str, *, sender: bool) -> str:
    """Return why QMQP cannot carry an address, or an empty text.

    Postfix takes a sender that ends in `-@[]` as a request for variable envelope return paths (R13).
    """
    data = address_bytes(address)
    if len(data) > ADDRESS_LIMIT:
        return f"5.1.{7 if sender else 3} address of {len(data)} bytes, {ADDRESS_LIMIT} are allowed"
    if _FORBIDDEN.search(data):
        return f"5.1.{7 if sender else 3} address with a line end or NUL"
    if sender and data.endswith(b"-@[]"):
        return "5.1.7 sender address that would ask for VERP"
    if not sender and not data:
        return "5.1.3 empty recipient address"
    return ""


def encode_submission(message: bytes, sender: str, recipients: tuple[str, ...]) -> bytes:
    """Return the bytes of one submission; `message` has LF line ends."""
    fields = [message, address_bytes(sender), *map(address_bytes, recipients)]
    return netstring.encode(b"".join(map(netstring.encode, fields)))


#: What Postfix's qmqpd says with D to a host that is not in `qmqpd_authorized_clients` (src/qmqpd/qmqpd.c).
_NOT_AUTHORIZED: Final = re.compile(r"is not authorized to use this service")


def parse_reply(contents: bytes) -> Reply:
    """Return the reply in the contents of its netstring; a text after the letter is not required.

    Raises:
        RelayError: it begins with another letter, is empty, or is about this host instead of the message.
    """
    result = _RESULTS.get(contents[:1])
    if result is None:
        raise RelayError(f"the relay's reply is not K, Z or D: {printable(contents)}", unconfirmed=True)
    text = printable(contents[1:])
    if result is Result.REFUSED and _NOT_AUTHORIZED.search(text):
        # A word about this client, not about the message: nobody's mail is returned for a missing address in
        # qmqpd_authorized_clients, which is empty by default.
        raise RelayError(f"the relay does not know this host: {text}")
    return Reply(result, text)


class QmqpClient:
    """Submits over connections that are opened for it."""

    async def submit(
        self, streams: Streams, delivery: Delivery, message: bytes, patience: Patience
    ) -> tuple[tuple[Reply, ...], str]:
        """Submit a message and return a reply for each recipient, and what was left out.

        Recipients that QMQP cannot carry are refused here, and the others are submitted.

        Raises:
            RelayError: there was no proper reply.
        """
        reduced = delivery.needs_smtp()
        fault = address_fault(delivery.sender, sender=True)
        faults = [fault or address_fault(r.address, sender=False) for r in delivery.recipients]
        good = tuple(r.address for r, bad in zip(delivery.recipients, faults, strict=True) if not bad)
        if not good:
            return tuple(Reply(Result.REFUSED, bad) for bad in faults), reduced
        said = await _exchange(streams, encode_submission(message, delivery.sender, good), patience)
        return tuple(Reply(Result.REFUSED, bad) if bad else said for bad in faults), reduced


class _Sending:
    """The way out: knows whether the relay can have everything."""

    def __init__(self, writer: asyncio.StreamWriter, payload: bytes, patience: Patience) -> None:
        self._writer = writer
        self._left = memoryview(payload)
        self._patience = patience
        #: The last bytes were handed to the system, or may have been.
        self.last_bytes = False

    def begin(self) -> None:
        """Hand over the first bytes; most messages are no longer."""
        # Without a buffer of our own, "drained" means that the system has it.
        self._writer.transport.set_write_buffer_limits(high=0)
        self._write()

    async def rest(self) -> None:
        """Hand over the rest."""
        while True:
            async with self._patience.step():
                await self._writer.drain()
            if self.last_bytes:
                return
            self._write()

    def _write(self) -> None:
        chunk, self._left = self._left[:CHUNK], self._left[CHUNK:]
        self.last_bytes = not self._left
        self._writer.write(chunk)

    @property
    def complete(self) -> bool:
        return self.last_bytes and not self._writer.transport.get_write_buffer_size()


async def _exchange(streams: Streams, payload: bytes, patience: Patience) -> Reply:
    """Send while listening: a relay may refuse before it has read everything, and close."""
    reader, writer = streams
    sending = _Sending(writer, payload, patience)
    try:
        sending.begin()
        if sending.complete:
            async with patience.step():
                contents = await _receive(reader)
        else:
            contents = await _receive_while_sending(reader, sending, patience)
    except TimeoutError:
        raise _lost("the relay does not answer in time", sending) from None
    except (OSError, EOFError) as exc:
        raise _lost("the relay closed the connection without a whole reply", sending) from exc
    except netstring.NetstringError as exc:
        raise _lost(f"the relay's reply is {exc}", sending) from exc
    reply = parse_reply(contents)
    if reply.result is Result.CONFIRMED and not sending.complete:
        raise RelayError("the relay confirmed a message that it cannot have read")
    return reply


async def _receive_while_sending(
    reader: asyncio.StreamReader, sending: _Sending, patience: Patience
) -> bytes:
    outgoing = asyncio.create_task(sending.rest())
    incoming = asyncio.create_task(_receive(reader))
    try:
        await asyncio.wait({outgoing, incoming}, return_when=asyncio.FIRST_COMPLETED)
        if not incoming.done():
            with contextlib.suppress(ConnectionError):  # the relay's last words have arrived all the same
                await outgoing
            async with patience.step():
                await asyncio.wait({incoming})
        return await incoming
    finally:
        outgoing.cancel()
        incoming.cancel()
        await asyncio.gather(outgoing, incoming, return_exceptions=True)


def _lost(text: str, sending: _Sending) -> RelayError:
    return RelayError(text, unconfirmed=sending.last_bytes)


async def _receive(reader: asyncio.StreamReader) -> bytes:
    parser = netstring.NetstringParser(REPLY_LIMIT)
    while True:
        data = await reader.read(REPLY_LIMIT)
        if not data:
            raise EOFError
        contents = parser.feed(data)
        if contents is not None:
            return contents
