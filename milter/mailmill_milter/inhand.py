"""How many messages a process has in hand, so that it can end between messages and not within one."""

from __future__ import annotations

import threading
import time
from typing import Final

#: Seconds for which nothing must be in hand before a process ends: the answer to the last message is written
#: by libmilter after our part of it is over.
SETTLE: Final = 0.2
#: Seconds between looks.
_POLL: Final = 0.05


class InHand:
    """Counts transactions from MAIL FROM to their answer; used by many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        #: Set when the process is about to end: what begins now is sent away.
        self.draining = False

    def begin(self) -> bool:
        """Count a transaction in; return False when it comes too late and must be refused."""
        with self._lock:
            if self.draining:
                return False
            self._count += 1
            return True

    def end(self) -> None:
        """Count a transaction out."""
        with self._lock:
            self._count -= 1

    @property
    def count(self) -> int:
        """How many are in hand now."""
        return self._count

    def drain(self, seconds: float) -> int:
        """Wait until nothing is in hand, at most so long; return how many are left."""
        with self._lock:
            self.draining = True
        deadline = time.monotonic() + seconds
        quiet_since: float | None = None
        while (now := time.monotonic()) < deadline:
            if self._count:
                quiet_since = None
            elif quiet_since is None:
                quiet_since = now
            elif now - quiet_since >= SETTLE:
                return 0
            time.sleep(_POLL)
        return self._count
