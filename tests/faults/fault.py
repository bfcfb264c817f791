"""What a fault is: something that breaks, and its repair."""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from typing import ClassVar

from faults.account import Found
from faults.bench import Bench
from mailmill_local.load import Letter


class Setup(enum.Enum):
    """How the system is put together for a fault; faults of one setup share one system."""

    #: Without engines: most faults are about what happens around a scan, and this is quick.
    PLAIN = "plain"
    #: With clamd and rspamd.
    ENGINES = "engines"
    #: Redis is reached through a proxy.
    WIRE = "wire"
    #: Each part is in a network namespace of its own.
    NETWORK = "network"
    #: The incoming queue is on a small file system of its own.
    DISK = "disk"
    #: Milter, queue manager and workers run with the library that fails or kills at a chosen system call.
    SHIM = "shim"


class Fault(ABC):
    """A fault. `inject` and `repair` are called `times` times, at random moments while mail is sent."""

    #: The name of its row.
    name: ClassVar[str]
    setup: ClassVar[Setup] = Setup.PLAIN
    #: How many messages are sent in the long form; None: as for the others.
    messages: ClassVar[int | None] = None
    #: How often it is injected in one row.
    times: ClassVar[int] = 3
    #: How much longer than usual the same number of messages is spread.
    stretch: ClassVar[float] = 1.0
    #: Seconds between injection and repair.
    hold: ClassVar[float] = 0.0
    #: The same in the long form; None: as `hold`.
    long_hold: ClassVar[float | None] = None
    #: The edge fails between its rename and its answer: senders may send again what goes on all the same.
    cuts_edge: ClassVar[bool] = False

    def letters(self, letters: list[Letter]) -> list[Letter]:
        """Return the letters that are sent: those given, changed as the fault needs them."""
        return letters

    def prepare(self, bench: Bench) -> int:
        """Do what must be done before the first letter is sent; return hits."""
        return 0

    @abstractmethod
    def inject(self, bench: Bench) -> int:
        """Break something; return how often it hit."""

    def repair(self, bench: Bench) -> int:
        """Mend what does not mend itself; return further hits."""
        return 0

    def finish(self, bench: Bench) -> int:
        """Undo `prepare` when all is quiet; return further hits."""
        return 0

    def check(self, found: Found) -> list[str]:
        """Return what else is wrong with what was found."""
        return []
