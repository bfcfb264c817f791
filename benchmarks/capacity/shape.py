"""What an edge group consists of: a Redis, its edges, its workers and its relays."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

#: Processors of a machine, when nothing else is said.
CORES: Final = 8
#: `Max Unscanned Messages Per Scan`.
BATCH: Final = 30
#: `Max Messages In Flight`.
WINDOW: Final = 1000


class Shape(Struct, frozen=True):
    """How many of what; every machine of a kind is the same."""

    engine: str = "none"
    #: Machines with Postfix, the milter and one queue manager.
    edges: int = 1
    #: Machines with pool processes of scan and the engine.
    scanners: int = 1
    #: Pool processes of scan on each of them; 0: as many as it has processors.
    scan_processes: int = 0
    #: Processes of deliver, on a processor each.
    deliver: int = 1
    #: Machines with the Postfix behind.
    relays: int = 1
    #: Processors of each machine.
    cores: float = CORES
    #: Everything is on one machine, with `cores` processors in all.
    one_machine: bool = False
    batch: int = BATCH
    window: int = WINDOW

    @property
    def processes(self) -> int:
        """Pool processes of scan on each machine."""
        return self.scan_processes or max(1, round(self.cores))
