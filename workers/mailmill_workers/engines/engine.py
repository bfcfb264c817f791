"""What every engine is: something that answers for one message.

An engine belongs to one event loop and lives for one scan task; it answers for several messages at the same
time. Its own faults (down, time-out, nonsense) are the answer `Failed`, never an exception.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailmill.findings import SpamAnswer, VirusAnswer
    from mailmill_workers.mail import Mail


class Engine(Protocol):
    """What all engines have; the verdict cache builds its keys from it."""

    @property
    def name(self) -> str:
        """The engine's word in `Virus Scanners` or `Spam Scanner`."""

    @property
    def servers(self) -> Sequence[object]:
        """Where it is asked; `str` of each names it."""

    def told(self, mail: Mail) -> tuple[str, ...]:
        """Return what it is told besides the message and that may change its answer, in a fixed order."""

    async def version(self) -> str | None:
        """Return what its servers tell of their versions and signatures; None when none of them tells it now.

        Empty when they never tell: then an answer is as old as it may get.
        """

    async def close(self) -> None:
        """Give back what the engine holds; it answers no more."""


class VirusEngine(Engine, Protocol):
    """Looks for viruses."""

    async def scan(self, mail: Mail) -> VirusAnswer:
        """Return what the engine says of the message."""


class SpamEngine(Engine, Protocol):
    """Gives points for looking like spam."""

    async def check(self, mail: Mail) -> SpamAnswer:
        """Return what the engine says of the message."""
