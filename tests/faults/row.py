"""What became of the messages of one fault: a row of the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Row:
    """One row. Counts are messages, times are seconds."""

    fault: str
    #: What the senders were told: 250, an error code, or nothing because the connection broke.
    accepted: int
    refused: int
    broken: int
    #: Accepted messages that were found in the inbox, in quarantine, or as a bounce.
    inbox: int
    quarantined: int
    bounced: int
    #: Accepted, and nowhere.
    lost: int
    #: Ends beyond the first that nothing explains.
    duplicated: int
    #: Ends beyond the first for which the reply of the relay was cut off after the last byte.
    explained: int
    #: With other body bytes than were sent.
    altered: int
    #: Still in a spool when the time for recovery was over.
    stuck: int
    #: Refused with an error code and delivered all the same: the sender will send it again.
    unasked: int
    #: From the repair, or from the last message sent if that was later, until all was quiet.
    recovery: float
    #: How often the fault hit.
    hits: int
    #: `unasked` is explained by the fault (the edge died between its disk and its answer).
    cuts_edge: bool = False
    notes: tuple[str, ...] = ()

    @property
    def wrong(self) -> tuple[str, ...]:
        """What must not be, in words; empty when the row is good."""
        found = [
            f"{count} {word}"
            for count, word in (
                (self.lost, "lost"),
                (self.duplicated, "duplicated"),
                (self.altered, "altered"),
                (self.stuck, "stuck"),
                (0 if self.cuts_edge else self.unasked, "refused and delivered"),
            )
            if count
        ]
        if not self.hits:
            found.append("the fault never hit")
        if not self.accepted:
            found.append("nothing was accepted")
        return (*found, *self.notes)


_COLUMNS = (
    ("told 250", "accepted"),
    ("4xx", "refused"),
    ("cut", "broken"),
    ("inbox", "inbox"),
    ("quar.", "quarantined"),
    ("bounce", "bounced"),
    ("lost", "lost"),
    ("dupl.", "duplicated"),
    ("expl.", "explained"),
    ("alter.", "altered"),
    ("stuck", "stuck"),
    ("unask.", "unasked"),
    ("hits", "hits"),
)
#: Characters of the fault's name.
NAME_WIDTH: Final = 26


def heading() -> str:
    """Return the first line of the table."""
    return f"{'fault':{NAME_WIDTH}}" + "".join(f"{title:>9}" for title, _ in _COLUMNS) + f"{'recov.':>9}"


def line(row: Row) -> str:
    """Return the line of a row, with what is wrong behind it."""
    values = "".join(f"{getattr(row, field):9}" for _, field in _COLUMNS)
    wrong = "  FAILED: " + ", ".join(row.wrong) if row.wrong else ""
    return f"{row.fault:{NAME_WIDTH}}{values}{row.recovery:8.1f}s{wrong}"
