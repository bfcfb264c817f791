"""One edge group, simulated: what it delivers, how long that takes, and what is busy meanwhile."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from simpy import Environment

from benchmarks.capacity.costs import Costs
from benchmarks.capacity.edge import Edge
from benchmarks.capacity.parts import Parts
from benchmarks.capacity.processors import Activity
from benchmarks.capacity.shape import Shape
from benchmarks.capacity.workers import Deliverers, Relay, Scanners
from benchmarks.spread import percentile

#: Seconds of traffic before the first message that counts.
WARM: Final = 3.0
#: Seconds of traffic that count.
COUNTED: Final = 3.0
#: Seconds after the traffic in which the last messages may come to their end.
DRAIN: Final = 20.0
#: The share of its time from which on a part has none left.
_BUSY: Final = 0.9
#: The name under which the window stands among the parts.
WINDOW: Final = "window"
SEED: Final = 4


@dataclass(frozen=True)
class Result:
    """What a simulation has shown."""

    #: When each message was accepted and when delivered, in seconds.
    times: tuple[tuple[float, float], ...]
    #: Messages a second.
    rate: float
    #: By part: the share of its time in which it was busy.
    used: Mapping[str, float]
    #: Mean messages of a scan task.
    batch: float
    #: Messages that were accepted and not delivered in time.
    left: int = 0
    #: Messages a second that came.
    offered: float = 0.0

    def latency(self, percent: float) -> float:
        """Return milliseconds from 250 to the inbox."""
        return 1000 * percentile([delivered - accepted for accepted, delivered in self.times], percent)

    @property
    def fullest(self) -> str:
        """The part that is busiest; the window, which fills up with any of them, only when all have time."""
        part = max((name for name in self.used if name != WINDOW), key=lambda name: self.used[name])
        return WINDOW if self.used[part] < _BUSY <= self.used[WINDOW] else part


class Group:
    """An edge group that is ready to run.

    Args:
        costs: What a message costs.
        shape: How many of what.
        env: Where it runs, next to others; None: alone.
    """

    def __init__(self, costs: Costs, shape: Shape, env: Environment | None = None) -> None:
        self.env = env or Environment()
        self.parts = Parts(self.env, costs, shape)
        self.edges = [Edge(self.parts) for _ in range(shape.edges)]
        self.relays = [Relay(self.parts) for _ in range(shape.relays)]
        self.scanners = [Scanners(self.parts) for _ in range(shape.scanners)]
        self.deliverers = Deliverers(self.parts, self.relays)

    def busy(self) -> dict[str, float]:
        """Return by part how many of its seconds were busy so far, as a mean over those of a kind."""
        shape = self.parts.shape

        def cores(machines: list[Edge] | list[Relay] | list[Scanners]) -> float:
            return sum(each.machine.used / each.machine.cores for each in machines) / len(machines)

        return {
            "edge processors": cores(self.edges),
            "edge disk": sum(edge.disk.used for edge in self.edges) / shape.edges,
            "queue manager": sum(edge.manager.used for edge in self.edges) / shape.edges,
            WINDOW: sum(edge.in_flight_seconds for edge in self.edges) / (shape.edges * shape.window),
            "Redis": self.parts.redis.used,
            "recorder": self.parts.recorder.used,
            "scan processors": cores(self.scanners),
            "scan processes": sum(each.used for each in self.scanners) / (shape.scanners * shape.processes),
            "deliver processes": self.deliverers.used / shape.deliver,
            "relay processors": cores(self.relays),
            "relay disk": sum(relay.disk.used for relay in self.relays) / shape.relays,
        }


def traffic(
    costs: Costs, shape: Shape, rate: float, counted: float = COUNTED, drain: float = DRAIN
) -> Result:
    """Simulate messages that come at random (Poisson), `rate` of them a second for `counted` seconds.

    After the traffic, `drain` seconds are left for the last messages.
    """
    group = Group(costs, shape)
    env, chance = group.env, random.Random(SEED)  # noqa: S311 - repeatable, not secret
    came: list[float] = []
    end = WARM + counted

    def arrive() -> Activity:
        while True:
            yield env.timeout(chance.expovariate(rate))
            if env.now >= end:
                return
            came.append(env.now)
            env.process(chance.choice(group.edges).session())

    env.process(arrive())
    env.run(WARM)
    before, first = group.busy(), len(group.parts.batches)
    env.run(end)
    used = {name: (busy - before[name]) / counted for name, busy in group.busy().items()}
    ended = len([1 for _, delivered in group.parts.delivered if delivered >= WARM])
    batches = group.parts.batches[first:] or [0]
    if drain:
        env.run(end + drain)
    times = tuple(each for each in group.parts.delivered if WARM <= each[0] < end)
    left = sum(group.parts.batches) + sum(edge.waiting for edge in group.edges) - len(group.parts.delivered)
    offered = len([moment for moment in came if moment >= WARM]) / counted
    return Result(times, ended / counted, used, sum(batches) / len(batches), left, offered)


def backlog(costs: Costs, shape: Shape, messages: int) -> Result:
    """Simulate spools that were filled before, with so many messages in all, to the last delivery."""
    group = Group(costs, shape)
    for number, edge in enumerate(group.edges):
        edge.put(messages // shape.edges + (number < messages % shape.edges))
    while len(group.parts.delivered) < messages:
        group.env.step()
    elapsed = group.env.now
    used = {name: busy / elapsed for name, busy in group.busy().items()}
    batches = group.parts.batches
    times = tuple(group.parts.delivered)
    return Result(times, messages / elapsed, used, sum(batches) / len(batches))
