"""One message in the hands of the queue manager."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field


class Queue(enum.Enum):
    """Which of the two queue directories a message is in."""

    #: `Incoming Queue Dir`: to be scanned. Names are Mailmill ids.
    INCOMING = "incoming"
    #: `Outgoing Queue Dir`: scanned, waits for the relay. Names are delivery ids.
    OUTGOING = "outgoing"


@dataclass(frozen=True, order=True)
class Name:
    """A message by its file: names sort by arrival."""

    text: str
    queue: Queue = field(compare=False)

    @property
    def mail_id(self) -> str:
        """The Mailmill id that the name of a file in either queue begins with."""
        return self.text.partition(".")[0]


@dataclass
class Item:
    """A message that is in flight: in Redis and, perhaps, with a worker."""

    name: Name
    #: Bytes of its file.
    size: int
    #: Seconds since the epoch at which the message was accepted.
    arrival: float
    #: When it is sent to the workers again if nothing is heard, in seconds of the monotonic clock.
    lease_until: float
    #: Whether the scan has reported; before that nobody knows what deliveries there will be.
    scanned: bool = False
    #: Deliveries that have not ended.
    pending: set[str] = field(default_factory=set)
    #: Deliveries that have.
    ended: set[str] = field(default_factory=set)
    #: Whether its sender may be told that it is delayed.
    warnable: bool = False
    #: The warning of its delay that was asked for; empty before that. It is not waited for.
    warning: str = ""

    def expect(self, deliveries: tuple[str, ...]) -> None:
        """Wait for these deliveries, except those that have ended already."""
        self.pending.update(delivery for delivery in deliveries if delivery not in self.ended)

    def end(self, delivery: str) -> None:
        """A delivery has ended."""
        self.ended.add(delivery)
        self.pending.discard(delivery)

    @property
    def finished(self) -> bool:
        """Whether everything that the message caused has ended."""
        return self.scanned and not self.pending
