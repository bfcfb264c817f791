"""What an MTA sends to a milter, as bytes, and what it reads back; an edge without servers."""

from __future__ import annotations

import struct
from pathlib import Path

from mailmill.intake import IntakeWriter, directories
from mailmill.settings import Settings
from mailmill.settings.options.choices import QueueType
from mailmill.spool import Spool, State
from mailmill_milter.blocklist import Blocklist
from mailmill_milter.gate import Gate, Limits
from mailmill_milter.inhand import InHand
from mailmill_milter.session import Edge

NOW = 1_795_370_504.5
#: All that Postfix offers (SMFIP_*).
ALL_STEPS = 0x1FFFFF
ABORT, QUIT, NEXT_CLIENT = (struct.pack("!I", 1) + command for command in (b"A", b"Q", b"K"))
#: What the replies of one byte are called here.
_REPLIES = {b"a": "accept", b"c": "continue", b"d": "discard", b"r": "reject", b"t": "tempfail"}


def edge_below(root: Path, *, options=None, scanner=True, ignore_loopback=True, max_messages=0) -> Edge:
    """Return an edge with an empty spool in the directory `root`."""
    for name in (*State, *directories.ALL):
        (root / name).mkdir()
    spool = Spool(root)
    return Edge(
        name="e1",
        hostname="edge.example",
        spool=spool,
        intake=IntakeWriter(root),
        queue_type=QueueType.SHORT,
        gate=Gate(spool, spool, Limits(max_messages=max_messages)),
        blocklist=Blocklist(Settings.of(options)) if scanner else None,
        ignore_loopback=ignore_loopback,
        clock=lambda: NOW,
        in_hand=InHand(),
    )


def stored(root: Path):
    """Return the messages in a spool, as somebody sees it who has just come."""
    spool = Spool(root)
    return [spool.read(name, State.ACTIVE) for name in sorted(spool.names(State.ACTIVE))]


def leftovers(root: Path) -> list[str]:
    """Return what is in a spool, whatever its state."""
    spool = Spool(root)
    return [f"{state}/{name}" for state in State for name in spool.names(state)]


def packet(command: bytes, data: bytes = b"") -> bytes:
    return struct.pack("!I", len(data) + 1) + command + data


def strings(*texts: bytes) -> bytes:
    return b"".join(text + b"\0" for text in texts)


def negotiation(version=6, actions=0x1FF, steps=ALL_STEPS) -> bytes:
    return packet(b"O", struct.pack("!III", version, actions, steps))


def macros(stage: bytes, *names_and_values: bytes) -> bytes:
    return packet(b"D", stage + strings(*names_and_values))


def connect(name=b"client.example", address=b"192.0.2.7", family=b"4", port=4711) -> bytes:
    peer = struct.pack("!H", port) + strings(address)
    return packet(b"C", strings(name) + family + (b"" if family in {b"L", b"U"} else peer))


def helo(name=b"helo.example") -> bytes:
    return packet(b"H", strings(name))


def mail(*words: bytes) -> bytes:
    return packet(b"M", strings(*(words or (b"<a@example.org>",))))


def rcpt(*words: bytes) -> bytes:
    return packet(b"R", strings(*(words or (b"<b@example.net>",))))


def header(name=b"Subject", value=b" x") -> bytes:
    return packet(b"L", strings(name, value))


def end_of_headers() -> bytes:
    return packet(b"N")


def body(data=b"hello\r\n") -> bytes:
    return packet(b"B", data)


def end_of_message(rest=b"", queue_id=b"4ABC") -> bytes:
    return (macros(b"E", b"i", queue_id) if queue_id else b"") + packet(b"E", rest)


def message(sender=b"<a@example.org>", *pieces: bytes, queue_id=b"4ABC") -> bytes:
    """Return a whole transaction; its body is cut into `pieces`."""
    content = [body(piece) for piece in pieces or (b"hello\r\n",)]
    return b"".join(
        (mail(sender), rcpt(), header(), end_of_headers(), *content, end_of_message(queue_id=queue_id))
    )


def begun(steps=ALL_STEPS) -> bytes:
    """Return what stands before the first message of a connection."""
    return negotiation(steps=steps) + macros(b"C", b"j", b"mx.example") + connect() + helo()


def replies(data: bytes) -> list[object]:
    """Return what a milter has sent: words, SMTP replies, and what was negotiated as three numbers."""
    found: list[object] = []
    while data:
        (length,) = struct.unpack_from("!I", data)
        command, rest, data = data[4:5], data[5 : 4 + length], data[4 + length :]
        assert len(rest) == length - 1
        if command == b"O":
            found.append(struct.unpack("!III", rest))
        elif command == b"y":
            assert rest.endswith(b"\0")
            found.append(rest[:-1].decode("ascii"))
        else:
            assert not rest
            found.append(_REPLIES[command])
    return found
