"""What waits on the disk: accepted messages in the order of arrival, and deferred ones by their time."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable

from mailmill_milter.queue_manager.item import Name


class Waiting:
    """Names of messages that are not in flight. A name is here at most once."""

    def __init__(self) -> None:
        self._ready: deque[Name] = deque()
        self._deferred: list[tuple[float, Name]] = []
        self._known: set[Name] = set()

    def __contains__(self, name: Name) -> bool:
        return name in self._known

    @property
    def ready(self) -> int:
        """How many messages could go now."""
        return len(self._ready)

    @property
    def deferred(self) -> int:
        """How many messages wait for their time."""
        return len(self._deferred)

    def add(self, names: Iterable[Name]) -> int:
        """Append messages that can go now, in this order; return how many were new."""
        new = 0
        for name in names:
            if name not in self._known:
                self._known.add(name)
                self._ready.append(name)
                new += 1
        return new

    def put_back(self, names: Iterable[Name]) -> None:
        """Put messages that could not go back to the front, in this order."""
        for name in reversed(list(names)):
            if name not in self._known:
                self._known.add(name)
                self._ready.appendleft(name)

    def defer(self, name: Name, until: float) -> None:
        """Let a message wait until a time in seconds since the epoch."""
        if name not in self._known:
            self._known.add(name)
            heapq.heappush(self._deferred, (until, name))

    def take(self, most: int) -> list[Name]:
        """Return and forget up to `most` messages that can go, first come first."""
        taken = [self._ready.popleft() for _ in range(min(most, len(self._ready)))]
        self._known.difference_update(taken)
        return taken

    def due(self, now: float) -> list[Name]:
        """Return and forget the deferred messages whose time has come, in its order."""
        names = []
        while self._deferred and self._deferred[0][0] <= now:
            names.append(heapq.heappop(self._deferred)[1])
        self._known.difference_update(names)
        return names

    def next_due(self) -> float | None:
        """Return when the next deferred message is due, in seconds since the epoch."""
        return self._deferred[0][0] if self._deferred else None
