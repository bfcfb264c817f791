"""Back-pressure: whether the edge may take another message over (R6)."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Final

from mailmill.spool import Spool, State

#: Seconds for which an answer of the file system is believed.
CHECK_INTERVAL: Final = 1.0
#: The count of messages is renewed so seldom that counting takes at most one part in so many of the time.
COUNT_SHARE: Final = 20
#: A limit that was reached must be left by this share of it before mail is taken again: without it the edge
#: would change its mind with every message.
HYSTERESIS: Final = 0.1
#: Inodes that must be free: a message needs one, and the outgoing queue must be able to drain.
MIN_FREE_INODES: Final = 100


class Gate:
    """Watches the incoming queue's file system and length, at most once in `CHECK_INTERVAL`."""

    def __init__(
        self,
        spool: Spool,
        *,
        min_free: int,
        max_messages: int,
        statvfs: Callable[[str], os.statvfs_result] = os.statvfs,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the limits `Milter Min Free Space` (bytes) and `Milter Max Spool Messages` (0: none)."""
        self._spool = spool
        self._min_free = min_free
        self._max_messages = max_messages
        self._statvfs = statvfs
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._checked = self._counted = float("-inf")
        self._count_interval = CHECK_INTERVAL
        self._free = 0
        self._no_inodes = self._short = self._crowded = False

    def refusal(self, size: int) -> str:
        """Return why a message with `size` bytes still to be written cannot be taken; empty when it can.

        Raises:
            OSError: the spool cannot be looked at.
        """
        with self._lock:
            self._look()
            if self._short or self._free < self._min_free + size:
                return "insufficient space in the mail spool"
            if self._no_inodes:
                return "no inodes left in the mail spool"
            if self._crowded:
                return "too many messages wait in the mail spool"
            return ""

    def _look(self) -> None:
        now = self._monotonic()
        if now - self._checked >= CHECK_INTERVAL:
            found = self._statvfs(str(self._spool.root))
            self._free = found.f_bavail * found.f_frsize
            self._short = self._free < self._min_free * (1 + HYSTERESIS * self._short)
            # A file system without an inode table reports none at all.
            self._no_inodes = found.f_files > 0 and found.f_favail < MIN_FREE_INODES
            self._checked = now
        if self._max_messages and now - self._counted >= self._count_interval:
            count = sum(1 for state in (State.ACTIVE, State.DEFERRED) for _ in self._spool.names(state))
            self._crowded = count >= self._max_messages * (1 - HYSTERESIS * self._crowded)
            self._counted = self._monotonic()
            self._count_interval = max(CHECK_INTERVAL, COUNT_SHARE * (self._counted - now))
