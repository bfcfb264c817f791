"""kill -9 exactly between two steps of a message's way: the shim kills before or after a chosen call.

Each point is named after the step that has just been done, and each must be reached: a row in which one never
acted is not good.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from faults.account import Found
from faults.bench import Bench
from faults.fault import Fault, Setup
from faults.kinds.intake import (
    ARRIVED,
    ENDED,
    NEW_SEGMENT,
    SEGMENT,
    SEGMENTS,
    LargeLetters,
    end_segments,
)
from faults.kinds.relaydefers import RelayDefers
from faults.shim import Action, Call, Rule
from mailmill_local.probes import wait_until

#: Seconds in which a point must be reached while mail is sent. A milter process that was killed some times is
#: started again after up to 8 s.
_REACH_SECONDS = 12.0
#: How often segments are ended for a point: those of milter processes that had just been killed may be empty.
_TRIES = 2


@dataclass(frozen=True)
class Point:
    """A place between two steps."""

    #: What has just been done, or is about to be done.
    name: str
    rule: Rule
    #: The rule is for what is sent to Redis: the port is filled in.
    redis: bool = False
    #: The rule is for what is sent to the relay.
    relay: bool = False
    #: Only milter processes that have just begun lead to it: their first messages begin segments of the
    #: intake, and the segments of those before them can be removed.
    begun: bool = False


def _before(call: Call, where: str) -> Point:
    return Point(f"before {call.name.lower()} in {where}", Rule(call, Action.KILL_BEFORE, where=where))


def _after(call: Call, where: str) -> Point:
    return Point(f"after {call.name.lower()} in {where}", Rule(call, Action.KILL_AFTER, where=where))


def _both(call: Call, where: str) -> tuple[Point, Point]:
    return _before(call, where), _after(call, where)


#: The milter's answer DISCARD: length and letter (libmilter, mfdef.h).
_DISCARD = b"\x00\x00\x00\x01d"
_ANSWER = tuple(
    Point(name, Rule(Call.SEND, action, where="milter.sock", marker=_DISCARD))
    for name, action in (("before the answer", Action.KILL_BEFORE), ("answer", Action.KILL_AFTER))
)


def _begun(*points: Point) -> tuple[Point, ...]:
    return tuple(replace(point, begun=True) for point in points)


def _command(step: str, marker: bytes, action: Action = Action.KILL_AFTER) -> Point:
    """Return the point at which a command has gone to Redis whose bytes hold `marker`."""
    return Point(step, Rule(Call.SEND, action, marker=marker), redis=True)


class Points(Fault):
    """Kills one process at each of its points in turn."""

    setup = Setup.SHIM
    part: ClassVar[str]
    points: ClassVar[tuple[Point, ...]]

    def __init__(self) -> None:
        self._left = list(self.points)
        self._missed: list[str] = []

    def inject(self, bench: Bench) -> int:
        point = self._left.pop(0)
        rule = point.rule
        if point.redis:
            rule = replace(rule, port=bench.ports.redis)
        if point.relay:
            rule = replace(rule, port=bench.relay_proxy.port)
        shim = bench.shims[self.part]
        shim.arm(rule)
        for _ in range(_TRIES if point.begun else 1):
            if point.begun:  # with the shim armed: what the end of a segment leads to may happen at once
                end_segments(bench)
            if wait_until(lambda: shim.fired() > 0, _REACH_SECONDS):
                break
        hits = shim.disarm()
        if not hits:
            self._missed.append(point.name)
        return hits

    def check(self, found: Found) -> list[str]:
        return [f"never reached: {name}" for name in self._missed]


class IntakeAppend(Points):
    """Between the steps of taking a small message over."""

    name = "points: intake"
    part = "milter"
    cuts_edge = True
    stretch = 3.0
    points = (
        *_both(Call.WRITE, SEGMENT),
        Point("within write of a record", Rule(Call.WRITE, Action.KILL_WITHIN, where=SEGMENT)),
        *_both(Call.DATASYNC, SEGMENT),
        *_both(Call.WRITE, ARRIVED),
        *_ANSWER,
    )
    times = len(points)


class SegmentBegun(Points):
    """Between the steps of beginning a segment of the intake."""

    name = "points: segment"
    part = "milter"
    cuts_edge = True
    stretch = 8.0
    points = _begun(
        *_both(Call.CREATE, NEW_SEGMENT),
        _after(Call.CREATE, ARRIVED),
        _after(Call.RENAME, NEW_SEGMENT),
        _after(Call.FSYNC, SEGMENTS),
    )
    times = len(points)


class SpoolCommit(LargeLetters, Points):
    """Between the steps of taking a message over that gets a file of its own."""

    name = "points: spool commit"
    part = "milter"
    cuts_edge = True
    stretch = 3.0
    points = (
        *_both(Call.CREATE, "/milterin/incoming"),
        *_both(Call.FSYNC, "/milterin/incoming"),
        *_both(Call.RENAME, "/milterin/incoming"),
        *_both(Call.FSYNC, "/milterin/active"),
    )
    times = len(points)


class Enqueue(LargeLetters, Points):
    """Between contents, task, outcomes and removal in the queue manager."""

    name = "points: enqueue, removal"
    part = "queue-manager"
    stretch = 3.0
    points = (
        _command("before the contents", b"\r\nSET\r\n", Action.KILL_BEFORE),
        _command("contents", b"\r\nSET\r\n"),
        _command("task", b"\r\nLPUSH\r\n"),
        _command("event", b"mailmill:events"),
        *_both(Call.UNLINK, "/milterin/active"),
        *_both(Call.WRITE, ENDED),
        _command("outcome removed", b"\r\nXDEL\r\n"),
        _command("contents removed", b"\r\nUNLINK\r\n"),
    )
    times = len(points)


class SegmentRemoved(Points):
    """Between the steps of removing a segment of which all messages have ended."""

    name = "points: segment removal"
    part = "queue-manager"
    cuts_edge = True  # milter processes are killed, for their segments to end
    stretch = 8.0
    points = _begun(
        *_both(Call.UNLINK, SEGMENT),
        *_both(Call.UNLINK, ARRIVED),
        _after(Call.UNLINK, ENDED),
    )
    times = len(points)


class Deferral(RelayDefers, Points):
    """Between the steps of keeping a delivery that the relay did not take, and of sending it once more."""

    name = "points: deferral"
    part = "queue-manager"
    stretch = 3.0
    points = (
        *_both(Call.CREATE, "/milterout/incoming"),
        _before(Call.FSYNC, "/milterout/incoming"),
        *_both(Call.RENAME, "/milterout/incoming"),
        _after(Call.FSYNC, "/milterout/active"),
        *_both(Call.RENAME, "/milterout/active"),
        _after(Call.WRITE, ENDED),
        _after(Call.RENAME, "/milterout/deferred"),
        *_both(Call.UNLINK, "/milterout/active"),
    )
    times = len(points)


class Scan(Points):
    """Between note, contents, result, report, task for delivery and acknowledgement."""

    name = "points: scan"
    part = "scan"
    stretch = 3.0
    points = (
        _command("before the note", b"\r\nHMGET\r\n", Action.KILL_BEFORE),
        _command("note", b"\r\nHMGET\r\n"),
        _command("contents asked for", b"\r\nMGET\r\n"),
        _command("deliveries", b"\r\nSET\r\n"),
        _command("outcome", b"mailmill:outcomes"),
        _command("task", b"\r\nLPUSH\r\n"),
        _command("note removed", b"\r\nHDEL\r\n$23\r\nmailmill:scanning:edge1"),
        # The worker's parent does this: all of it is killed.
        _command("before the acknowledgement", b"\r\nZREM\r\n", Action.KILL_BEFORE),
        _command("acknowledgement", b"\r\nZREM\r\n"),
    )
    times = len(points)


class Deliver(Points):
    """Between claim, submission, confirmation, report and acknowledgement."""

    name = "points: deliver"
    part = "deliver"
    stretch = 3.0
    points = (
        _command("contents asked for", b"\r\nMGET\r\n"),
        _command("claim", b"\r\nSMISMEMBER\r\n"),
        Point("before the submission", Rule(Call.SEND, Action.KILL_BEFORE), relay=True),
        Point("submission", Rule(Call.SEND, Action.KILL_AFTER), relay=True),
        Point("K noted", Rule(Call.WRITE, Action.KILL_AFTER, where="/journal/", marker=b'"confirmed"')),
        *_both(Call.DATASYNC, "/journal/"),
        _command("confirmation", b"'SADD'"),
        _command("outcome", b"mailmill:outcomes"),
        _command("before the acknowledgement", b"\r\nZREM\r\n", Action.KILL_BEFORE),
        _command("acknowledgement", b"\r\nZREM\r\n"),
    )
    times = len(points)


FAULTS = (IntakeAppend, SegmentBegun, SpoolCommit, Enqueue, SegmentRemoved, Deferral, Scan, Deliver)
