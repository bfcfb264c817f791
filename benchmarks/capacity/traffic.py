"""What goes over the network and onto disks."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from benchmarks.capacity.costs import Costs
from benchmarks.capacity.sizing import Plan

_MEGABIT: Final = 125_000
_MEGABYTE: Final = 1_000_000


class Traffic(Struct, frozen=True):
    """Of a whole cluster, where nothing else is said."""

    #: Mbit/s of mail into all edges.
    edges: float
    #: Mbit/s into and out of one Redis, and in both directions through all of them.
    redis_in: float
    redis_out: float
    all_redis: float
    #: MB/s and messages a second that one edge makes durable.
    disk: float
    appends: float


def traffic(costs: Costs, plan: Plan) -> Traffic:
    """Return what a cluster moves."""
    share = plan.rate / plan.groups
    appends = share / plan.shape.edges
    return Traffic(
        edges=plan.rate * costs.message_bytes / _MEGABIT,
        redis_in=share * costs.redis_received / _MEGABIT,
        redis_out=share * costs.redis_sent / _MEGABIT,
        all_redis=plan.rate * (costs.redis_received + costs.redis_sent) / _MEGABIT,
        disk=appends * costs.message_bytes / _MEGABYTE,
        appends=appends,
    )
