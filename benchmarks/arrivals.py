"""When the relay was done with each message, from its log."""

from __future__ import annotations

import re
import threading
import time
from typing import Final

#: Postfix's line about a delivery attempt.
_SENT: Final = re.compile(r" to=<([^>]+)>,.* status=sent ")


def delivered_to(line: str) -> str | None:
    """Return the recipient when a line of Postfix's log says that a message was delivered to it."""
    found = _SENT.search(line)
    return found[1] if found else None


class Arrivals:
    """A sink for the relay's log: notes the time of the first delivery to each recipient."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: dict[str, float] = {}

    def __call__(self, name: str, line: str) -> None:
        """Take a line; `name` is that of the program."""
        recipient = delivered_to(line)
        if name == "relay" and recipient is not None:
            now = time.monotonic()
            with self._lock:
                self._times.setdefault(recipient, now)

    def times(self) -> dict[str, float]:
        """Return the seconds of the monotonic clock by recipient."""
        with self._lock:
            return dict(self._times)
