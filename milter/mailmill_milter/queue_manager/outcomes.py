"""Reading outcomes, and noticing that Redis has lost its data.

The thread reads the edge's stream and hands batches on; the manager removes them from the stream only after
it has acted on its disk. Once a second it looks at the marker: another value than before means that whatever
was in Redis is gone.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable
from typing import Any, Final, cast

import redis

from mailmill.errors import RecordError
from mailmill.keys import MARKER, outcomes_key
from mailmill.outcomes import Outcome
from mailmill.records import decode
from mailmill.reporter import FIELD

log = logging.getLogger(__name__)

#: Entries of the stream that are read at once.
BATCH: Final = 500
#: Milliseconds to wait for an outcome; then the marker is looked at.
BLOCK: Final = 1000
#: Seconds between tries while Redis cannot be reached.
RECONNECT: Final = 1.0

OutcomeBatch = list[tuple[bytes, Outcome | None]]


class OutcomeReader:
    """A thread that reports batches of (entry id, outcome) and losses of data."""

    def __init__(
        self,
        client: redis.Redis,
        edge: str,
        arrived: Callable[[OutcomeBatch], None],
        lost: Callable[[], None],
    ) -> None:
        """Read the outcomes of `edge`; call `arrived` and `lost` on the thread.

        An outcome that cannot be read is reported as None, so that its entry is removed.
        """
        self._client = client
        self._stream = outcomes_key(edge)
        self._arrived = arrived
        self._lost = lost
        self._last = b"0"
        self._marker: bytes | None = None
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
        checked = 0.0
        while not self._stopping.is_set():
            try:
                if time.monotonic() - checked >= BLOCK / 1000:
                    self._check_marker()
                    checked = time.monotonic()
                self._read()
                if not reachable:
                    log.warning("Redis answers again")
                reachable = True
            except redis.RedisError as exc:
                if reachable:
                    log.warning("cannot read outcomes, mail waits on the disk: %s", exc)
                reachable = False
                self._stopping.wait(RECONNECT)

    def _check_marker(self) -> None:
        value = cast("bytes | None", self._client.get(MARKER))
        if value is None:
            self._client.set(MARKER, secrets.token_hex(8), nx=True)
            value = cast("bytes | None", self._client.get(MARKER))
        if self._marker is not None and value != self._marker:
            # Entry ids of the new data may be smaller than those of the old (another clock): start anew.
            self._last = b"0"
            self._lost()
        self._marker = value

    def _read(self) -> None:
        answer = cast("Any", self._client.xread({self._stream: self._last}, count=BATCH, block=BLOCK))
        if not answer:
            return
        entries = answer[0][1] if isinstance(answer, list) else answer[self._stream.encode()][0]
        batch: OutcomeBatch = []
        for entry, fields in entries:
            self._last = entry
            try:
                batch.append((entry, cast("Outcome", decode(fields[FIELD], Outcome))))
            except (RecordError, KeyError) as exc:
                log.error("an outcome cannot be read and is dropped: %s", exc)  # noqa: TRY400 - no trace wanted
                batch.append((entry, None))
        self._arrived(batch)
