"""What waits on the disk: accepted messages in the order of arrival, and deferred ones by their time."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable

from mailmill_milter.queue_manager.item import Name, Queue


class Waiting:
    """Names of messages that are not in flight. A name is here at most once."""

    def __init__(self) -> None:
        self._incoming: deque[Name] = deque()
        #: A heap: what waits for the relay goes oldest first, however it came here.
        self._outgoing: list[Name] = []
        self._deferred: list[tuple[float, Name]] = []
        self._known: set[Name] = set()

    def __contains__(self, name: Name) -> bool:
        return name in self._known

    @property
    def ready(self) -> int:
        """How many messages could go now."""
        return len(self._incoming) + len(self._outgoing)

    def can_go(self, incoming: int, outgoing: int) -> bool:
        """Tell whether `take` would return something."""
        return bool((incoming and self._incoming) or (outgoing and self._outgoing))

    @property
    def deferred(self) -> int:
        """How many messages wait for their time."""
        return len(self._deferred)

    def add(self, names: Iterable[Name]) -> int:
        """Append messages that can go now; return how many were new."""
        new = 0
        for name in names:
            if name not in self._known:
                self._known.add(name)
                self._append(name)
                new += 1
        return new

    def put_back(self, names: Iterable[Name]) -> None:
        """Put messages that could not go back to the front."""
        for name in reversed(list(names)):
            if name not in self._known:
                self._known.add(name)
                if name.queue is Queue.INCOMING:
                    self._incoming.appendleft(name)
                else:
                    heapq.heappush(self._outgoing, name)

    def defer(self, name: Name, until: float) -> None:
        """Let a message wait until a time in seconds since the epoch."""
        if name not in self._known:
            self._known.add(name)
            heapq.heappush(self._deferred, (until, name))

    def hasten(self, latest: float) -> None:
        """Let no deferred message wait beyond `latest`: the clock was set back since it was deferred."""
        if any(until > latest for until, _ in self._deferred):
            self._deferred = [(min(until, latest), name) for until, name in self._deferred]
            heapq.heapify(self._deferred)

    def take(self, most: int, incoming: int, outgoing: int) -> list[Name]:
        """Return and forget up to `most` messages that can go, the older queue's first one first.

        Of each queue it takes at most `incoming` or `outgoing`.
        """
        taken: list[Name] = []
        while len(taken) < most and self.can_go(incoming, outgoing):
            older = bool(outgoing and self._outgoing)
            if older and incoming and self._incoming:
                older = self._outgoing[0] < self._incoming[0]
            if older:
                taken.append(heapq.heappop(self._outgoing))
                outgoing -= 1
            else:
                taken.append(self._incoming.popleft())
                incoming -= 1
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

    def _append(self, name: Name) -> None:
        if name.queue is Queue.INCOMING:
            self._incoming.append(name)
        else:
            heapq.heappush(self._outgoing, name)
