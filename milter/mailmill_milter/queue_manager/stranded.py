"""Messages whose scan task has gone: in no queue and with no worker, and long before their lease would tell.

The broker's queue is first in, first out: when something that was sent later has been begun, what was sent
earlier has left the queue. If no worker has it in its notes either, its task died on the way: with the
worker that had just taken it, or in the broker (kombu #305: a task that is taken and not yet recorded).
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Final

from mailmill_milter.queue_manager.item import Item, Queue

#: Looks in a row at which a message must be stranded. A worker that has taken a task may need seconds to
#: begin it, when it has to start a process for it.
LOOKS: Final = 4


class Stranded:
    """Counts at how many looks in a row a message was seen nowhere."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def look(self, in_flight: Iterable[Item], begun: Container[str], *, queue_empty: bool) -> list[Item]:
        """Return what has to be sent again.

        Args:
            in_flight: The messages in flight in the order in which they were sent.
            begun: The ids of those that a worker has in its notes.
            queue_empty: Whether no scan task waits in the broker.
        """
        overtaken: list[Item] = []
        waiting: list[Item] = []
        for item in in_flight:
            if item.name.queue is not Queue.INCOMING:
                continue
            if item.scanned or item.name.text in begun:
                overtaken += waiting
                waiting.clear()
            else:
                waiting.append(item)
        if queue_empty:
            overtaken += waiting
        self._seen = {item.name.text: self._seen.get(item.name.text, 0) + 1 for item in overtaken}
        lost = [item for item in overtaken if self._seen[item.name.text] >= LOOKS]
        for item in lost:
            del self._seen[item.name.text]
        return lost
