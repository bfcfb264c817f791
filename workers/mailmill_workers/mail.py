"""One message as the workers see it: what the edge wrote down and the bytes that came in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailmill.envelope import Envelope
    from mailmill.spoolfile import SpoolHeader


@dataclass(frozen=True)
class Mail:
    """A message to be scanned."""

    header: SpoolHeader
    #: RFC 5322 message; lines end in LF.
    content: bytes

    @property
    def id(self) -> str:
        """The Mailmill id."""
        return self.header.id

    @property
    def queue_id(self) -> str:
        """The queue id that the SMTP client was told."""
        return self.header.queue_id

    @property
    def envelope(self) -> Envelope:
        """Sender, recipients and the facts about the client."""
        return self.header.envelope
