"""The harness's end of shim.c: compiling it, and arming its rules."""

from __future__ import annotations

import enum
import mmap
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mailmill_local.servers.mailmill import MailmillProcess

#: The layout of `struct rule`: call, countdown, action, repeat, fired, port, length of marker, where, marker.
_RULE: Final = struct.Struct("=7i196s64s")
_RULES: Final = 8
_FIRED_AT: Final = 16
#: Behind the rules stand the seconds by which the wall clock is wrong.
_CLOCK: Final = struct.Struct("=i")
_SIZE: Final = _RULE.size * _RULES + _CLOCK.size
_SOURCE: Final = Path(__file__).with_name("shim.c")


class Call(enum.IntEnum):
    """The system calls at which something can be done."""

    CREATE = 1
    WRITE = 2
    FSYNC = 3
    RENAME = 4
    UNLINK = 5
    SEND = 6
    DATASYNC = 7
    TRUNCATE = 8


class Action(enum.IntEnum):
    """What is done instead of failing the call with an errno."""

    KILL_BEFORE = -1
    KILL_AFTER = -2
    CRASH = -3
    SPIN = -4
    HANG = -5
    EXHAUST = -6
    #: For a write at an offset: half of it is done, then the process is killed.
    KILL_WITHIN = -7
    #: The same, and then there is no space.
    FULL = -8


@dataclass(frozen=True)
class Rule:
    """One rule."""

    call: Call
    #: An `Action` or an errno.
    action: int
    #: What the path of the file or unix socket must contain.
    where: str = ""
    #: The port at the other end of a socket; 0: any.
    port: int = 0
    #: What the data must contain.
    marker: bytes = b""
    #: Which of the calls that match.
    nth: int = 1
    #: Also all that follow.
    repeat: bool = False


def compile_shim(directory: Path) -> Path:
    """Compile the library into a directory and return its path."""
    library = directory / "shim.so"
    subprocess.run(["gcc", "-O2", "-fPIC", "-shared", "-o", str(library), str(_SOURCE), "-ldl"], check=True)
    library.chmod(0o755)
    return library


class Shim:
    """The rules of one server's processes."""

    def __init__(self, library: Path, server: MailmillProcess, directory: Path) -> None:
        """Preload `library` into `server` at its next start; the rules are in a file in `directory`."""
        path = directory / f"shim.{server.name}"
        path.write_bytes(bytes(_SIZE))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _SIZE)
        server.variables |= {"LD_PRELOAD": str(library), "MAILMILL_FAULT_CONTROL": str(path)}

    def arm(self, rule: Rule, slot: int = 0) -> None:
        """Put a rule in force."""
        self.disarm(slot)
        at = slot * _RULE.size
        packed = _RULE.pack(
            rule.call,
            rule.nth,
            rule.action,
            rule.repeat,
            0,
            rule.port,
            len(rule.marker),
            rule.where.encode(),
            rule.marker,
        )
        # The first field comes last: it puts the others in force.
        self._memory[at + 4 : at + _RULE.size] = packed[4:]
        self._memory[at : at + 4] = packed[:4]

    def disarm(self, slot: int = 0) -> int:
        """Put a rule out of force and return how often it acted."""
        at = slot * _RULE.size
        self._memory[at : at + 4] = bytes(4)
        return self.fired(slot)

    def set_clock(self, seconds: int) -> None:
        """Let the wall clock of the processes be wrong by so many seconds; 0: right."""
        _CLOCK.pack_into(self._memory, _RULE.size * _RULES, seconds)

    def fired(self, slot: int = 0) -> int:
        """Return how often a rule has acted."""
        value: int = struct.unpack_from("=i", self._memory, slot * _RULE.size + _FIRED_AT)[0]
        return value
