"""The writer: puts events into the stream that the recorder reads."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec
import redis

from mailmill.keys import EVENTS
from mailmill.messagelog.entries import PACK, to_fields
from mailmill.messagelog.events import Event

#: How many entries Redis keeps while no recorder takes them; the oldest go first. An event takes about 270
#: bytes there (measured: Redis 7.0, 230 bytes of JSON): this is 110 MB when all entries are full, the events
#: of 12,000 messages that came one by one or of 60,000 that came in batches. It must stay small beside what
#: mail in flight may take, because a full Redis stops mail.
MAX_ENTRIES: Final = 50_000

#: Seconds between two lines in the log that say that events cannot be written.
COMPLAINT_INTERVAL: Final = 60.0

_log = logging.getLogger(__name__)


class EventWriter:
    """Writes the events of one node. A message log that cannot be written never stops mail."""

    def __init__(
        self, client: redis.Redis, node: str, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Use `client`; `node` is filled in where an event names none."""
        self._client = client
        self._node = node
        self._monotonic = monotonic
        self._lost = 0
        self._complained: float | None = None

    def write(self, events: Iterable[Event]) -> None:
        """Write events in one round trip. When Redis cannot be used they are lost, and the log says so."""
        wanted = list(events)
        if not wanted:
            return
        try:
            with self._client.pipeline(transaction=False) as pipe:
                self.add_to(pipe, wanted)
                pipe.execute()
        except redis.RedisError as exc:
            self._complain(len(wanted), exc)

    def add_to(self, pipe: redis.client.Pipeline, events: Iterable[Event]) -> None:
        """Add the commands that write `events` to a pipeline, which the caller executes."""
        named = [event if event.node else msgspec.structs.replace(event, node=self._node) for event in events]
        for start in range(0, len(named), PACK):
            # Not typed by redis-py: the dict of fields is invariant there.
            fields: dict[Any, Any] = {**to_fields(named[start : start + PACK])}
            pipe.xadd(EVENTS, fields, maxlen=MAX_ENTRIES, approximate=True)

    def _complain(self, lost: int, exc: redis.RedisError) -> None:
        self._lost += lost
        now = self._monotonic()
        if self._complained is not None and now - self._complained < COMPLAINT_INTERVAL:
            return
        _log.warning("message log: %d events could not be written: %s", self._lost, exc)
        self._complained = now
        self._lost = 0
