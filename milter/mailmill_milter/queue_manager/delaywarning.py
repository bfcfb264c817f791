"""When a sender is told that the mail waits: once for each delivery (Postfix: delay_warning_time).

A worker makes the warning while the message stays in flight, and hands it over as one more delivery for the
outgoing queue. A mark next to the message says that this was done. It is written when the warning is on the
disk: what breaks down before asks again, and gets the same warning under the same id, which the ledger lets
through to the relay only once.
"""

from __future__ import annotations

import logging
from typing import Final

from mailmill.delaywarning import warning_id
from mailmill.errors import MailmillError
from mailmill_milter.queue_manager.feed import Feeder
from mailmill_milter.queue_manager.item import Item, Name, Queue
from mailmill_milter.queue_manager.marks import Marks

log = logging.getLogger(__name__)

#: The mark of a message whose sender was warned; no delivery covers it.
WARNED: Final = "delay-warned"


class DelayWarnings:
    """Decides which deferred messages their senders are told of."""

    def __init__(self, after: float, lifetime: float, feeder: Feeder, marks: Marks) -> None:
        """Warn `after` so many seconds (0: never); `lifetime` seconds after its arrival mail is returned."""
        self.after = after
        self.lifetime = lifetime
        self._feeder = feeder
        self._marks = marks

    def begin(self, item: Item, reason: str, now: float) -> bool:
        """Ask for the warning of a message in flight that is about to be deferred, if it is time for it.

        Returns:
            Whether it was asked for. Then the message stays in flight, and its delivery is reported as
            deferred once more after the warning.
        """
        waits = item.name.queue is Queue.OUTGOING and item.warnable
        if not self.after or not waits or now - item.arrival < self.after:
            return False
        if item.warning:
            if item.warning in item.ended:
                self._marks.heard(item.name, (WARNED,))
            return False
        if self._marks.has(item.name, WARNED):
            return False
        try:
            self._feeder.warn(item, reason, item.arrival + self.lifetime)
        except MailmillError as exc:
            log.warning("%s: its sender cannot be warned now: %s", item.name.text, exc)
            return False
        item.warning = warning_id(item.name.text)
        return True

    def inherit(self, item: Item, rest: Name) -> None:
        """Hear that some recipients of a message go on as another one: nobody is warned of them twice."""
        if self._marks.has(item.name, WARNED):
            self._marks.heard(rest, (WARNED,))
