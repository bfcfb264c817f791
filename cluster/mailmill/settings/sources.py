"""Where the value of an option comes from."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Place(enum.Enum):
    """The kinds of places that values come from; a later one beats an earlier one."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"


@dataclass(frozen=True)
class Source:
    """The place of one value; as text it is what stands before a complaint about the value."""

    place: Place
    #: `file:line`, or the name of the environment variable; empty for a default.
    where: str = ""

    def __str__(self) -> str:
        return self.where or self.place.value
