"""Reporting what workers did: outcomes to the edge that owns a message, events to the message log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import redis

from mailmill.keys import outcomes_key
from mailmill.messagelog.events import Event
from mailmill.messagelog.writer import EventWriter
from mailmill.outcomes import Outcome
from mailmill.records import encode

#: Field of a stream entry that holds the encoded outcome.
FIELD: Final = b"o"


class Reporter(Protocol):
    """Where workers report to."""

    def report(self, edge: str, outcomes: Sequence[Outcome], events: Sequence[Event]) -> None:
        """Report outcomes to an edge, in this order, and events to the message log."""


class RedisReporter:
    """Appends outcomes to the edge's stream. The edge removes them: it stays as short as its window."""

    def __init__(self, client: redis.Redis, events: EventWriter) -> None:
        self._client = client
        self._events = events

    def report(self, edge: str, outcomes: Sequence[Outcome], events: Sequence[Event]) -> None:
        """See `Reporter`: all in one round trip.

        Raises:
            redis.RedisError: Redis cannot be used; some of it may have been reported.
        """
        if not outcomes and not events:
            return
        with self._client.pipeline(transaction=False) as pipe:
            for outcome in outcomes:
                pipe.xadd(outcomes_key(edge), {FIELD: encode(outcome)})
            self._events.add_to(pipe, events)
            pipe.execute()
