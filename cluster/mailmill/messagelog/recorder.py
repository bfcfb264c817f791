"""The recorder: takes events from the stream in Redis and stores them in the database, each of them once.

An entry, which holds some events, leaves the stream only after the database has committed them. A recorder
that dies in between leaves it claimed but not acknowledged; after a while any recorder claims it again, and
the store knows its events already.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import redis

from mailmill.errors import MessageLogError
from mailmill.keys import EVENTS
from mailmill.messagelog.entries import Entry, from_fields
from mailmill.messagelog.events import Event
from mailmill.messagelog.store import MessageLog

#: The consumer group of all recorders, and the one consumer in it: who died does not matter, what waits does.
GROUP: Final = "recorder"

#: Entries of one transaction: large enough that the fsync at its end is shared by many, small enough (0.5 MB)
#: to be held while the database is locked.
BATCH: Final = 250

#: Seconds to wait after a batch that was not full: the next one is larger, and ten events in a transaction
#: cost hardly more than one.
LINGER: Final = 0.25

#: Milliseconds that a read waits for events; a recorder that is told to stop takes as long. Far below the
#: socket time-out of the connection.
BLOCK: Final = 1_000

#: Seconds after which entries that were read and not acknowledged are read again: longer than a transaction.
CLAIM_AFTER: Final = 60.0

#: Seconds between two looks for such entries.
CLAIM_INTERVAL: Final = 15.0

#: Seconds between two removals of what is older than Message Log Days.
PURGE_INTERVAL: Final = 3_600.0

#: Seconds to wait after the first failure of Redis or the database, and at most; it doubles in between.
FIRST_PAUSE: Final = 0.5
LAST_PAUSE: Final = 30.0

_log = logging.getLogger(__name__)

_Raw = list[tuple[bytes, Mapping[bytes, bytes]]]


class Recorder:
    """Moves events from Redis to the database, whatever fails meanwhile."""

    def __init__(
        self,
        client: redis.Redis,
        log: MessageLog,
        lifetime: float,
        claim_after: float = CLAIM_AFTER,
        clock: Callable[[], float] = time.time,
        recorded: Callable[[Iterable[Event]], None] = lambda _: None,
    ) -> None:
        """Keep events for `lifetime` seconds; entries of a dead recorder are claimed after `claim_after`.

        `recorded` hears of events that are in the database.
        """
        self._client = client
        self._store = log
        self._lifetime = lifetime
        self._claim_after = claim_after
        self._clock = clock
        self._recorded = recorded
        self._ready = False
        #: What was read and is not acknowledged yet.
        self._held: _Raw = []
        self._next_claim = 0.0
        self._next_purge = 0.0
        self._purge: Iterator[int] | None = None

    def run(self, stop: threading.Event) -> None:
        """Record until `stop` is set. No failure of Redis or of the database ends it."""
        pause = FIRST_PAUSE
        while not stop.is_set():
            try:
                if 0 < self.turn() < BATCH:
                    stop.wait(LINGER)
            except (redis.RedisError, MessageLogError) as exc:
                _log.warning("nothing is recorded, trying again in %.1f s: %s", pause, exc)
                self._ready = False
                stop.wait(pause)
                pause = min(2 * pause, LAST_PAUSE)
            else:
                pause = FIRST_PAUSE

    def turn(self) -> int:
        """Take one batch and return how many entries it had. It waits for `BLOCK` when there are none.

        Raises:
            MessageLogError: the database refuses; the batch is kept for the next turn.
            redis.RedisError: Redis cannot be used.
        """
        if not self._ready:
            self._prepare()
        if not self._held:
            self._clean_up()
            self._held = self._claimed() or self._fresh()
        taken = len(self._held)
        if taken:
            entries = list(_decoded(self._held))
            self._store.add(entries)
            self._forget([entry_id for entry_id, _ in self._held])
            self._held = []
            self._recorded(entry.event for entry in entries)
            _log.debug("message log: %d events recorded", len(entries))
        return taken

    def _prepare(self) -> None:
        self._store.create()
        try:
            self._client.xgroup_create(EVENTS, GROUP, id="0", mkstream=True)
        except redis.ResponseError as exc:
            if not str(exc).startswith("BUSYGROUP"):
                raise
        self._ready = True

    def _claimed(self) -> _Raw:
        """Return entries of a recorder that has died."""
        now = time.monotonic()
        if now < self._next_claim:
            return []
        answer: Any = self._client.xautoclaim(
            EVENTS, GROUP, GROUP, min_idle_time=int(self._claim_after * 1000), count=BATCH
        )
        entries: _Raw = answer[1]
        if not entries:
            self._next_claim = now + CLAIM_INTERVAL
        else:
            _log.info("message log: %d entries of a recorder that has died are recorded again", len(entries))
        return entries

    def _fresh(self) -> _Raw:
        answer: Any = self._client.xreadgroup(GROUP, GROUP, {EVENTS: ">"}, count=BATCH, block=BLOCK)
        return answer[0][1] if answer else []

    def _forget(self, entry_ids: list[bytes]) -> None:
        with self._client.pipeline(transaction=True) as pipe:
            pipe.xack(EVENTS, GROUP, *entry_ids)
            pipe.xdel(EVENTS, *entry_ids)
            pipe.execute()

    def _clean_up(self) -> None:
        """Remove a piece of what is too old, when it is time for it; events go on between the pieces."""
        if self._purge is None:
            now = time.monotonic()
            if now < self._next_purge:
                return
            self._purge = self._store.purge(self._clock() - self._lifetime)
            self._next_purge = now + PURGE_INTERVAL
        try:
            removed = next(self._purge, None)
        except MessageLogError:
            self._purge = None
            raise
        if removed is None:
            self._purge = None
        elif removed:
            _log.info("message log: %d old events removed", removed)


def _decoded(raw: _Raw) -> Iterator[Entry]:
    for entry_id, fields in raw:
        for found in from_fields(entry_id, fields):
            if isinstance(found, Entry):
                yield found
            else:
                _log.error("message log: entry %r: an event is dropped: %s", entry_id.decode(), found)
