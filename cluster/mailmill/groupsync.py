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

    def __call__(self) -> None:
        """Return when what this thread did before has been synced, by a sync of its own or another thread's.

        Raises:
            OSError: `sync` failed in this thread. The others try for themselves.
        """
        with self._counting:
            self._asked += 1
            mine = self._asked
        with self._turn:
            if self._covered >= mine:
                return
            with self._counting:
                all_before = self._asked
            self._sync()
            self._covered = all_before
