"""What all measurements are told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec import Struct

from benchmarks.driver.orders import Mail

#: Messages of a row: as many as the figures of the goals were taken with.
COUNT: Final = 2020


class Plan(Struct, frozen=True):
    """What a measurement may do, and with what."""

    #: Below it the servers keep everything; other users must be able to pass.
    directory: Path
    mail: Mail
    #: How often each row is measured.
    runs: int = 3
    #: Messages of a row.
    count: int = COUNT
    #: Only a look: few messages, and the rows that take long are left out.
    quick: bool = False
    #: All that takes long: 100,000 messages where a bounded number is the default.
    long: bool = False
    #: The relay delivers into its Maildir instead of discarding.
    maildir: bool = False
    #: Only these engines, connections or parts, where a measurement has such; empty: all.
    only: tuple[str, ...] = ()
    say: Callable[[str], None] = print

    def wants(self, name: str) -> bool:
        """Whether a part is to be measured."""
        return not self.only or name in self.only
