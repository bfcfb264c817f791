"""Entries: an event with its place in the Redis stream that carries it to the recorder.

The id of an entry is Redis's clock in milliseconds and a sequence number. It is the order in which the
cluster reported: one clock for all nodes, where the times in the events are those of many.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from mailmill.errors import RecordError
from mailmill.mailids import MAIL_ID
from mailmill.messagelog.events import Event
from mailmill.records import decode, encode

#: The only field of an entry: the event as JSON. Short, because Redis stores it with every entry.
_FIELD: Final = b"e"

_ENTRY_ID: Final = re.compile(rb"([0-9]{1,18})-([0-9]{1,18})\Z")


class Entry(Struct, frozen=True):
    """One event as it stands in the stream."""

    #: Milliseconds since the epoch by Redis's clock.
    milliseconds: int
    #: Number of the entry in its millisecond.
    sequence: int
    event: Event

    @property
    def place(self) -> tuple[int, int]:
        """What entries are ordered by."""
        return self.milliseconds, self.sequence


def to_fields(event: Event) -> dict[bytes, bytes]:
    """Return an event as the fields of a stream entry."""
    return {_FIELD: encode(event)}


def from_fields(entry_id: bytes, fields: Mapping[bytes, bytes]) -> Entry:
    """Return the entry that Redis has returned.

    Raises:
        RecordError: it does not hold an event, or one of nobody's message.
    """
    match = _ENTRY_ID.match(entry_id)
    if not match:
        raise RecordError(f"not the id of a stream entry: {entry_id!r}")
    if _FIELD not in fields:
        raise RecordError("not an event: the field is missing")
    event: Event = decode(fields[_FIELD], Event)
    if not MAIL_ID.match(event.mail_id):
        raise RecordError(f"not an event: {event.mail_id!r} is not a Mailmill id")
    if not math.isfinite(event.time):
        raise RecordError(f"not an event: {event.time} is not a time")
    return Entry(milliseconds=int(match[1]), sequence=int(match[2]), event=event)
