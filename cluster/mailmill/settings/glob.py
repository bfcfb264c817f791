"""Texts in which `*` stands for any text. They are compared without going back, part after part."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Glob:
    """A text with stars in it, compared as a whole."""

    #: What stands between the stars.
    parts: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Glob:
        """Return what a text means; several stars in a row are one."""
        return cls(tuple(re.split(r"\*+", text)))

    def fits(self, text: str) -> bool:
        """Say whether this is what a whole text looks like."""
        first, *middle = self.parts
        if not middle:
            return text == first
        last = middle.pop()
        if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
            return False
        place, end = len(first), len(text) - len(last)
        for part in middle:
            found = text.find(part, place, end)
            if found < 0:
                return False
            place = found + len(part)
        return True
