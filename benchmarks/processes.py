"""The processor time and the memory of process trees, from /proc (proc(5))."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
#: Clock ticks a second; processor times are counted in them.
TICKS: Final = os.sysconf("SC_CLK_TCK")
#: Fields of /proc/PID/stat behind the name, which is the second: proc(5)'s numbers less three.
_PARENT, _SESSION, _USER, _SYSTEM, _CHILDREN_USER, _CHILDREN_SYSTEM = 1, 3, 11, 12, 13, 14


@dataclass(frozen=True)
class Stat:
    """One line of /proc/PID/stat."""

    pid: int
    name: str
    parent: int
    session: int
    #: Seconds of processor, user and system, of the process and of those children that it has waited for.
    cpu: float


def parse_stat(text: str) -> Stat:
    """Read a line of /proc/PID/stat; the name may hold blanks and brackets.

    Raises:
        ValueError: it is no such line.
    """
    head, bracket, tail = text.rpartition(")")
    pid, _, name = head.partition(" (")
    values = tail.split()
    if not bracket or len(values) <= _CHILDREN_SYSTEM:
        raise ValueError(f"no line of /proc/PID/stat: {text!r}")
    ticks = sum(int(values[field]) for field in (_USER, _SYSTEM, _CHILDREN_USER, _CHILDREN_SYSTEM))
    return Stat(int(pid), name, int(values[_PARENT]), int(values[_SESSION]), ticks / TICKS)


def stats(proc: Path = PROC) -> list[Stat]:
    """Return all processes that are there at this moment."""
    found = []
    for entry in proc.glob("[0-9]*/stat"):
        try:
            found.append(parse_stat(entry.read_text()))
        except OSError:
            continue  # it has ended
    return found


def cpu_by_session(sessions: set[int], proc: Path = PROC) -> dict[int, float]:
    """Return the seconds of processor that each session has taken since it began.

    A program that `mailmill_local` starts leads a session, so all its children are counted; those that ended
    are in the account of the parent that has waited for them.
    """
    totals = dict.fromkeys(sessions, 0.0)
    for stat in stats(proc):
        if stat.session in totals:
            totals[stat.session] += stat.cpu
    return totals


def parse_busy(text: str) -> float:
    """Return the seconds that all processors were busy since boot, from the first line of /proc/stat."""
    user, nice, system, _idle, _wait, irq, softirq, *_ = map(int, text.splitlines()[0].split()[1:])
    return (user + nice + system + irq + softirq) / TICKS


def busy(proc: Path = PROC) -> float:
    """Return the seconds that all processors were busy since boot."""
    return parse_busy((proc / "stat").read_text())


@dataclass(frozen=True)
class Memory:
    """The memory of a process in bytes."""

    #: All pages, shared ones included.
    resident: int
    #: Shared pages divided by the number of those who share them.
    proportional: int


def parse_memory(rollup: str) -> Memory:
    """Read /proc/PID/smaps_rollup.

    Raises:
        KeyError: a line is missing.
    """
    kilobytes = {
        key: int(value.split()[0])
        for key, colon, value in (line.partition(":") for line in rollup.splitlines()[1:])
        if colon
    }
    return Memory(kilobytes["Rss"] * 1024, kilobytes["Pss"] * 1024)


def memory(pid: int, proc: Path = PROC) -> Memory:
    """Return the memory of a process.

    Raises:
        OSError: it has ended.
    """
    return parse_memory((proc / str(pid) / "smaps_rollup").read_text())
