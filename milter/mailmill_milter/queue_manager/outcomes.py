"""Reading outcomes, and noticing that Redis has lost its data.

The thread reads the edge's stream and hands batches on; the manager removes them from the stream only after
it has acted on its disk. Once a second it looks whether Redis has lost its data, and how the relay is.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast

import redis

from mailmill.errors import RecordError
from mailmill.keys import RELAY_HELD, outcomes_key
from mailmill.outcomes import Outcome
from mailmill.records import decode
from mailmill.reporter import FIELD
from mailmill_milter.queue_manager.losses import Look, LossWatch

log = logging.getLogger(__name__)

#: Entries of the stream that are read at once.
BATCH: Final = 500
#: Milliseconds to wait for an outcome; then the marker is looked at.
BLOCK: Final = 1000
#: The same while the workers are waited for.
HASTE: Final = 100
#: Seconds to wait after a read that brought something: what comes meanwhile is one batch with the next. Mail
#: does not wait for it, only the end of its file and the place in the window.
LINGER: Final = 0.02
#: Seconds between tries while Redis cannot be reached.
RECONNECT: Final = 1.0

OutcomeBatch = list[tuple[bytes, Outcome | None]]


@dataclass(frozen=True)
class Listeners:
    """Who is told what, on the reader's thread."""

    #: Outcomes have arrived. One that cannot be read is None, so that its entry is removed.
    arrived: Callable[[OutcomeBatch], None]
    #: Redis has lost data: nothing should be sent until the next `resumed`.
    lost: Callable[[], None]
    #: All that workers know has arrived, for the first time or after a loss, of all data (True) or not.
    resumed: Callable[[bool], None]
    #: Redis answers again after it did not, or has lost the last of its data.
    back: Callable[[], None]
    #: Whether no address of the relay may be tried; every second.
    relay_held: Callable[[bool], None]


class OutcomeReader:
    """A thread that reports batches of (entry id, outcome), losses of data and the state of the relay."""

    def __init__(self, client: redis.Redis, edge: str, losses: LossWatch, listeners: Listeners) -> None:
        """Read the outcomes of `edge` and look through `losses`."""
        self._client = client
        self._stream = outcomes_key(edge)
        self._losses = losses
        self._listeners = listeners
        self._last = b"0"
        #: Whether nothing is waited for before mail may be sent.
        self._settled = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="outcomes", daemon=True)

    def start(self) -> None:
        """Start reporting, beginning with what is still in the stream."""
        self._thread.start()

    def stop(self) -> None:
        """Stop reporting and end the thread."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def remove(self, entries: list[bytes]) -> None:
        """Remove entries that have been acted on; after an error they are read again at the next start."""
        try:
            self._client.xdel(self._stream, *entries)
        except redis.RedisError as exc:
            log.warning("cannot remove %d outcomes: %s", len(entries), exc)

    def _run(self) -> None:
        reachable = True
        checked = -BLOCK / 1000
        while not self._stopping.is_set():
            try:
                if time.monotonic() - checked >= (BLOCK if self._settled else HASTE) / 1000:
                    self._look()
                    checked = time.monotonic()
                if self._read(BLOCK if self._settled else HASTE) and self._settled:
                    self._stopping.wait(LINGER)
                if not reachable:
                    log.warning("Redis answers again")
                    self._listeners.back()
                reachable = True
            except redis.RedisError as exc:
                if reachable:
                    log.warning("cannot read outcomes, mail waits on the disk: %s", exc)
                reachable = False
                self._stopping.wait(RECONNECT)

    def _look(self) -> None:
        look = self._losses.look()
        if look is Look.LOST:
            # Entry ids of the new data may be smaller than those of the old (another clock): start anew.
            self._last = b"0"
            self._settled = False
            self._listeners.lost()
        elif not self._settled and look is not Look.WAITING:
            while self._read(None):
                pass  # what the workers have told must be acted on before anything is sent
            self._settled = True
            self._listeners.resumed(look is Look.TOLD and self._losses.of_all)
            if look is Look.TOLD and not self._losses.of_all:
                self._listeners.back()
        self._listeners.relay_held(self._client.pttl(RELAY_HELD) > 0)

    def _read(self, block: int | None) -> bool:
        """Report the next outcomes, waiting for at most `block` milliseconds; tell whether there were any."""
        answer = cast("Any", self._client.xread({self._stream: self._last}, count=BATCH, block=block))
        if not answer:
            return False
        entries = answer[0][1] if isinstance(answer, list) else answer[self._stream.encode()][0]
        batch: OutcomeBatch = []
        for entry, fields in entries:
            self._last = entry
            try:
                batch.append((entry, cast("Outcome", decode(fields[FIELD], Outcome))))
            except (RecordError, KeyError) as exc:
                log.error("an outcome cannot be read and is dropped: %s", exc)  # noqa: TRY400 - no trace wanted
                batch.append((entry, None))
        self._listeners.arrived(batch)
        return True
