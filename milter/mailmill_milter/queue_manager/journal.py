"""What the queue manager has to tell the message log, collected and written once per turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Protocol

from mailmill.mailids import MAIL_ID
from mailmill.messagelog.events import Event, Step
from mailmill.spoolfile import SpoolHeader


class EventSink(Protocol):
    """Where events go; it never raises for a log that cannot be written."""

    def write(self, events: Iterable[Event]) -> None:
        """Append the events."""


class Journal:
    """Events of one edge."""

    def __init__(self, node: str, sink: EventSink, clock: Callable[[], float] = time.time) -> None:
        """Write events of `node` to `sink`."""
        self._node = node
        self._sink = sink
        self._clock = clock
        self._events: list[Event] = []
        self._accepted: set[str] = set()

    def add(self, name: str, step: Step, detail: str = "") -> None:
        """Note a step of a message, named by its Mailmill id or a delivery id."""
        mail_id = name.rpartition(".")[0] or name
        self._events.append(Event(self._clock(), mail_id, step, self._node, detail))

    def enqueued(self, header: SpoolHeader, batch: int) -> None:
        """Note that a message went to the workers; the first time also whom it came from."""
        first = MAIL_ID.match(header.id) is not None and header.id not in self._accepted
        if first:
            self._accepted.add(header.id)
            envelope = header.envelope
            count = len(envelope.recipients)
            client = f"{envelope.client.name}[{envelope.client.address}]"
            detail = f"from=<{envelope.sender}>, client={client}, nrcpt={count}"
            self._events.append(
                Event(
                    header.arrival,
                    header.id,
                    Step.ACCEPTED,
                    self._node,
                    detail,
                    header.queue_id,
                    header.message_id,
                )
            )
        self.add(header.id, Step.ENQUEUED, f"in a batch of {batch}" if batch > 1 else "")

    def finished(self, name: str, age: float) -> None:
        """Note that a message has reached its end, `age` seconds after it was accepted."""
        self._accepted.discard(name)
        self.add(name, Step.FINISHED, f"after {age:.2f} s")

    def flush(self) -> None:
        """Write what was noted."""
        if self._events:
            events, self._events = self._events, []
            self._sink.write(events)
