"""What engines and checks say of a message. Unknown never means clean."""

from __future__ import annotations

from msgspec import Struct


class Clean(Struct, frozen=True, tag=True):
    """The engine looked at all of it and found nothing."""


class Found(Struct, frozen=True, tag=True):
    """The engine found these, for instance virus names."""

    names: tuple[str, ...]


class Unscannable(Struct, frozen=True, tag=True):
    """The engine cannot look into this message (size limit, encrypted); trying again is no use."""

    reason: str


class Failed(Struct, frozen=True, tag=True):
    """The engine gave no answer (down, time-out, error); another try may get one."""

    reason: str


class Scored(Struct, frozen=True, tag=True):
    """What a spam engine says of a message."""

    #: Points; higher is more like spam. Comparable only within one engine.
    score: float
    #: Names of the rules that matched, in the engine's order, with their points.
    symbols: tuple[tuple[str, float], ...] = ()
    #: Whether it holds only now: the engine would answer otherwise another time (greylisting, rate limits).
    momentary: bool = False


class Forbidden(Struct, frozen=True):
    """A part of a message that the file-name or file-type rules deny."""

    #: The name of the part as the recipient would see it; empty when it has none.
    filename: str
    #: Why, for the log: the text of the rule.
    log_text: str
    #: Why, for people: the text of the rule.
    user_text: str


VirusAnswer = Clean | Found | Unscannable | Failed
SpamAnswer = Scored | Failed
Answer = VirusAnswer | SpamAnswer
