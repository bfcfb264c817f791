"""What the parts of an edge group share: machines, Redis, queues, and the marks of what was delivered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simpy import Environment, Store

from benchmarks.capacity.costs import Cost, Costs, Engine
from benchmarks.capacity.processors import Activity, Processors, Serial
from benchmarks.capacity.shape import Shape

if TYPE_CHECKING:
    from benchmarks.capacity.edge import Edge


@dataclass(frozen=True)
class Batch:
    """Messages that go through the cluster together."""

    edge: Edge
    #: When each was accepted, in seconds.
    accepted: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.accepted)


class Parts:
    """The parts of one group.

    Args:
        env: The simulation.
        costs: What a message costs.
        shape: How many of what.
    """

    #: How often a message's task meets Redis: put there by the edge, taken and handed on by scan, taken and
    #: answered by deliver, and the answer read by the edge.
    VISITS = 4

    def __init__(self, env: Environment, costs: Costs, shape: Shape) -> None:
        self.env = env
        self.costs = costs
        self.shape = shape
        self._one = Processors(env, shape.cores) if shape.one_machine else None
        self.redis = Serial(env, self.machine(1))
        self.recorder = Serial(env, self.machine(1))
        #: Tasks that wait for a pool process, and how many messages each batch had.
        self.to_scan: Store = Store(env)
        self.to_deliver: Store = Store(env)
        self.batches: list[int] = []
        #: When each message was accepted and when delivered, in seconds, in the order of their ends.
        self.delivered: list[tuple[float, float]] = []

    @property
    def engine(self) -> Engine:
        """The engine that is asked."""
        return self.costs.engines[self.shape.engine]

    def machine(self, cores: float | None = None) -> Processors:
        """Return the processors of one more machine, or those of the only one."""
        return self._one or Processors(self.env, self.shape.cores if cores is None else cores)

    def disk(self) -> Serial:
        """Return a disk; what it does takes no processor."""
        return Serial(self.env, Processors(self.env, 1))

    def durable(self, files: int) -> float:
        """Return the seconds in which a disk makes so many files durable."""
        return files / self.costs.durable_files

    def appended(self, messages: int) -> float:
        """Return the seconds in which a disk makes so many appended messages durable."""
        return messages / self.costs.durable_appends

    def visit(self, messages: int) -> Activity:
        """Meet Redis once, with so many messages."""
        cost = self.costs.redis
        yield from self.redis.serve(cost.seconds(messages) / self.VISITS)

    def hand_over(self) -> Activity:
        """Let the time pass in which nobody knows that there is a task."""
        yield self.env.timeout(self.costs.hand_over / 1000)


def part(cost: Cost, messages: int, share: float) -> float:
    """Return the seconds of a share of what a task costs."""
    return cost.seconds(messages) * share
