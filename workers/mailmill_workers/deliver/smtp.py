"""SMTP: one message per connection, an answer for each recipient, and what QMQP cannot carry.

Sources: RFC 5321 (SMTP), 6152 (8BITMIME), 1870 (SIZE), 3461 (DSN), 6531 (SMTPUTF8). Why no library:
aiosmtplib 5.1 makes a line end of a lone CR, which alters a signed message, and does not tell a connection
that was lost before the last byte from one that was lost after it (R15).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from mailmill.delivery import Delivery
from mailmill.envelope import argument
from mailmill_workers.deliver.address import Streams
from mailmill_workers.deliver.patience import Patience
from mailmill_workers.deliver.qmqp import CHUNK, address_bytes
from mailmill_workers.deliver.replies import RelayError, Reply, Result
from mailmill_workers.deliver.smtpreply import SmtpReply, extensions, read_reply

_CONTROL: Final = re.compile(rb"[\x00-\x1f\x7f]")
#: An argument must be one word, or it would become two.
_UNSAFE: Final = re.compile(r"[\x00-\x20\x7f]")
_DOT: Final = re.compile(rb"(?m)^\.")
#: The server closes the connection (RFC 5321, 3.8).
_CLOSING: Final = 421
_START_INPUT: Final = 354


def encode_data(message: bytes) -> bytes:
    r"""Return a message with LF line ends as it goes over the wire: CRLF, dots doubled, `.` at the end.

    Exactly the LF become CRLF: what came in as `\r\r\n` leaves as it came.
    """
    wire = _DOT.sub(b"..", message).replace(b"\n", b"\r\n")
    if wire and not wire.endswith(b"\r\n"):
        wire += b"\r\n"
    return wire + b".\r\n"


def mail_arguments(
    delivery: Delivery, message: bytes, offered: frozenset[str]
) -> tuple[list[str], list[str]]:
    """Return the arguments of MAIL for a server, and the names of what it does not offer."""
    given = delivery.sender_args
    arguments, missing = [], []
    if "SIZE" in offered:
        size = len(message) + message.count(b"\n")
        arguments.append(f"SIZE={size}")
    if not message.isascii():
        if "8BITMIME" in offered:
            arguments.append("BODY=8BITMIME")
        else:
            missing.append("8BITMIME")
    addresses = [delivery.sender, *(r.address for r in delivery.recipients)]
    if argument(given, "SMTPUTF8") is not None or not all(address.isascii() for address in addresses):
        if "SMTPUTF8" in offered:
            arguments.append("SMTPUTF8")
        else:
            missing.append("SMTPUTF8")
    if argument(given, "REQUIRETLS") is not None:
        missing.append(
            "REQUIRETLS"
        )  # It may be said only inside TLS, which is not spoken to one's own relay.
    if "DSN" in offered:
        arguments += _chosen(given, ("RET", "ENVID"))
    elif "DSN" in delivery.needs_smtp():
        missing.append("DSN")
    return arguments, missing


def _chosen(given: tuple[str, ...], keywords: Iterable[str]) -> list[str]:
    values = ((keyword, argument(given, keyword)) for keyword in keywords)
    return [f"{keyword}={value}" for keyword, value in values if value and not _UNSAFE.search(value)]


class SmtpClient:
    """Submits over connections that are opened for it."""

    def __init__(self, helo: str) -> None:
        """Say `helo`, our host's name, in EHLO."""
        self._helo = helo

    async def submit(
        self, streams: Streams, delivery: Delivery, message: bytes, patience: Patience
    ) -> tuple[tuple[Reply, ...], str]:
        """Submit a message and return a reply for each recipient, and what was left out.

        Raises:
            RelayError: the server does not accept mail now, from anybody or from this sender, or was lost.
        """
        return await _Session(streams, patience).submit(self._helo, delivery, message)


