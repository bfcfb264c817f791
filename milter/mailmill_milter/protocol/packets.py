"""Packets of the milter protocol: a length of four bytes, a command, and what comes with it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from mailmill_milter.answers import Action, Answer
from mailmill_milter.protocol.words import OLDEST_VERSION, VERSION, Command, Reply

#: Longest packet that is read, in bytes. A piece of a body has 65,535 at most (MILTER_CHUNK_SIZE), a header
#: as many as the MTA allows: Postfix 102,400 unless told otherwise (header_size_limit).
LONGEST: Final = 2**21
_LENGTH: Final = struct.Struct("!I")
#: Bytes before what comes with a command.
_HEAD: Final = _LENGTH.size + 1
_NEGOTIATION: Final = struct.Struct("!III")
_REPLIES: Final = {
    Action.CONTINUE: Reply.CONTINUE,
    Action.ACCEPT: Reply.ACCEPT,
    Action.DISCARD: Reply.DISCARD,
    Action.REJECT: Reply.REJECT,
    Action.TEMPFAIL: Reply.TEMPFAIL,
}

#: A command and what came with it.
Packet = tuple[int, bytes]


class ProtocolError(ValueError):
    """The MTA sent what is no milter protocol."""


class Unpacker:
    """Cuts what comes in over a connection into packets."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Packet]:
        """Return the packets that are whole now; the rest waits for more.

        Raises:
            ProtocolError: a length that no packet has.
        """
        if self._rest:
            data = self._rest + data
        packets = []
        start, end = 0, len(data)
        # A message has some 70 packets: nothing in this loop is without need.
        length_at = _LENGTH.unpack_from
        while end - start >= _HEAD:
            length = length_at(data, start)[0]
            if not 0 < length <= LONGEST:
                raise ProtocolError(f"a packet of {length} bytes")
            behind = start + _LENGTH.size + length
            if behind > end:
                break
            packets.append((data[start + _LENGTH.size], data[start + _HEAD : behind]))
            start = behind
        self._rest = data[start:]
        return packets


def pack(command: int, data: bytes = b"") -> bytes:
    """Return a packet."""
    return _LENGTH.pack(len(data) + 1) + bytes((command,)) + data


#: The replies that say nothing but themselves.
_PLAIN: Final = {action: pack(reply) for action, reply in _REPLIES.items()}
CONTINUE: Final = _PLAIN[Action.CONTINUE]


def reply(answer: Answer) -> bytes:
    """Return an answer as a packet."""
    if not answer.code:
        return _PLAIN[answer.action]
    # Sendmail's MTA takes % for the start of a format.
    text = f"{answer.code} {answer.status} {answer.text}".replace("%", "?")
    return pack(Reply.REPLY_CODE, text.encode("ascii", "replace") + b"\0")


@dataclass(frozen=True)
class Negotiation:
    """What one side offers: the version, changes of messages (SMFIF_*), and steps (`Step`)."""

    version: int
    actions: int
    steps: int

    @classmethod
    def parse(cls, data: bytes) -> Negotiation:
        """Return the MTA's offer.

        Raises:
            ProtocolError: it is cut short, or of a version that is too old.
        """
        if len(data) < _NEGOTIATION.size:
            raise ProtocolError(f"a negotiation of {len(data)} bytes")
        offer = cls(*_NEGOTIATION.unpack_from(data))
        if offer.version < OLDEST_VERSION:
            raise ProtocolError(f"version {offer.version} of the milter protocol")
        return offer

    def answer(self, wanted: int) -> Negotiation:
        """Return what we make of it: no changes of messages, and of the `wanted` steps those on offer."""
        return Negotiation(min(self.version, VERSION), 0, self.steps & wanted)

    def pack(self) -> bytes:
        """Return the packet."""
        return pack(Command.NEGOTIATE, _NEGOTIATION.pack(self.version, self.actions, self.steps))


def text(data: bytes) -> str:
    """Return bytes of the MTA as text; what is not UTF-8 is kept as surrogates."""
    return data.decode("utf-8", "surrogateescape")


def word(data: bytes) -> bytes:
    """Return the one string of a packet.

    Raises:
        ProtocolError: it has no end.
    """
    if not data.endswith(b"\0"):
        raise ProtocolError("a string without an end")
    return data[:-1]


def words(data: bytes) -> tuple[bytes, ...]:
    """Return the strings of a packet: one at least.

    Raises:
        ProtocolError: the last one has no end.
    """
    return tuple(word(data).split(b"\0"))


def header(data: bytes) -> tuple[bytes, bytes]:
    """Return name and value of a header.

    Raises:
        ProtocolError: there is no value, or it has no end.
    """
    name, separator, value = data.partition(b"\0")
    if not separator or value[-1:] != b"\0":
        raise ProtocolError("a header without a value")
    return name, value[:-1]


@dataclass(frozen=True)
class Peer:
    """The client as the MTA names it; the address is empty for anything but IPv4 and IPv6."""

    name: str
    address: str
    port: int

    @classmethod
    def parse(cls, data: bytes) -> Peer:
        """Return who is told of by a connect command: name, family, port, address.

        Raises:
            ProtocolError: it is cut short, or of no known family.
        """
        name, separator, rest = data.partition(b"\0")
        family = rest[:1]
        if not separator or family not in {b"4", b"6", b"L", b"U"}:
            raise ProtocolError("a client of no known address family")
        if family in {b"L", b"U"}:
            return cls(text(name), "", 0)
        if len(rest) < len("4PP\0"):
            raise ProtocolError("a client's address is cut short")
        return cls(text(name), text(word(rest[3:])), int.from_bytes(rest[1:3], "big"))
