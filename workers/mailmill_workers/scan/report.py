"""What is known of a message when everything has looked at it; policy decides on this alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path

from mailmill.findings import Failed, Forbidden, Found, SpamAnswer, Unscannable, VirusAnswer
from mailmill.messagelog.measured import EngineAnswer


@dataclass(frozen=True)
class Report:
    """The answers about one message."""

    #: Name of each virus scanner that was asked, and its answer.
    viruses: tuple[tuple[str, VirusAnswer], ...]
    #: Name of the spam scanner; empty when none was asked.
    spam_scanner: str
    spam: SpamAnswer | None
    #: Why the message could not be unpacked; None when it could.
    unpacked: Unscannable | None
    #: What the rules in files (about names, about types) forbid in this message.
    forbidden: Callable[[tuple[Path, ...], tuple[Path, ...]], tuple[Forbidden, ...]]
    #: Seconds that each engine took.
    took: Mapping[str, float] = field(default_factory=dict)
    #: Engines for which the verdict cache answered.
    cached: AbstractSet[str] = frozenset()

    def measured(self) -> tuple[EngineAnswer, ...]:
        """Return what the metrics count of the engines."""
        spam = [(self.spam_scanner, self.spam)] if self.spam is not None else []
        return tuple(
            EngineAnswer(
                name, type(answer).__name__.lower(), round(self.took.get(name, 0.0), 4), name in self.cached
            )
            for name, answer in (*self.viruses, *spam)
        )

    def virus_names(self) -> tuple[str, ...]:
        """Return the names of the viruses that were found."""
        return tuple(virus for _, a in self.viruses if isinstance(a, Found) for virus in a.names)

    def virus_failures(self) -> tuple[str, ...]:
        """Return `scanner: reason` of each virus scanner that gave no answer."""
        return tuple(f"{name}: {a.reason}" for name, a in self.viruses if isinstance(a, Failed))

    def unscannable(self) -> tuple[str, ...]:
        """Return why the message could not be looked into, by whom."""
        reasons = tuple(f"{name}: {a.reason}" for name, a in self.viruses if isinstance(a, Unscannable))
        return reasons if self.unpacked is None else (*reasons, self.unpacked.reason)
