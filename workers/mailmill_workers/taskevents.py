"""Celery's events about tasks, for Flower: several in one message.

Celery sends what it has buffered in the next turn of its loop, which is one PUBLISH for each of the three
events of a task. That was more than half of what the parent process of a pool did for a task.
"""

from __future__ import annotations

import time
from typing import Any, Final

from celery.worker.consumer import Consumer

#: Seconds that an event waits for others; 24 of them do not wait (Celery: EventDispatcher, buffer_limit).
LINGER: Final = 0.5
#: Where Celery finds the class below (setting `worker_consumer`).
CONSUMER: Final = f"{__name__}:GatheringConsumer"


class GatheringConsumer(Consumer):  # type: ignore[misc]  # Celery has no types
    """Takes tasks as Celery does, and lets their events wait for each other."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """See `Consumer`."""
        super().__init__(*args, **kwargs)
        self._due = 0.0

    def on_send_event_buffered(self) -> None:
        """See `Consumer`: an event was put into the buffer."""
        now = time.monotonic()
        # By the clock, not by a mark: a lost connection clears the timer.
        if self.hub and now >= self._due:
            self._due = now + LINGER
            self.timer.call_after(LINGER, self._flush_events)
