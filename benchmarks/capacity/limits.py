"""What one of each part can take, when all its time is used and batches are full."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from benchmarks.capacity.costs import Cost, Costs
from benchmarks.capacity.shape import BATCH


class Limit(Struct, frozen=True):
    """One part."""

    part: str
    #: Messages a second.
    rate: float
    reason: str


def limits(costs: Costs, cores: int) -> Iterator[Limit]:
    """Yield the limit of each part, on machines with so many processors."""
    one = "one thread"
    edge = _each(costs.postfix) + _each(costs.milter) + _each(costs.queue_manager)
    yield _least(
        f"edge with {cores} cores",
        (1000 * cores / edge, "its processors"),
        (1000 / _each(costs.queue_manager), "its queue manager, which is one process"),
        (costs.durable_appends, f"its disk: {costs.durable_appends:,.0f} durable appends a second"),
    )
    yield Limit("Redis", 1000 / _each(costs.redis), one)
    yield Limit("recorder (one for each Redis)", 1000 / _each(costs.recorder), one)
    for name, engine in costs.engines.items():
        each = _each(costs.scan) + engine.scan + engine.processor
        label = f"scan machine with {cores} cores, {'no engine' if name == 'none' else name}"
        yield Limit(label, 1000 * cores / each, "its processors")
    yield Limit("deliver process", 1000 / _each(costs.deliver), one)
    yield _least(
        f"relay with {cores} cores",
        (1000 * cores / _each(costs.relay), "its processors"),
        (costs.durable_files, f"its disk: {costs.durable_files:,.0f} durable files a second"),
    )


def _each(cost: Cost) -> float:
    """Return the milliseconds of a message in a full batch."""
    return 1000 * cost.seconds(BATCH) / BATCH


def _least(part: str, *rates: tuple[float, str]) -> Limit:
    rate, reason = min(rates)
    return Limit(part, rate, reason)
