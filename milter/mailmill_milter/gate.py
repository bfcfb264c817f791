"""Back-pressure: whether the edge may take another message over (R6)."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mailmill.drainflag import is_draining
from mailmill.settings import Settings
from mailmill.settings.options.milter import (
    MILTER_MAX_SPOOL_AGE,
    MILTER_MAX_SPOOL_BYTES,
    MILTER_MAX_SPOOL_MESSAGES,
    MILTER_MIN_FREE,
    MILTER_MIN_INODES,
)
from mailmill.spool import Spool
from mailmill.threshold import Ceiling, Floor
from mailmill_milter.answers import Answer, not_accepting, system_full
from mailmill_milter.census import CensusTaker, Elsewhere

#: Seconds for which what was found is believed.
CHECK_INTERVAL: Final = 1.0


@dataclass(frozen=True)
class Limits:
    """What the queues of an edge may hold; 0 is no limit."""

    #: Bytes that must be free besides the message itself.
    min_free: int = 0
    min_inodes: int = 0
    max_messages: int = 0
    max_bytes: int = 0
    #: Seconds that a message may wait in `active`.
    max_age: int = 0

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """Return what the settings say."""
        return cls(
            min_free=settings[MILTER_MIN_FREE],
            min_inodes=settings[MILTER_MIN_INODES],
            max_messages=settings[MILTER_MAX_SPOOL_MESSAGES],
            max_bytes=settings[MILTER_MAX_SPOOL_BYTES],
            max_age=settings[MILTER_MAX_SPOOL_AGE],
        )

    @property
    def on_census(self) -> bool:
        """Whether the queues must be counted."""
        return bool(self.max_messages or self.max_bytes or self.max_age)


class Gate:
    """Watches the queues and their file systems, at most once in `CHECK_INTERVAL`; used by many threads."""

    def __init__(
        self,
        incoming: Spool,
        outgoing: Spool,
        limits: Limits,
        *,
        statvfs: Callable[[str], os.statvfs_result] = os.statvfs,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Watch both queues of an edge: what the relay does not take moves from the first to the second."""
        self._spools = (incoming, outgoing)
        self._limits = limits
        self._statvfs = statvfs
        self._clock = clock
        self._monotonic = monotonic
        self._census = CensusTaker(self._spools, monotonic)
        self._lock = threading.Lock()
        self._free = 0
        self._closed: Answer | None = None
        self._set_thresholds()

    def count_elsewhere(self, run: Elsewhere) -> None:
        """Let `run` run the counts of what waits: who asks for a refusal does not wait for them."""
        self._census.count_elsewhere(run)

    def follow(self, limits: Limits) -> None:
        """Go by other limits from now on."""
        with self._lock:
            if limits != self._limits:
                self._limits = limits
                self._set_thresholds()

    def _set_thresholds(self) -> None:
        """Begin to compare with the limits."""
        self._checked = float("-inf")
        self._space = Floor(self._limits.min_free)
        self._inodes = Floor(self._limits.min_inodes)
        self._messages = Ceiling(self._limits.max_messages)
        self._bytes = Ceiling(self._limits.max_bytes)
        self._age = Ceiling(self._limits.max_age)

    def refusal(self, size: int) -> Answer | None:
        """Return the answer to a message with `size` bytes still to be written; None when it can be taken.

        Raises:
            OSError: the queues cannot be looked at.
        """
        with self._lock:
            now = self._monotonic()
            if now - self._checked >= CHECK_INTERVAL:
                self._free, self._closed = self._look()
                self._checked = now
            if self._closed is None and self._free < self._limits.min_free + size:
                return system_full("insufficient space in the mail spool")
            return self._closed

    def _look(self) -> tuple[int, Answer | None]:
        """Return the free bytes, and the answer to any message."""
        found = [self._statvfs(str(spool.root)) for spool in self._spools]
        free = min(each.f_bavail * each.f_frsize for each in found)
        # A file system without an inode table reports none at all.
        inodes = min((each.f_favail for each in found if each.f_files), default=self._limits.min_inodes * 2)
        full = []
        if self._space.reached(free):
            full.append("insufficient space in the mail spool")
        if self._inodes.reached(inodes):
            full.append("too few inodes are free in the mail spool")
        if self._limits.on_census:
            full += self._counted()
        if is_draining(self._spools[0].root):
            return free, not_accepting("this server takes no new mail now: it is being drained")
        return free, system_full(full[0]) if full else None

    def _counted(self) -> list[str]:
        census = self._census.latest()
        waited = 0.0 if census.oldest is None else self._clock() - census.oldest
        full = []
        if self._messages.reached(census.messages):
            full.append("too many messages wait in the mail spool")
        if self._bytes.reached(census.bytes):
            full.append("the mail spool is full")
        if self._age.reached(waited):
            full.append("mail waits for too long in the mail spool")
        return full
