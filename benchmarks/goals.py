"""A goal of issue 4: what is measured, and from where on it is reached."""

from __future__ import annotations

from msgspec import Struct


class Goal(Struct, frozen=True):
    """One sentence with a number, and whether it is true."""

    #: Its number in the list of goals.
    number: int
    what: str
    #: What was measured; None: it could not be.
    measured: float | None
    bound: float
    unit: str = ""
    #: Whether `measured` must be below `bound` instead of above.
    at_most: bool = False

    @property
    def reached(self) -> bool:
        """Whether it is reached."""
        if self.measured is None:
            return False
        return self.measured <= self.bound if self.at_most else self.measured >= self.bound

    def __str__(self) -> str:
        verdict = "pass       " if self.reached else "falls short"
        found = "not measured" if self.measured is None else f"{self.measured:.3g}{self.unit}"
        sign = "at most" if self.at_most else "at least"
        return f"{verdict}  goal {self.number}: {self.what}: {found}, {sign} {self.bound:g}{self.unit}"
