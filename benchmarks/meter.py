"""Processor time by stage between two moments."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.processes import busy, cpu_by_session
from mailmill_local.servers.base import Server


@dataclass(frozen=True)
class Costs:
    """What was spent between `start` and `stop`."""

    #: Seconds.
    elapsed: float
    #: Seconds of processor by stage.
    stages: Mapping[str, float]
    #: Seconds of processor that this machine spent on other things: neither the stages, nor this process or
    #: a driver that it has waited for.
    elsewhere: float

    @property
    def others(self) -> float:
        """Processors that others had meanwhile: from some tenths on, a figure is not worth keeping."""
        return self.elsewhere / self.elapsed

    def per_message(self, count: int) -> dict[str, float]:
        """Return the milliseconds of processor per message by stage."""
        return {stage: 1000 * seconds / count for stage, seconds in self.stages.items()}


@dataclass
class Meter:
    """Reads the clocks of servers' process trees.

    Args:
        stages: The servers of each stage; all must run.
    """

    stages: Mapping[str, Sequence[Server]]
    _before: dict[int, float] = field(default_factory=dict)
    _other: float = 0
    _started: float = 0

    def start(self) -> None:
        """Begin."""
        self._before = self._read()
        self._other, self._started = busy() - _ours(), time.monotonic()

    def stop(self, driver: float = 0) -> Costs:
        """Return what was spent since `start`, with the seconds of the driver, which tells them itself."""
        other, elapsed = busy() - _ours() - self._other, time.monotonic() - self._started
        after = self._read()
        stages = {
            stage: sum(after[pid] - self._before.get(pid, 0.0) for pid in map(_pid, servers))
            for stage, servers in self.stages.items()
        }
        other -= sum(stages.values())
        if driver:
            stages["driver"] = driver
        return Costs(elapsed, stages, max(0.0, other))

    def _read(self) -> dict[int, float]:
        running = [server for servers in self.stages.values() for server in servers if server.started]
        return cpu_by_session({_pid(server) for server in running})


def _pid(server: Server) -> int:
    return server.process.pid


def _ours() -> float:
    """Return the seconds of processor of this process and of the drivers that it has waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
