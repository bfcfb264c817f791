"""The window: what is in flight, bounded in messages and bytes; the rest waits on the disk."""

from __future__ import annotations

import math
from collections.abc import Iterator

from mailmill_milter.queue_manager.item import Item, Name, Queue


class Window:
    """The messages in flight."""

    def __init__(self, max_messages: int, max_bytes: int) -> None:
        """Hold at most `max_messages` messages and `max_bytes` bytes; one larger message may go alone."""
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._items: dict[Name, Item] = {}
        self._bytes = 0
        self._outgoing = 0
        self._allowed = math.inf

    def resize(self, max_messages: int, max_bytes: int) -> None:
        """Change the bounds; what is in flight beyond them stays so."""
        self._max_messages = max_messages
        self._max_bytes = max_bytes

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Item]:
        return iter(tuple(self._items.values()))

    @property
    def max_messages(self) -> int:
        """The most messages that may be in flight."""
        return self._max_messages

    @property
    def outgoing(self) -> int:
        """How many messages of the outgoing queue are in flight."""
        return self._outgoing

    @property
    def bytes_in_flight(self) -> int:
        """Bytes of the spool files in flight."""
        return self._bytes

    def has_room(self, messages: int, size: int) -> bool:
        """Tell whether `messages` more with `size` bytes in all may go."""
        if len(self._items) + messages > self._max_messages or not self._allowed:
            return False
        if size > self._allowed and (self._items or messages > 1):
            return False
        return self._bytes + size <= self._max_bytes or (not self._items and messages == 1)

    def lacks(self, messages: int) -> bool:
        """Tell whether something is in flight and there is no room for `messages` more."""
        return bool(self._items) and len(self._items) + messages > self._max_messages

    def allow(self, size: float) -> None:
        """Let `size` more bytes go until the next word, as far as the window's own bounds allow."""
        self._allowed = size

    def add(self, item: Item) -> None:
        """Let a message go; one that is there already is replaced (it was sent again)."""
        self.drop(item.name)
        self._allowed = max(0.0, self._allowed - item.size)
        self._items[item.name] = item
        self._bytes += item.size
        self._outgoing += item.name.queue is Queue.OUTGOING

    def get(self, name: Name) -> Item | None:
        """Return the message of that name, if it is in flight."""
        return self._items.get(name)

    def drop(self, name: Name) -> Item | None:
        """Take a message out of the window and return it, if it was there."""
        item = self._items.pop(name, None)
        if item is not None:
            self._bytes -= item.size
            self._outgoing -= item.name.queue is Queue.OUTGOING
        return item

    def shorten(self, until: float) -> None:
        """Let no lease last beyond `until` (monotonic clock)."""
        for item in self._items.values():
            item.lease_until = min(item.lease_until, until)

    def overdue(self, now: float) -> list[Item]:
        """Return the messages whose lease has ended at `now` (monotonic clock), oldest first."""
        # A dict keeps insertion order, and a lease that is longer is at its end: the first is the oldest.
        late = []
        for item in self._items.values():
            if item.lease_until > now:
                break
            late.append(item)
        return late
