"""What a scan worker measures and sends along with an event: one process counts for all of them."""

from __future__ import annotations

from msgspec import Struct


class EngineAnswer(Struct, frozen=True, array_like=True):
    """What one engine said of one message."""

    #: The engine's word in `Virus Scanners` or `Spam Scanner`.
    engine: str
    #: The kind of the answer: clean, found, unscannable, scored or failed.
    answer: str
    #: How long it took, in seconds.
    seconds: float
    #: Whether the verdict cache gave the answer, and the engine was not asked.
    cached: bool = False


class Measured(Struct, frozen=True, array_like=True):
    """One scan of one message. As JSON it takes about 80 bytes."""

    #: What was decided, each verdict once; several when recipients differ, none when it was deferred.
    verdicts: tuple[str, ...]
    #: How long the scan took, in seconds.
    seconds: float
    answers: tuple[EngineAnswer, ...] = ()
