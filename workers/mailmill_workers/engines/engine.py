"""What every engine is: something that answers for one message.

An engine belongs to one event loop and lives for one scan task; it answers for several messages at the same
time. Its own faults (down, time-out, nonsense) are the answer `Failed`, never an exception.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mailmill.findings import SpamAnswer, VirusAnswer
    from mailmill_workers.mail import Mail


class VirusEngine(Protocol):
    """Looks for viruses."""

    @property
    def name(self) -> str:
        """The engine's word in `Virus Scanners`."""

    async def scan(self, mail: Mail) -> VirusAnswer:
        """Return what the engine says of the message."""

    async def close(self) -> None:
        """Give back what the engine holds; it answers no more."""


class SpamEngine(Protocol):
    """Gives points for looking like spam."""

    @property
    def name(self) -> str:
        """The engine's word in `Spam Scanner`."""

    async def check(self, mail: Mail) -> SpamAnswer:
        """Return what the engine says of the message."""

    async def close(self) -> None:
        """Give back what the engine holds; it answers no more."""
