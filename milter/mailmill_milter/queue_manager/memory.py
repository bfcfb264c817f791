"""How much mail Redis still has room for: near its memory limit nothing more is sent there (R6).

Mail is accepted all the same and waits on the disk. What a Redis at its limit would refuse is not only mail
but also the outcomes and marks of what is in flight, with which it gets its room back. When it stays full all
the same (others have filled it, or buffers took what was left), mail in flight is taken back from it.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

import redis

from mailmill.threshold import Ceiling

log = logging.getLogger(__name__)

#: Seconds between looks.
INTERVAL: Final = 1.0
#: The share of `maxmemory` at which nothing more is sent. The rest is for what workers write: deliveries,
#: outcomes, marks and events of what is in flight, and what other edges send between two looks.
HIGH: Final = 0.85
#: The share below which mail is sent again.
LOW: Final = 0.75
#: The share at which writes of workers are taken to have been refused.
FULL: Final = 0.99
#: Looks in a row at a full Redis after which mail is taken back from it: buffers of connections, which count
#: as well, are gone by then.
FULL_LOOKS: Final = 3
#: The only policy of eviction under which tasks are not lost.
NOEVICTION: Final = "noeviction"


class Memory:
    """The memory of one Redis."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._near = Ceiling(HIGH, (HIGH - LOW) / HIGH)
        self._warned = False
        #: Whether writes have probably been refused since `room` was last more than nothing.
        self.was_full = False
        #: Looks in a row at which it was full.
        self._full_looks = 0
        #: Bytes that have to go before work can go on: nothing unless it stays full.
        self.excess = 0

    def room(self) -> float:
        """Return how many bytes of mail may be sent until the next look; infinity when there is no limit.

        Raises:
            redis.RedisError: it cannot be asked.
        """
        found: dict[str, Any] = self._client.info("memory")
        limit = found["maxmemory"]
        self.excess = 0
        if not limit:
            return math.inf
        if found["maxmemory_policy"] != NOEVICTION and not self._warned:
            self._warned = True
            log.error(
                "Redis evicts tasks when it is full (maxmemory-policy %s): set %s",
                found["maxmemory_policy"],
                NOEVICTION,
            )
        used = found["used_memory"] - found.get("mem_not_counted_for_evict", 0)
        full = used >= FULL * limit
        self.was_full = self.was_full or full
        self._full_looks = self._full_looks + 1 if full else 0
        if self._full_looks >= FULL_LOOKS:
            self.excess = math.ceil(used - LOW * limit)
        return 0.0 if self._near.reached(used / limit) else max(0.0, HIGH * limit - used)


class MemoryWatch:
    """A thread that tells how much may be sent."""

    def __init__(
        self,
        clients: Sequence[redis.Redis],
        room: Callable[[float], None],
        excess: Callable[[int], None],
        relieved: Callable[[], None],
    ) -> None:
        """Look at each Redis of `clients`.

        Args:
            clients: The broker's, and that of the contents where it is another one.
            room: Hears every second how many bytes of mail may be sent until the next word.
            excess: Hears how many bytes of mail have to be taken back from a Redis that stays full.
            relieved: Hears that a Redis which refused writes has room again.
        """
        self._memories = [Memory(client) for client in clients]
        self._room = room
        self._excess = excess
        self._relieved = relieved
        #: Whether a Redis is near its limit, so that nothing is sent.
        self.closed = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memory", daemon=True)

    def start(self) -> None:
        """Start looking."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking and end the thread."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def look(self) -> None:
        """Look once and tell. A Redis that cannot be asked is a matter of those who need it."""
        try:
            room = min(memory.room() for memory in self._memories)
        except redis.RedisError as exc:
            log.debug("how much memory Redis uses is not known: %s", exc)
            return
        closed = not room
        if closed and not self.closed:
            log.warning("Redis is near its memory limit: mail waits on the disk")
        elif self.closed and not closed:
            log.warning("Redis has room again")
        self.closed = closed
        self._room(room)
        excess = max(memory.excess for memory in self._memories)
        if excess:
            self._excess(excess)
        if not closed and any(memory.was_full for memory in self._memories):
            for memory in self._memories:
                memory.was_full = False
            self._relieved()

    def _run(self) -> None:
        while not self._stopping.wait(INTERVAL):
            self.look()
