"""Noticing that Redis has lost its data, and waiting until the workers have told again what they know.

Another marker than before means that whatever was in Redis is gone, or the last of it (see `marker`), and
with it marks of what was confirmed. Deliver workers write those again from their journals and say for which
marker they have done so (`keys.JOURNALS`). Until all that were alive before have said so, nothing is sent to
the workers, and they submit nothing (`keys.SETTLED`). What was seen is kept in a file, so that a loss is
noticed also by a queue manager that did not run when it happened.
"""

from __future__ import annotations

import enum
import logging
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, cast

import redis
from msgspec import Struct

from mailmill.errors import RecordError
from mailmill.keys import JOURNALS, SETTLED
from mailmill.marker import current_marker, same_data
from mailmill.records import decode, encode

log = logging.getLogger(__name__)

#: The file in `Incoming Queue Dir`.
FILE: Final = "redis-seen"
#: Seconds for which workers that were alive may keep silent after a loss. They look once a second; one that
#: was waiting for the dead Redis needs its `SOCKET_TIMEOUT` first, a killed one needs to be started again.
LOSS_GRACE: Final = 20.0
#: Seconds after which a worker that says nothing is not waited for any more.
ALIVE_SECONDS: Final = 60.0
#: Seconds after which the name of a silent worker is removed from Redis.
STALE_SECONDS: Final = 3600.0


class Look(enum.Enum):
    """What a look at Redis found."""

    #: Nothing was lost.
    STEADY = "steady"
    #: Data was just found to be lost.
    LOST = "lost"
    #: Some workers have not told again yet what they know.
    WAITING = "waiting"
    #: All have, or had time to. The next look is steady.
    TOLD = "told"


class Seen(Struct, frozen=True):
    """What the file holds: the marker, and the deliver processes that had a journal."""

    marker: str
    journals: tuple[str, ...]


class LossWatch:
    """Looks at the marker and at the journals."""

    def __init__(
        self, client: redis.Redis, path: Path, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Remember in the file `path` what was seen through `client`."""
        self._client = client
        self._path = path
        self._monotonic = monotonic
        self._seen = _read(path)
        self._said: dict[str, bytes] = {}
        self._changed: dict[str, float] = {}
        self._expected: frozenset[str] | None = None
        self._deadline = 0.0
        #: Whether the loss that `look` told of last was one of all data, and not only of the last of it.
        self.of_all = False

    def look(self) -> Look:
        """Look once; call this every second.

        Raises:
            redis.RedisError: Redis cannot be used.
        """
        now = self._monotonic()
        marker = current_marker(self._client)
        journals = cast("dict[bytes, bytes]", self._client.hgetall(JOURNALS))
        said = {name.decode(): value for name, value in journals.items()}
        seen = self._seen or self._seen_by_others(said)
        lost = seen is not None and seen.marker != marker
        if lost and seen is not None:
            before = self._expected is not None and self.of_all
            self.of_all = before or not same_data(seen.marker, marker)
            self._expected = frozenset(self._alive(now) or seen.journals)
            self._deadline = now + LOSS_GRACE
        self._note(said, now)
        self._remember(Seen(marker, tuple(sorted(self._alive(now)))))
        if lost:
            return Look.LOST
        if self._expected is None:
            self._settle(marker)
            return Look.STEADY
        silent = [name for name in self._expected if not _told(said.get(name, b""), marker)]
        if silent and now < self._deadline:
            return Look.WAITING
        for name in silent:
            log.warning("deliver process %s has not told what it knows, mail goes on without it", name)
        self._expected = None
        self._settle(marker)
        return Look.TOLD

    def _seen_by_others(self, said: Iterable[str]) -> Seen | None:
        """Return what a queue manager that has no file yet can know of the time before it."""
        settled = cast("bytes | None", self._client.get(SETTLED))
        return None if settled is None else Seen(settled.decode(), tuple(said))

    def _settle(self, marker: str) -> None:
        """Let the deliver workers submit, if nobody else has."""
        if self._client.get(SETTLED) != marker.encode():
            self._client.set(SETTLED, marker)

    def _alive(self, now: float) -> list[str]:
        return [name for name, changed in self._changed.items() if now - changed < ALIVE_SECONDS]

    def _note(self, said: dict[str, bytes], now: float) -> None:
        for name, value in said.items():
            if self._said.get(name) != value:
                self._changed[name] = now
        self._said = said
        stale = [name for name, changed in self._changed.items() if now - changed > STALE_SECONDS]
        for name in stale:
            del self._changed[name]
            self._client.hdel(JOURNALS, name)

    def _remember(self, seen: Seen) -> None:
        if seen == self._seen:
            return
        self._seen = seen
        temporary = self._path.with_name(f".{self._path.name}")
        try:
            with temporary.open("wb") as file:
                file.write(encode(seen))
                file.flush()
                os.fsync(file.fileno())
            temporary.rename(self._path)
        except OSError as exc:
            log.warning("%s: cannot be written: %s", self._path, exc)


def _read(path: Path) -> Seen | None:
    try:
        seen: Seen = decode(path.read_bytes(), Seen)
    except FileNotFoundError:
        return None
    except (OSError, RecordError) as exc:
        log.warning("%s: cannot be read: %s", path, exc)
        return None
    return seen


def _told(value: bytes, marker: str) -> bool:
    return value.startswith(f"{marker} ".encode())
