"""The wall clock jumps by an hour and back, for one process or for all of Mailmill's."""

from __future__ import annotations

from typing import ClassVar

from faults.bench import Bench
from faults.fault import Fault, Setup

_HOUR = 3600


class ClockJumps(Fault):
    setup = Setup.SHIM
    times = 1
    hold = 4.0
    offset: ClassVar[int]
    parts: ClassVar[tuple[str, ...]] = ("milter", "queue-manager", "scan", "deliver")

    def inject(self, bench: Bench) -> int:
        for part in self.parts:
            bench.shims[part].set_clock(self.offset)
        return len(self.parts)

    def repair(self, bench: Bench) -> int:
        for part in self.parts:
            bench.shims[part].set_clock(0)
        return 0


class ClockForward(ClockJumps):
    name = "clock an hour fast"
    offset = _HOUR


class ClockBack(ClockJumps):
    name = "clock an hour slow"
    offset = -_HOUR


class EdgeClockForward(ClockJumps):
    """Only the edge's clock: workers and edge do not agree on the time."""

    name = "edge's clock an hour fast"
    offset = _HOUR
    parts = ("milter", "queue-manager")


FAULTS = (ClockForward, ClockBack, EdgeClockForward)
