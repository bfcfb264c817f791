"""All faults, in the order of the table."""

from __future__ import annotations

from faults.fault import Fault
from faults.kinds import clock, disk, engines, kill, network, points, poison, redis, relay, rolling

FAULTS: tuple[Fault, ...] = tuple(
    kind()
    for kinds in (kill, redis, relay, rolling, points, disk, clock, network, engines, poison)
    for kind in kinds.FAULTS
)


def chosen(words: str) -> list[Fault]:
    """Return the faults whose name holds one of the words (separated by commas); all without any."""
    wanted = [word.strip() for word in words.split(",") if word.strip()]
    return [fault for fault in FAULTS if not wanted or any(word in fault.name for word in wanted)]
