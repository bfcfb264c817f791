"""How many of what a rate needs.

Edge groups share nothing, and a random stream that is split at random is several random streams: so one group
is simulated, with its share of the rate, and multiplied. Its machines are counted by what the simulation
finds busy: a first guess from the costs is corrected until every part is as busy as it may be.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import msgspec

from benchmarks.capacity.costs import Cost, Costs
from benchmarks.capacity.shape import CORES, Shape
from benchmarks.capacity.simulation import COUNTED, Result, traffic

#: The share of its time in which a part may be busy: the rest is for peaks, and for a machine that fails.
LOAD: Final = 0.7
#: Messages of a batch, for the first guess.
_BATCH: Final = 8
#: Simulations after which counts no longer change, or almost.
_ROUNDS: Final = 10
#: How much more a cluster is offered, step by step, until it cannot keep up.
_STEP: Final = 1.25
#: The share of what is offered that a cluster which keeps up delivers meanwhile.
_KEEPS_UP: Final = 0.95
#: How far a part may be above its load: a few seconds of random arrivals are not the mean.
_SLACK: Final = 0.03
#: The field of `Shape` that makes room, by part.
_REMEDIES: Final = {
    "edge processors": "edges",
    "edge disk": "edges",
    "queue manager": "edges",
    "window": "window",
    "scan processors": "scanners",
    "scan processes": "scanners",
    "deliver processes": "deliver",
    "relay processors": "relays",
    "relay disk": "relays",
}


@dataclass(frozen=True)
class Plan:
    """A cluster for a rate."""

    #: Messages a second.
    rate: float
    #: Edge groups, with a Redis and a recorder each.
    groups: int
    #: What each group consists of.
    shape: Shape
    #: What one group does.
    result: Result

    #: Messages a second that the same cluster still delivers as fast as they come.
    most: float
    #: What is fullest when still more come.
    bottleneck: str


def plan(costs: Costs, rate: float, engine: str, cores: int = CORES, load: float = LOAD) -> Plan:
    """Return a cluster that takes `rate` messages a second, with parts that are busy `load` of their time."""
    alone = 1000 * load / max(_each(costs, "redis"), _each(costs, "recorder"))
    groups = math.ceil(rate / alone)
    while True:
        share = rate / groups
        shape = _guess(costs, share, engine, cores, load)
        result = traffic(costs, shape, share, _counted(share))
        for _ in range(_ROUNDS):
            better = _corrected(shape, result, load)
            if better == shape:
                break
            shape = better
            result = traffic(costs, shape, share, _counted(share))
        single = max(result.used["Redis"], result.used["recorder"])
        if single <= load + _SLACK:
            most, bottleneck = _saturation(costs, shape, share)
            return Plan(rate, groups, shape, result, groups * most, bottleneck)
        groups = math.ceil(groups * single / load)


def _saturation(costs: Costs, shape: Shape, rate: float) -> tuple[float, str]:
    """Return the messages a second that a group can keep up with, in steps, and what stops it then."""
    most = rate
    while True:
        more = most * _STEP
        result = traffic(costs, shape, more, _counted(more), drain=0)
        if result.rate < _KEEPS_UP * result.offered:
            return most, result.fullest
        most = more


def _counted(rate: float) -> float:
    """Return the seconds to simulate: enough messages for a 99th percentile."""
    return max(COUNTED, 300 / rate)


def _each(costs: Costs, name: str) -> float:
    """Return the milliseconds of a message in a batch of usual size."""
    cost: Cost = getattr(costs, name)
    return 1000 * cost.seconds(_BATCH) / _BATCH


def _guess(costs: Costs, rate: float, engine: str, cores: int, load: float) -> Shape:
    asked = costs.engines[engine]
    edge = _each(costs, "postfix") + _each(costs, "milter") + _each(costs, "queue_manager")
    scan = _each(costs, "scan") + asked.scan + asked.processor
    waiting = (_each(costs, "scan") + asked.scan + asked.wait) / cores
    second = rate / 1000 / load
    append, file = 1000 / costs.durable_appends, 1000 / costs.durable_files
    return Shape(
        engine=engine,
        edges=math.ceil(second * max(edge / cores, _each(costs, "queue_manager"), append)),
        scanners=math.ceil(second * max(scan / cores, waiting)),
        deliver=math.ceil(second * _each(costs, "deliver")),
        relays=math.ceil(second * max(_each(costs, "relay") / cores, file)),
        cores=cores,
    )


def _corrected(shape: Shape, result: Result, load: float) -> Shape:
    """Return the shape in which each part would be as busy as it may be."""
    counts = msgspec.structs.asdict(shape)
    wanted: dict[str, int] = {}
    for name, field in _REMEDIES.items():
        used = result.used[name]
        enough = counts[field] if used <= load + _SLACK else math.ceil(counts[field] * used / load)
        wanted[field] = max(wanted.get(field, 1), enough)
    window = wanted.pop("window")
    if all(number == counts[field] for field, number in wanted.items()):
        # only now: as long as a part is too busy, its queue fills the window
        wanted["window"] = window
    return msgspec.structs.replace(shape, **wanted)
