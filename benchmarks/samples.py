"""Memory of a server's processes over time, and the most that each has had."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.processes import PROC, Memory, memory, stats
from mailmill_local.servers.base import Server

#: What makes the kernel forget the highest resident size so far (proc(5): clear_refs).
_FORGET: Final = "5"
_HIGHEST: Final = re.compile(r"^VmHWM:\s*(\d+) kB$", re.MULTILINE)


def workers_of(server: Server) -> list[int]:
    """Return the processes that do the work: those without children, which is itself when it has none."""
    session = server.process.pid
    members = [stat for stat in stats() if stat.session == session]
    parents = {stat.parent for stat in members}
    return [stat.pid for stat in members if stat.pid not in parents]


def largest(server: Server) -> Memory:
    """Return the memory of the worker process that has most.

    Raises:
        ValueError: none of them could be read.
    """
    found = []
    for pid in workers_of(server):
        with contextlib.suppress(OSError, KeyError):  # it has ended meanwhile
            found.append(memory(pid))
    return max(found, key=lambda each: each.resident)


def parse_highest(status: str) -> int:
    """Return the highest resident size in /proc/PID/status, in bytes.

    Raises:
        ValueError: it says nothing about it.
    """
    found = _HIGHEST.search(status)
    if found is None:
        raise ValueError("no VmHWM")
    return int(found[1]) * 1024


@dataclass
class Peak:
    """How far the processes of a server grow over what they have now."""

    server: Server
    proc: Path = PROC

    def __post_init__(self) -> None:
        """Begin to watch."""
        self._before = {}
        for pid in workers_of(self.server):
            (self.proc / str(pid) / "clear_refs").write_text(_FORGET)
            self._before[pid] = memory(pid, self.proc).resident

    def growth(self) -> int:
        """Return the largest growth of one process so far, in bytes.

        Raises:
            OSError: a process has ended, and nobody knows how large it was.
        """
        return max(
            parse_highest((self.proc / str(pid) / "status").read_text()) - before
            for pid, before in self._before.items()
        )