class _Session:
    """One connection."""

    def __init__(self, streams: Streams, patience: Patience) -> None:
        self._reader, self._writer = streams
        self._patience = patience
        self._writer.transport.set_write_buffer_limits(high=0)

    async def submit(self, helo: str, delivery: Delivery, message: bytes) -> tuple[tuple[Reply, ...], str]:
        faults = [_fault(delivery.sender)] + [
            _fault(r.address) or _empty(r.address) for r in delivery.recipients
        ]
        if faults[0]:
            return (faults[0],) * len(delivery.recipients), ""
        offered = await self._hello(helo)
        arguments, missing = mail_arguments(delivery, message, offered)
        reply = await self._command(_line("MAIL FROM:", delivery.sender, arguments))
        reduced = ", ".join(missing)
        if reply.permanent:
            self._quit()
            return (reply.verdict(),) * len(delivery.recipients), reduced
        if not reply.positive:
            self._quit()
            raise RelayError(reply.text)
        replies = []
        for recipient, fault in zip(delivery.recipients, faults[1:], strict=True):
            wanted = _chosen(recipient.args, ("NOTIFY", "ORCPT")) if "DSN" in offered else []
            replies.append(fault or await self._recipient(_line("RCPT TO:", recipient.address, wanted)))
        if any(reply.result is Result.CONFIRMED for reply in replies):
            said = await self._data(message)
            replies = [said if reply.result is Result.CONFIRMED else reply for reply in replies]
        self._quit()
        return tuple(replies), reduced

    async def _hello(self, helo: str) -> frozenset[str]:
        greeting = await self._read()
        if not greeting.positive:
            raise RelayError(greeting.text)
        reply = await self._command(f"EHLO {helo}".encode())
        if reply.positive:
            return extensions(reply.lines)
        if reply.permanent:
            reply = await self._command(f"HELO {helo}".encode())
        if not reply.positive:
            self._quit()
            raise RelayError(reply.text)
        return frozenset()

    async def _recipient(self, line: bytes) -> Reply:
        reply = await self._command(line)
        if reply.code == _CLOSING:
            raise RelayError(reply.text)
        return reply.verdict()

    async def _data(self, message: bytes) -> Reply:
        reply = await self._command(b"DATA")
        if reply.code != _START_INPUT:
            return Reply(Result.REFUSED if reply.permanent else Result.DEFERRED, reply.text)
        view = memoryview(encode_data(message))
        last_bytes = False
        try:
            while view:
                chunk, view = view[:CHUNK], view[CHUNK:]
                last_bytes = not view
                await self._write(chunk)
            reply = await self._read()
        except RelayError as exc:
            raise RelayError(str(exc), unconfirmed=last_bytes) from exc
        return reply.verdict()

    async def _command(self, line: bytes) -> SmtpReply:
        await self._write(line + b"\r\n")
        return await self._read()

    async def _write(self, data: bytes | memoryview) -> None:
        try:
            self._writer.write(data)
            async with self._patience.step():
                await self._writer.drain()
        except TimeoutError:
            raise RelayError("the relay does not take the message in time") from None
        except OSError as exc:
            raise RelayError("the relay closed the connection") from exc

    async def _read(self) -> SmtpReply:
        try:
            async with self._patience.step():
                return await read_reply(self._reader)
        except TimeoutError:
            raise RelayError("the relay does not answer in time") from None
        except OSError as exc:
            raise RelayError("the relay closed the connection") from exc

    def _quit(self) -> None:
        # The answer to QUIT changes nothing (Postfix: smtp_skip_quit_response = yes).
        self._writer.write(b"QUIT\r\n")


def _line(verb: str, address: str, arguments: list[str]) -> bytes:
    words = "".join(f" {word}" for word in arguments)
    return b"%s<%s>%s" % (verb.encode(), address_bytes(address), address_bytes(words))


def _fault(address: str) -> Reply | None:
    if _CONTROL.search(address_bytes(address)):
        return Reply(Result.REFUSED, "5.1.3 address with control characters")
    return None


def _empty(address: str) -> Reply | None:
    return None if address else Reply(Result.REFUSED, "5.1.3 empty recipient address")
