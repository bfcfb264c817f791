"""What faults of the intake need: its places on the disk, new segments, and letters too large for it."""

from __future__ import annotations

from faults.bench import Bench
from faults.fault import Fault
from faults.processes import children, kill
from mailmill_local.load import Letter
from mailmill_milter.session import SPILL

#: The directory of the segments as it is synced, and a segment in it.
SEGMENTS = "/milterin/intake/log"
SEGMENT = f"{SEGMENTS}/"
#: A segment that is being created: its name begins with the time in twenty digits.
NEW_SEGMENT = "/milterin/intake/0"
ARRIVED = "/milterin/intake/arrived/"
ENDED = "/milterin/intake/ended/"

#: One in so many letters is large.
_LARGE_SHARE = 8


def begin_segments(bench: Bench) -> None:
    """Kill a milter process: the one in its place begins a new segment, and the old one is complete.

    The oldest: it is started again at once.
    """
    kill(children(bench.running(bench.system.milter))[0])


def end_segments(bench: Bench) -> None:
    """Kill all milter processes: until those in their place get mail, no segment is open."""
    for child in children(bench.running(bench.system.milter)):
        kill(child)


class LargeLetters(Fault):
    """A fault for which some letters are large enough for a spool file of their own."""

    def letters(self, letters: list[Letter]) -> list[Letter]:
        """See `Fault`."""
        return [
            Letter(letter.sender, letter.recipients, _enlarged(letter.data))
            if number % _LARGE_SHARE == 0
            else letter
            for number, letter in enumerate(letters)
        ]


def _enlarged(data: bytes) -> bytes:
    line = b"x" * 71 + b"\n"
    return data.rstrip(b"\n") + b"\n" + line * (SPILL // len(line) + 1)
