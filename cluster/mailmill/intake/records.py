r"""The format of a segment, and of the lines that tell of its messages.

A segment is one record behind the other:

    mailmill-record <length of the spool file, decimal> <Mailmill id> <CRC-32>\n
    <the bytes of a spool file>

`mailmill-voided` instead of the first word says that this message was not acknowledged and does not count. In
`arrived` a message is a line

    <id> <where its record begins> <where its spool file begins> <its length> <CRC-32>.

in `ended` a line `<id>`. Lines begin with a line end too: one that a full disk cut off spoils no other. Those
of `arrived` end with their point: without it they do not count, whatever follows.

The CRCs (hexadecimal, of the words in front of them without a frame's first one) keep readers from going by a
damaged length: it would lead into the middle of a message, where a sender can write what looks like a record.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from msgspec import Struct

_RECORD: Final = b"mailmill-record"
#: As long as `_RECORD`: it is written over it.
VOIDED: Final = b"mailmill-voided"
#: Digits of a length and of an offset: more than any file has.
_DIGITS: Final = rb"\d{1,15}"
_ID: Final = rb"[0-9A-HJKMNP-TV-Z]{18}-[0-9A-Za-z]{1,32}"
_CRC: Final = rb"[0-9a-f]{8}"
_FRAME: Final = re.compile(b"(%s|%s) ((%s) (%s)) (%s)\n" % (_RECORD, VOIDED, _DIGITS, _ID, _CRC))
#: Bytes of the longest frame.
_LONGEST_FRAME: Final = len(_RECORD) + 1 + 15 + 1 + 51 + 1 + 8 + 1
_LINE: Final = re.compile(rb"\n((%s) (%s) (%s) (%s)) (%s)\." % (_ID, _DIGITS, _DIGITS, _DIGITS, _CRC))

#: Returns up to so many bytes from an offset of a segment; fewer only at its end.
Read = Callable[[int, int], bytes]


class Record(Struct, frozen=True):
    """Where a message is in its segment; all in bytes."""

    name: str
    #: Where the frame begins.
    start: int
    #: Where the spool file begins.
    offset: int
    #: The length of the spool file.
    length: int

    @property
    def end(self) -> int:
        """Where the next record begins."""
        return self.offset + self.length


class Gap(Struct, frozen=True):
    """A part of a segment that cannot be read as records."""

    start: int
    end: int
    #: Whether this is the last record, of which the end was never written: nobody acknowledged it.
    unfinished: bool = False


def frame(name: str, length: int) -> bytes:
    """Return what stands in front of a spool file of `length` bytes."""
    words = b"%d %s" % (length, name.encode("ascii"))
    return b"%s %s %s\n" % (_RECORD, words, _crc(words))


def arrived_line(record: Record) -> bytes:
    """Return the line that tells of an acknowledged message."""
    words = b"%s %d %d %d" % (record.name.encode("ascii"), record.start, record.offset, record.length)
    return b"\n%s %s." % (words, _crc(words))


def arrived(lines: bytes) -> tuple[list[Record], int]:
    """Return what whole lines of `arrived` tell of, and the bytes up to the end of the last one.

    A line that is none, left by a machine that went down, is passed over: its record is found in the segment.
    """
    found = list(_LINE.finditer(lines))
    records = [
        Record(each[2].decode("ascii"), int(each[3]), int(each[4]), int(each[5]))
        for each in found
        if each[6] == _crc(each[1])
    ]
    return records, found[-1].end() if found else 0


def ended_line(name: str) -> bytes:
    """Return the line that tells of a message's end."""
    return b"\n%s\n" % name.encode("ascii")


def ended(lines: bytes) -> tuple[list[str], int]:
    """Return whom whole lines of `ended` tell of, and the bytes that these lines take."""
    reach = lines.rfind(b"\n") + 1
    return lines[:reach].decode("ascii", "replace").split(), reach


def walk(read: Read, size: int, known: Iterable[Record]) -> Iterator[Record | Gap]:
    """Yield what a segment of `size` bytes holds, in its order; what was voided is left out.

    Frames lead from one record to the next. Where one is damaged, `known` records tell where to go on: their
    places come from `arrived`, so that nothing in a message can pass for a record.
    """
    places = {record.start: record for record in known}
    starts = sorted(places)
    position = 0
    while position < size:
        record, voided = _record_at(read, position) or (None, False)
        if position in places:
            record, voided = places[position], False
        elif record is None or record.end > size:
            beyond = next((start for start in starts if start > position), size)
            cut_off = record is not None or size - position < _LONGEST_FRAME
            yield Gap(position, beyond, unfinished=beyond == size and cut_off)
            position = beyond
            continue
        if not voided:
            yield record
        position = record.end


def _record_at(read: Read, position: int) -> tuple[Record, bool] | None:
    found = _FRAME.match(read(position, _LONGEST_FRAME))
    if found is None or found[5] != _crc(found[2]):
        return None
    record = Record(found[4].decode("ascii"), position, position + found.end(), int(found[3]))
    return record, found[1] == VOIDED


def _crc(words: bytes) -> bytes:
    return b"%08x" % zlib.crc32(words)
