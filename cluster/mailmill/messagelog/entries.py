"""Entries: an event with its place in the Redis stream that carries it to the recorder.

What Redis calls an entry holds some events, each a field of its own: one command writes them all. Its id is
Redis's clock in milliseconds and a sequence number. It is the order in which the cluster reported: one clock
for all nodes, where the times in the events are those of many.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from mailmill.errors import RecordError
from mailmill.mailids import MAIL_ID
from mailmill.messagelog.events import Event
from mailmill.records import decode, encode

#: The most events in one entry of the stream. With more, the commands cost hardly less; the bound on what the
#: stream may hold (`writer.MAX_ENTRIES`) would be further from what it holds when each event comes alone.
PACK: Final = 8

#: Fields of an entry, each an event as JSON. Short, because Redis stores them with every entry.
_FIELDS: Final = tuple(b"%d" % number for number in range(PACK))
_NUMBERS: Final = {name: number for number, name in enumerate(_FIELDS)}

_ENTRY_ID: Final = re.compile(rb"([0-9]{1,18})-([0-9]{1,18})\Z")


class Entry(Struct, frozen=True):
    """One event as it stands in the stream."""

    #: Milliseconds since the epoch by Redis's clock.
    milliseconds: int
    #: Number of the event in its millisecond.
    sequence: int
    event: Event

    @property
    def place(self) -> tuple[int, int]:
        """What entries are ordered by."""
        return self.milliseconds, self.sequence


def to_fields(events: Sequence[Event]) -> dict[bytes, bytes]:
    """Return up to `PACK` events as the fields of a stream entry."""
    return dict(zip(_FIELDS, map(encode, events), strict=False))


def from_fields(entry_id: bytes, fields: Mapping[bytes, bytes]) -> Iterator[Entry | RecordError]:
    """Yield the events in what Redis has returned, in their order; for one that cannot be read, why."""
    match = _ENTRY_ID.match(entry_id)
    if not match:
        yield RecordError(f"not the id of a stream entry: {entry_id!r}")
        return
    milliseconds, sequence = int(match[1]), int(match[2])
    for name, value in fields.items():
        try:
            number = _NUMBERS[name]
            event = _event(value)
        except KeyError:
            yield RecordError(f"not an event: field {name!r}")
        except RecordError as exc:
            yield exc
        else:
            yield Entry(milliseconds, sequence * PACK + number, event)


def _event(value: bytes) -> Event:
    event: Event = decode(value, Event)
    if not MAIL_ID.match(event.mail_id):
        raise RecordError(f"not an event: {event.mail_id!r} is not a Mailmill id")
    if not math.isfinite(event.time):
        raise RecordError(f"not an event: {event.time} is not a time")
    return event
