"""kill -9 exactly between two steps of a message's way: the shim kills before or after a chosen call."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from faults.bench import Bench
from faults.fault import Fault, Setup
from faults.shim import Action, Call, Rule
from mailmill_local.probes import wait_until

#: Seconds in which a point must be reached while mail is sent.
_REACH_SECONDS = 4.0
#: The milter's answer DISCARD: length and letter (libmilter, mfdef.h).
_DISCARD = b"\x00\x00\x00\x01d"
#: Calls to Redis are killed at one of the first so many.
_FIRST_CALLS = 12


@dataclass(frozen=True)
class Point:
    """A place between two steps."""

    rule: Rule
    #: The rule is for what is sent to Redis: the port is filled in, and which of the calls is random.
    redis: bool = False
    #: The rule is for what is sent to the relay.
    relay: bool = False


def _both(call: Call, where: str) -> tuple[Point, Point]:
    return (
        Point(Rule(call, Action.KILL_BEFORE, where=where)),
        Point(Rule(call, Action.KILL_AFTER, where=where)),
    )


_REDIS = (
    Point(Rule(Call.SEND, Action.KILL_BEFORE), redis=True),
    Point(Rule(Call.SEND, Action.KILL_AFTER), redis=True),
)


class Points(Fault):
    """Kills one process at each of its points in turn."""

    setup = Setup.SHIM
    stretch = 1.5
    part: ClassVar[str]
    points: ClassVar[tuple[Point, ...]]

    def __init__(self) -> None:
        self._next = 0

    def inject(self, bench: Bench) -> int:
        point = self.points[self._next % len(self.points)]
        self._next += 1
        rule = point.rule
        if point.redis:
            rule = replace(rule, port=bench.ports.redis, nth=bench.random.randint(1, _FIRST_CALLS))
        if point.relay:
            rule = replace(rule, port=bench.relay_proxy.port)
        shim = bench.shims[self.part]
        shim.arm(rule)
        wait_until(lambda: shim.fired() > 0, _REACH_SECONDS)
        return shim.disarm()


class SpoolCommit(Points):
    """Between the steps of taking a message over."""

    name = "points: spool commit"
    part = "milter"
    cuts_edge = True
    points = (
        *_both(Call.CREATE, "/milterin/incoming"),
        *_both(Call.FSYNC, "/milterin/incoming"),
        *_both(Call.RENAME, "/milterin/incoming"),
        *_both(Call.FSYNC, "/milterin/active"),
        Point(Rule(Call.SEND, Action.KILL_BEFORE, where="milter.sock", marker=_DISCARD)),
    )
    times = len(points)


class Enqueue(Points):
    """Between contents, task, outcomes and removal in the queue manager."""

    name = "points: enqueue, removal"
    part = "queue-manager"
    points = (*_REDIS, *_both(Call.UNLINK, "/milterin/active"), *_REDIS)
    times = len(points)


class Scan(Points):
    """Between contents, result, report and the task for delivery."""

    name = "points: scan"
    part = "scan"
    points = (*_REDIS, *_REDIS, *_REDIS)
    times = len(points)


class Deliver(Points):
    """Between claim, submission, confirmation and report."""

    name = "points: deliver"
    part = "deliver"
    points = (
        Point(Rule(Call.SEND, Action.KILL_BEFORE), relay=True),
        Point(Rule(Call.SEND, Action.KILL_AFTER), relay=True),
        *_REDIS,
        *_REDIS,
    )
    times = len(points)


FAULTS = (SpoolCommit, Enqueue, Scan, Deliver)
