r"""The format of a spool file: self-contained, and refused when a byte is missing (R2).

    mailmill-spool 1 <length of the header>\n
    <header: one line of JSON, a `SpoolHeader`>\n
    <content: RFC 5322 message, lines ending in LF>
    \nmailmill-end <content length, 12 digits> <SHA-256 of header and content, hex>\n

Size and digest stand at the end, because the content is written while it comes in. Anything else than exactly
this is damage.
"""

from __future__ import annotations

import hashlib
from typing import Final

from msgspec import Struct

from mailmill.delivery import Delivery
from mailmill.envelope import Envelope
from mailmill.errors import DamagedSpoolFileError, RecordError
from mailmill.records import decode, encode

_MAGIC: Final = b"mailmill-spool 1 "
_END: Final = b"\nmailmill-end "
_TRAILER_LENGTH: Final = len(_END) + 12 + 1 + 64 + 1
#: The longest possible first line: magic, ten digits, line end.
_FIRST_LINE: Final = len(_MAGIC) + 11


class SpoolHeader(Struct, frozen=True):
    """What a spool file says of its message before the message itself."""

    #: The Mailmill id (incoming queue) or the delivery id (outgoing queue): also the file's name.
    id: str
    #: The name of the edge that accepted it.
    edge: str
    #: Seconds since the epoch at which the message was accepted.
    arrival: float
    #: The queue id that the SMTP client was told.
    queue_id: str
    envelope: Envelope
    #: The message's own Message-ID, for looking it up; empty when it has none.
    message_id: str = ""
    #: Set in the outgoing queue: the delivery that waits. The content is then in its final form.
    delivery: Delivery | None = None


class SpoolFile(Struct, frozen=True):
    """A whole spool file in memory."""

    header: SpoolHeader
    content: bytes


class SpoolEncoder:
    """Makes the bytes of a spool file piece by piece, so that large content never stands in memory whole."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._length = 0

    def start(self, header: SpoolHeader) -> bytes:
        """Return the bytes that stand before the content."""
        line = encode(header)
        self._digest.update(line)
        return b"%s%d\n%s\n" % (_MAGIC, len(line), line)

    def add(self, content: bytes) -> bytes:
        """Count `content` in and return it."""
        self._digest.update(content)
        self._length += len(content)
        return content

    def end(self) -> bytes:
        """Return the end mark."""
        return b"%s%012d %s\n" % (_END, self._length, self._digest.hexdigest().encode("ascii"))


def pack(header: SpoolHeader, content: bytes) -> bytes:
    """Return the bytes of a whole spool file."""
    encoder = SpoolEncoder()
    return encoder.start(header) + encoder.add(content) + encoder.end()


def unpack(data: bytes) -> SpoolFile:
    """Return what the bytes of a whole spool file hold.

    Raises:
        DamagedSpoolFileError: they are truncated, altered or something else.
    """
    line, body_at = _header_line(data)
    content = data[body_at : len(data) - _TRAILER_LENGTH]
    expected = b"%s%012d " % (_END, len(content))
    trailer = data[len(data) - _TRAILER_LENGTH :] if len(data) - body_at >= _TRAILER_LENGTH else b""
    if not trailer.startswith(expected) or not trailer.endswith(b"\n"):
        raise DamagedSpoolFileError("the end mark is missing or does not fit the length: truncated?")
    digest = hashlib.sha256(line)
    digest.update(content)
    if trailer[len(expected) : -1] != digest.hexdigest().encode("ascii"):
        raise DamagedSpoolFileError("the content does not fit its SHA-256")
    return SpoolFile(header=_header(line), content=content)


def unpack_named(name: str, data: bytes) -> SpoolFile:
    """Return what the bytes of the spool file `name` hold.

    Raises:
        DamagedSpoolFileError: they are truncated, altered, or those of another message.
    """
    file = unpack(data)
    if file.header.id != name:
        raise DamagedSpoolFileError(f"this is the file of {file.header.id}")
    return file


def unpack_header(start: bytes) -> SpoolHeader:
    """Return the header from the first bytes of a spool file, without checking the rest.

    Raises:
        DamagedSpoolFileError: it is not there whole.
    """
    line, _ = _header_line(start)
    return _header(line)


def header_reach(start: bytes) -> int:
    """Return how many bytes of the file hold the header, given its first 64 bytes or more.

    Raises:
        DamagedSpoolFileError: this is not a spool file.
    """
    first, separator, _ = start[:_FIRST_LINE].partition(b"\n")
    digits = first[len(_MAGIC) :]
    if not separator or not first.startswith(_MAGIC) or not digits.isdigit():
        raise DamagedSpoolFileError("the first line is not that of a spool file")
    return len(first) + 1 + int(digits) + 1


def _header_line(data: bytes) -> tuple[bytes, int]:
    reach = header_reach(data)
    start = data.index(b"\n") + 1
    if len(data) < reach or data[reach - 1 : reach] != b"\n":
        raise DamagedSpoolFileError("the header is truncated")
    return data[start : reach - 1], reach


def _header(line: bytes) -> SpoolHeader:
    try:
        header: SpoolHeader = decode(line, SpoolHeader)
    except RecordError as exc:
        raise DamagedSpoolFileError(f"the header cannot be read: {exc}") from exc
    return header
