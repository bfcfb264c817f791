"""The processors of a machine, which all that runs there shares evenly."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Generator
from typing import Any, Final

from simpy import Environment, Event, Resource

#: What a simulated activity is for simpy.
Activity = Generator[Event, Any, None]

#: Seconds of processor below which work counts as done: sums of floating point numbers end near it.
_NOTHING: Final = 1e-9


class Processors:
    """Processor sharing: each piece of work has at most one processor, and all have the same share.

    The clock is a virtual one that shows how much each piece has got since the beginning; a piece is done
    when it has moved by what the piece needs. So the order of their ends never changes, and a heap is enough.

    Args:
        env: The simulation.
        cores: How many there are; a fraction where others use the rest.
    """

    def __init__(self, env: Environment, cores: float) -> None:
        self._env = env
        self._cores = cores
        self._virtual = 0.0
        self._at = env.now
        self._running: list[tuple[float, int, Event]] = []
        self._tie = itertools.count()
        self._turn = 0
        self._used = 0.0

    @property
    def cores(self) -> float:
        """How many there are."""
        return self._cores

    @property
    def used(self) -> float:
        """Seconds of processor spent so far."""
        self._advance()
        return self._used

    def work(self, seconds: float) -> Event:
        """Return an event that happens when so many seconds of processor were spent on this piece."""
        self._advance()
        done = self._env.event()
        if seconds <= 0:
            return done.succeed()
        heapq.heappush(self._running, (self._virtual + seconds, next(self._tie), done))
        self._schedule()
        return done

    def _share(self) -> float:
        return min(1.0, self._cores / len(self._running))

    def _advance(self) -> None:
        passed, self._at = self._env.now - self._at, self._env.now
        if self._running:
            self._virtual += passed * self._share()
            self._used += passed * min(len(self._running), self._cores)

    def _schedule(self) -> None:
        self._turn += 1
        if self._running:
            left = max(0.0, self._running[0][0] - self._virtual)
            timeout = self._env.timeout(left / self._share(), self._turn)
            timeout.callbacks.append(self._due)

    def _due(self, event: Event) -> None:
        if event.value != self._turn:
            return  # something came or went since
        self._advance()
        self._virtual = max(self._virtual, self._running[0][0])
        while self._running and self._running[0][0] <= self._virtual + _NOTHING:
            heapq.heappop(self._running)[2].succeed()
        self._schedule()


class Serial:
    """A server that does one thing at a time, in the order of asking: a single-threaded process, or a disk.

    Args:
        env: The simulation.
        processors: Where it runs.
    """

    def __init__(self, env: Environment, processors: Processors) -> None:
        self._env = env
        self._processors = processors
        self._turn = Resource(env, capacity=1)
        self.used = 0.0

    def serve(self, seconds: float) -> Activity:
        """Wait for the turn, and until so many seconds of processor were spent."""
        with self._turn.request() as turn:
            yield turn
            began = self._env.now
            yield self._processors.work(seconds)
            self.used += self._env.now - began
