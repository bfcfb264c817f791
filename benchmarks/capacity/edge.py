"""An edge: sessions that accept messages, and a queue manager that sends them to the workers."""

from __future__ import annotations

from collections import deque
from typing import Final

from simpy import Event

from benchmarks.capacity.parts import Batch, Parts, part
from benchmarks.capacity.processors import Activity, Serial

#: Messages in flight per message of a batch (`IN_FLIGHT_PER_BATCHED` of the queue manager).
IN_FLIGHT_PER_BATCHED: Final = 8
#: The part of its work that the queue manager does before the scan; the rest is for the outcome.
SENDING: Final = 0.6


class Edge:
    """One edge.

    Args:
        parts: What the group shares.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.machine = parts.machine()
        self.disk = parts.disk()
        self.manager = Serial(parts.env, self.machine)
        self._waiting: deque[float] = deque()
        self._outcomes: deque[Batch] = deque()
        self._in_flight = 0
        self._since = parts.env.now
        self._in_flight_seconds = 0.0
        self._news: Event = parts.env.event()
        parts.env.process(self._manage())

    @property
    def waiting(self) -> int:
        """How many messages wait in the spool."""
        return len(self._waiting)

    @property
    def in_flight_seconds(self) -> float:
        """Messages in flight, summed up over the seconds."""
        self._in_flight_changes(0)
        return self._in_flight_seconds

    def session(self) -> Activity:
        """Accept one message, durably."""
        costs = self._parts.costs
        yield self.machine.work(costs.postfix.seconds(1) + costs.milter.seconds(1))
        yield from self.disk.serve(self._parts.appended(1))
        self.put(1)

    def put(self, messages: int) -> None:
        """Find so many messages in the spool, accepted now."""
        self._waiting.extend([self._parts.env.now] * messages)
        self._tell()

    def ended(self, batch: Batch) -> None:
        """Get the outcomes of a batch."""
        self._outcomes.append(batch)
        self._tell()

    def _tell(self) -> None:
        if not self._news.triggered:
            self._news.succeed()

    def _manage(self) -> Activity:
        yield from self.manager.serve(self._parts.costs.queue_manager.start / 1000)
        while True:
            if self._outcomes:
                yield from self._finish(self._outcomes.popleft())
            elif self._wanted():
                yield from self._send(self._wanted())
            else:
                self._news = self._parts.env.event()
                yield self._news

    def _in_flight_changes(self, messages: int) -> None:
        now = self._parts.env.now
        self._in_flight_seconds += self._in_flight * (now - self._since)
        self._since = now
        self._in_flight += messages

    def _wanted(self) -> int:
        """Return how many messages may go now: as `Feeder.feed` and `Window.lacks` have it."""
        shape = self._parts.shape
        wanted = min(shape.batch, 1 + self._in_flight // IN_FLIGHT_PER_BATCHED)
        if self._in_flight and self._in_flight + wanted > shape.window:
            return 0
        return min(wanted, len(self._waiting))

    def _send(self, messages: int) -> Activity:
        batch = Batch(self, tuple(self._waiting.popleft() for _ in range(messages)))
        self._in_flight_changes(messages)
        self._parts.batches.append(messages)
        yield from self.manager.serve(part(self._parts.costs.queue_manager, messages, SENDING))
        yield from self._parts.visit(messages)
        self._parts.to_scan.put(batch)

    def _finish(self, batch: Batch) -> Activity:
        messages = len(batch)
        yield from self._parts.visit(messages)
        yield from self.manager.serve(part(self._parts.costs.queue_manager, messages, 1 - SENDING))
        self._in_flight_changes(-messages)
