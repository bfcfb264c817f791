"""What an option is: the one definition that parser, defaults, checks and the reference page use."""

from __future__ import annotations

import enum
import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from mailmill.settings.kinds import Kind

T = TypeVar("T")


def _first(values: tuple[T, ...]) -> T:
    return values[0]


#: What the names of all environment variables of Mailmill begin with.
PREFIX: Final = "MAILMILL_"


class Rules(enum.Enum):
    """Whether an option may name a ruleset, and how several rules that match are joined."""

    NONE = "no"
    FIRST = "first match"
    ALL = "all matches"


class Origin(enum.Enum):
    """Where users know an option from."""

    MAILSCANNER = "MailScanner"
    MAILMILL = "Mailmill"


class Effect(enum.Enum):
    """When another value of an option counts."""

    #: Without a restart: from the next batch of mail, or the next message of a milter.
    NEXT_BATCH = "without a restart, from the next batch on"
    START = "after a restart"
    #: As START; and a published configuration does not set it, because nodes differ in it.
    NODE = "after a restart; a published configuration does not set it"


@dataclass(frozen=True)
class Option(Generic[T]):
    """One option of MailScanner.conf."""

    name: str
    kind: Kind[T]
    #: The default as a user would write it.
    default: str
    #: One or more sentences; the first says what the option does.
    description: str
    unit: str = ""
    rules: Rules = Rules.NONE
    origin: Origin = Origin.MAILSCANNER
    #: Makes one value of those of all rules that match, at least one; for `Rules.ALL`.
    join: Callable[[tuple[T, ...]], T] = _first
    effect: Effect = Effect.NEXT_BATCH

    @functools.cached_property
    def key(self) -> str:
        """The name as it is compared: without case, spaces and punctuation."""
        return option_key(self.name)

    @property
    def variable(self) -> str:
        """The environment variable that overrides it: `Milter Port` is `MAILMILL_MILTER_PORT`."""
        return PREFIX + re.sub(r"[^A-Z0-9]+", "_", self.name.upper()).strip("_")


def option_key(name: str) -> str:
    """Return an option's name as MailScanner compares it: lower case, only letters and digits."""
    return re.sub(r"[^a-z0-9]", "", name.lower())
