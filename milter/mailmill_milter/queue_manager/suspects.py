"""Suspects: messages whose scan has failed. They are scanned alone, and given up on after some failures.

The count is also in Redis, for the whole cluster and for an edge that has been restarted; the higher one is
true. When both are lost, the message is only tried more often.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mailmill.outcomes import ScanFailed
from mailmill_milter.queue_manager.item import Item, Name, Queue

#: How many suspects are remembered. More fail at once only when the workers themselves are broken; the oldest
#: are forgotten then, which costs them a shared try.
MOST: Final = 10_000


class Suspects:
    """The suspects of one edge, by Mailmill id."""

    def __init__(self, attempts: int) -> None:
        """Give up on a message after so many failed attempts (`Maximum Processing Attempts`); 0: never."""
        self.attempts = attempts
        self._failures: dict[str, ScanFailed] = {}

    def __contains__(self, name: Name) -> bool:
        """Tell whether a message must be scanned alone."""
        return name.queue is Queue.INCOMING and name.text in self._failures

    def add(self, failure: ScanFailed) -> None:
        """Take note of a scan that failed."""
        before = self._failures.pop(failure.mail_id, None)
        attempts = max(failure.attempts, (before.attempts if before else 0) + failure.alone)
        while len(self._failures) >= MOST:
            del self._failures[next(iter(self._failures))]
        self._failures[failure.mail_id] = ScanFailed(failure.mail_id, failure.reason, failure.alone, attempts)

    def hopeless(self, name: Name) -> str:
        """Return the evidence against a message that is not to be scanned any more; empty for the others."""
        failure = self._failures.get(name.text) if name in self else None
        if failure is None or not self.attempts or failure.attempts < self.attempts:
            return ""
        return f"no scan came to an end in {failure.attempts} attempts; the last: {failure.reason}"

    def told(self, name: Name) -> str:
        """Return what is said of the last failure of a suspect."""
        failure = self._failures[name.text]
        of = f" of {self.attempts}" if self.attempts else ""
        return f"scan failed, attempt {failure.attempts}{of}: {failure.reason}"

    def forget(self, items: Iterable[Item]) -> None:
        """Forget messages that have reached their end."""
        for item in items:
            self._failures.pop(item.name.text, None)
