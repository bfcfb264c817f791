"""How much waits in the queues: counted by one process of the edge, and read by all of them.

A count of 100,000 files takes some tenths of a second. So it is taken by whichever milter process first finds
the last one too old, written into a small file in the incoming queue, and believed for many times as long as
it took. All of it is a hint: a process that cannot write or read the file counts for itself.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from mailmill.errors import RecordError
from mailmill.records import decode, encode
from mailmill.spool import Spool, State

#: Seconds for which a count is believed at least.
SHORTEST_INTERVAL: Final = 2.0
#: A count is renewed so seldom that counting takes at most one part in so many of the time.
COUNT_SHARE: Final = 20
_FILE: Final = "census"
_LOCK: Final = "census.lock"


#: Runs a call, at some other place and time.
Elsewhere = Callable[[Callable[[], None]], object]


class Census(Struct, frozen=True):
    """What waited at one moment, in all queues together."""

    #: When it was counted, by the host's monotonic clock, in seconds.
    taken: float
    #: How long the counting took, in seconds.
    took: float
    #: Messages in `active` and `deferred`, and the bytes of their files.
    messages: int
    bytes: int
    #: When the message that waits longest in `active` came there or was due, in seconds since the epoch; None
    #: when none waits. Deferred messages wait for their time and do not count.
    oldest: float | None

    def interval(self) -> float:
        """Return for how many seconds it is believed."""
        return max(SHORTEST_INTERVAL, COUNT_SHARE * self.took)

    def fresh(self, now: float) -> bool:
        """Say whether it is still believed; one of the future is from before the host was started."""
        return 0 <= now - self.taken < self.interval()


class CensusTaker:
    """Gives the latest census of some queues; used by many threads and processes."""

    def __init__(self, spools: Sequence[Spool], monotonic: Callable[[], float] = time.monotonic) -> None:
        """Count `spools`; the first one holds the files."""
        self._spools = spools
        self._monotonic = monotonic
        self._directory = spools[0].root
        self._last: Census | None = None
        #: Runs a count somewhere else; None: whoever asks counts.
        self._elsewhere: Elsewhere | None = None
        self._counting = False

    def count_elsewhere(self, run: Elsewhere) -> None:
        """Let `run` run the counts from now on: who asks gets the last one, while that is not too old."""
        self._elsewhere = run

    def latest(self) -> Census:
        """Return a census: counted now when the last one is too old and nobody else is counting.

        Raises:
            OSError: the queues cannot be read.
        """
        now = self._monotonic()
        if self._last is None or not self._last.fresh(now):
            self._last = self._read() or self._last
        if self._last is None or not self._last.fresh(now):
            if self._last and self._elsewhere and self._last.fresh(now - self._last.interval()):
                self._begin_count(self._elsewhere)
            else:
                self._last = self._renewed(self._last)
        return self._last

    def _begin_count(self, elsewhere: Elsewhere) -> None:
        if not self._counting:
            self._counting = True
            elsewhere(self._count_again)

    def _count_again(self) -> None:
        try:
            with contextlib.suppress(
                OSError
            ):  # whoever asks when the last one is too old counts, and is told
                self._last = self._renewed(self._last)
        finally:
            self._counting = False

    def _renewed(self, last: Census | None) -> Census:
        """Count, unless somebody else does and `last` is something to go by."""
        with self._alone() as alone:
            if last and not alone:
                return last
            census = self._count()
            self._write(census)
            return census

    def _count(self) -> Census:
        begin = self._monotonic()
        messages = size = 0
        oldest: float | None = None
        for spool in self._spools:
            for state in (State.ACTIVE, State.DEFERRED):
                for entry in spool.entries(state):
                    messages += 1
                    size += entry.size
                    if state is State.ACTIVE:
                        oldest = entry.changed if oldest is None else min(oldest, entry.changed)
        end = self._monotonic()
        return Census(taken=end, took=end - begin, messages=messages, bytes=size, oldest=oldest)

    def _read(self) -> Census | None:
        try:
            found: Census = decode((self._directory / _FILE).read_bytes(), Census)
        except (OSError, RecordError):
            return None
        return found

    def _write(self, census: Census) -> None:
        temporary = self._directory / f"{_FILE}.{os.getpid()}"
        with contextlib.suppress(OSError):
            temporary.write_bytes(encode(census))
            temporary.replace(self._directory / _FILE)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[bool]:
        """Say whether nobody else is counting, in this process or another."""
        try:
            fd = os.open(self._directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            yield True
            return
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
        finally:
            os.close(fd)
