"""Options that are right by themselves and wrong together."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mailmill.settings.options.delivery import MAXIMAL_BACKOFF_TIME, MINIMAL_BACKOFF_TIME
from mailmill.settings.options.system import INCOMING_QUEUE_DIR, OUTGOING_QUEUE_DIR

if TYPE_CHECKING:
    from pathlib import Path

    from mailmill.settings.values import Settings


def conflicts(settings: Settings) -> Iterator[str]:
    """Yield a line for each conflict, with the place of one of the options."""
    incoming, outgoing = settings[INCOMING_QUEUE_DIR], settings[OUTGOING_QUEUE_DIR]
    if _inside(outgoing, incoming) or _inside(incoming, outgoing):
        yield (
            f"{settings.place(OUTGOING_QUEUE_DIR)} must be a directory of its own: {outgoing} and "
            f"{INCOMING_QUEUE_DIR.name} {incoming} are the same or in each other"
        )
    least, most = settings[MINIMAL_BACKOFF_TIME], settings[MAXIMAL_BACKOFF_TIME]
    if least > most:
        yield (
            f"{settings.place(MINIMAL_BACKOFF_TIME)}, {least} s, must not be longer than "
            f"{MAXIMAL_BACKOFF_TIME.name}, {most} s"
        )


def _inside(path: Path, other: Path) -> bool:
    one, two = os.path.abspath(path), os.path.abspath(other)  # noqa: PTH100 - pathlib's absolute() leaves the dots in
    return one == two or one.startswith(f"{two}/")
