"""Group commit: several threads that want the same thing made durable share a sync (R20)."""

from __future__ import annotations

import threading
from collections.abc import Callable


class GroupSync:
    """A sync that covers everybody who asked for it before it began; used by many threads."""

    def __init__(self, sync: Callable[[], None]) -> None:
        """Share calls of `sync`."""
        self._sync = sync
        self._turn = threading.Lock()
        self._counting = threading.Lock()
        #: How often it was asked for, and up to which of these a sync has covered them.
        self._asked = 0
        self._covered = 0
        #: Up to which of these a sync has failed, and how.
        self._failed = 0
        self._failure: OSError | None = None

    def __call__(self) -> None:
        """Return when what this thread did before has been synced, by a sync of its own or another thread's.

        Raises:
            OSError: the sync failed, for all who had asked before it began: the system tells of an error
                once, so a second sync would succeed without what the first one lost.
        """
        with self._counting:
            self._asked += 1
            mine = self._asked
        with self._turn:
            if self._failure is not None and self._failed >= mine:
                raise OSError(self._failure.errno, self._failure.strerror)
            if self._covered >= mine:
                return
            with self._counting:
                all_before = self._asked
            try:
                self._sync()
            except OSError as exc:
                self._failed, self._failure = all_before, exc
                raise
            self._covered = all_before
