"""Reporting what workers did: outcomes to the edge that owns a message, events to the message log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

import redis

from mailmill.keys import outcomes_key
from mailmill.messagelog.events import Event
from mailmill.outcomes import Outcome
from mailmill.records import encode

#: Field of a stream entry that holds the encoded outcome.
FIELD: Final = b"o"


class Reporter(Protocol):
    """Where workers report to."""

    def report(self, edge: str, outcomes: Sequence[Outcome], events: Sequence[Event]) -> None:
        """Report outcomes to an edge, in this order, and events to the message log."""


class EventSink(Protocol):
    """Takes events for the message log."""

    def write(self, events: Iterable[Event]) -> None:
        """Write events."""


class RedisReporter:
    """Appends outcomes to the edge's stream; it is as long as the edge's window, for the edge removes them."""

    def __init__(self, client: redis.Redis, events: EventSink) -> None:
        self._client = client
        self._events = events

    def report(self, edge: str, outcomes: Sequence[Outcome], events: Sequence[Event]) -> None:
        """See `Reporter`: one round trip for the outcomes, then the events.

        Raises:
            redis.RedisError: Redis cannot be used; some of the outcomes may have been reported.
        """
        if outcomes:
            with self._client.pipeline(transaction=False) as pipe:
                for outcome in outcomes:
                    pipe.xadd(outcomes_key(edge), {FIELD: encode(outcome)})
                pipe.execute()
        if events:
            self._events.write(events)
