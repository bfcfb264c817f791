"""One instance per directory: a lock while it runs, and what a killed one left running is found and ended."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

#: Seconds between TERM and KILL for what a killed instance left.
GRACE_SECONDS: Final = 3.0

#: Fields of /proc/PID/stat behind the name: state is 0, session 3, start time 19 (proc(5), minus three).
_STATE, _SESSION, _START = 0, 3, 19


class AlreadyRunningError(Exception):
    """Another instance has the lock."""


class Session(msgspec.Struct, frozen=True):
    """A program that was started as the leader of a session: its id and when it began."""

    name: str
    pid: int
    #: Clock ticks since boot (proc(5): starttime).
    started: str


class Running(msgspec.Struct, frozen=True):
    """What the state file holds."""

    #: The kernel's id of this boot: process ids of another boot mean nothing.
    boot: str
    sessions: tuple[Session, ...]


@dataclass(frozen=True)
class _Stat:
    pid: int
    state: str
    session: int
    started: str


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold the lock file for as long as the block runs.

    Raises:
        AlreadyRunningError: another process holds it; the message has its id.
    """
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise AlreadyRunningError(f"it runs already, as process {holder} (lock: {path})") from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def remember(path: Path, programs: list[tuple[str, int]]) -> None:
    """Write the state file: (name, pid) of all that was started and is not yet stopped."""
    sessions = tuple(
        Session(name, pid, stat.started) for name, pid in programs if (stat := _stat(pid)) is not None
    )
    temporary = path.with_suffix(".new")
    temporary.write_bytes(msgspec.json.encode(Running(_boot(), sessions)))
    temporary.replace(path)


def end_leftovers(path: Path, grace: float = GRACE_SECONDS) -> list[str]:
    """End what the state file names and is still running; return the names.

    A session belongs to us when its leader is the process that we started, or when the leader has gone: its
    id is not given away while the session has members.
    """
    try:
        running = msgspec.json.decode(path.read_bytes(), type=Running)
    except (FileNotFoundError, msgspec.MsgspecError):
        return []
    if running.boot != _boot():
        return []
    wanted = {session.pid: session for session in running.sessions}
    found = _members(wanted)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for stat in _members(wanted):
            try:
                os.kill(stat.pid, number)
            except ProcessLookupError:
                continue
        end = time.monotonic() + grace
        while _members(wanted) and time.monotonic() < end:
            time.sleep(0.05)
    return sorted({wanted[stat.session].name for stat in found})


def _members(wanted: dict[int, Session]) -> list[_Stat]:
    """Return the living processes of the sessions."""
    stats = [
        stat
        for entry in Path("/proc").glob("[0-9]*")
        if (stat := _stat(int(entry.name))) is not None and stat.state != "Z"
    ]
    strangers = {
        stat.pid for stat in stats if stat.pid in wanted and stat.started != wanted[stat.pid].started
    }
    return [stat for stat in stats if stat.session in wanted and stat.session not in strangers]


def _stat(pid: int) -> _Stat | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    values = text.rpartition(")")[2].split()
    return _Stat(pid, values[_STATE], int(values[_SESSION]), values[_START])


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
