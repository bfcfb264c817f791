"""Noticing that a scan worker has gone with all of its processes: what it had in hand is tried again soon.

One that loses a single process reports that itself. When the whole worker dies (its host, its container, kill
-9), its heartbeat in Redis stops while the notes of what it was scanning stay.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Final

import redis

from mailmill.keys import alive_key
from mailmill.outcomes import ScanFailed
from mailmill.scannotes import abandoned, noted
from mailmill.tasks import SCAN_QUEUE

log = logging.getLogger(__name__)

#: Seconds between looks.
INTERVAL: Final = 3.0
#: Seconds for which a heartbeat must be missing, as seen here without a break: after Redis was away, workers
#: need as long to come back.
GRACE: Final = 10.0


class WorkerWatch:
    """A thread that reports the scans that no living worker does any more."""

    def __init__(
        self,
        client: redis.Redis,
        edge: str,
        failed: Callable[[list[ScanFailed]], None],
        looked: Callable[[AbstractSet[str], bool], None],
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Watch over the messages of `edge`; call these on the thread.

        `failed` hears of scans that no living worker does, `looked` what is noted as being scanned and
        whether the queue of scan tasks was empty just before.
        """
        self._client = client
        self._edge = edge
        self._failed = failed
        self._looked = looked
        self._clock = clock
        self._monotonic = monotonic
        self._missing: dict[str, float] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="workers", daemon=True)

    def start(self) -> None:
        """Start watching."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching and end the thread."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def look(self) -> None:
        """Look once.

        Raises:
            redis.RedisError: Redis cannot be used.
        """
        # In this order: what leaves the queue meanwhile is in the notes, or counts as waiting.
        queue_empty = not self._client.llen(SCAN_QUEUE)
        notes = noted(self._client, self._edge)
        self._looked(notes.keys(), queue_empty)
        now = self._monotonic()
        workers = sorted({note.worker for note in notes.values()})
        missing = [worker for worker in workers if not self._client.exists(alive_key(worker))]
        self._missing = {worker: self._missing.get(worker, now) for worker in missing}
        gone = {worker for worker, since in self._missing.items() if now - since >= GRACE}
        lost = {mail_id: note for mail_id, note in notes.items() if note.worker in gone}
        failures = abandoned(self._client, self._edge, lost, self._clock())
        if failures:
            log.warning("%s: gone with %d messages in hand", ", ".join(sorted(gone)), len(failures))
            self._failed(failures)

    def _run(self) -> None:
        while not self._stopping.wait(INTERVAL):
            try:
                self.look()
            except redis.RedisError:
                self._missing.clear()  # others tell that Redis is away
