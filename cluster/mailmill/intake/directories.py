"""Where the files of an intake are, in a queue directory."""

from __future__ import annotations

from pathlib import Path
from typing import Final

#: Below a queue directory.
INTAKE: Final = "intake"
LOG: Final = "log"
ARRIVED: Final = "arrived"
ENDED: Final = "ended"
#: All of them, the outer one first.
ALL: Final = (INTAKE, f"{INTAKE}/{LOG}", f"{INTAKE}/{ARRIVED}", f"{INTAKE}/{ENDED}")


class Directories:
    """The directories of one intake."""

    def __init__(self, root: Path) -> None:
        """Of the intake in the queue directory `root`."""
        self.top = root / INTAKE
        self.log = self.top / LOG
        self.arrived = self.top / ARRIVED
        self.ended = self.top / ENDED
