"""Options that are right by themselves and wrong together."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from mailmill.settings.options.choices import DeliveryMethod
from mailmill.settings.options.delivery import (
    MAXIMAL_BACKOFF_TIME,
    MINIMAL_BACKOFF_TIME,
    MSMAIL_DELIVERY_METHOD,
    MSMAIL_RELAY_ADDRESS,
    MSMAIL_RELAY_PORT,
)
from mailmill.settings.options.milter import MILTER_IGNORE_LOOPBACK
from mailmill.settings.options.system import INCOMING_QUEUE_DIR, OUTGOING_QUEUE_DIR

if TYPE_CHECKING:
    from pathlib import Path

    from mailmill.settings.values import Settings


#: An address of this host in `MSMail Relay Address`, and its port.
_LOOPBACK: Final = re.compile(r"(?:127\.[0-9.]+|localhost|::1|\[::1\])(?:(?<!::1):([0-9]+))?", re.IGNORECASE)
#: Where the Postfix listens that the milter serves, in most cases.
_SMTP_PORT: Final = 25


def suspicions(settings: Settings) -> Iterator[str]:
    """Yield a warning for what is likely to be wrong together."""
    if settings[MILTER_IGNORE_LOOPBACK] or settings[MSMAIL_DELIVERY_METHOD] is not DeliveryMethod.SMTP:
        return
    for address in settings[MSMAIL_RELAY_ADDRESS]:
        found = _LOOPBACK.fullmatch(address)
        if found and int(found[1] or settings[MSMAIL_RELAY_PORT]) == _SMTP_PORT:
            yield (
                f"{settings.place(MILTER_IGNORE_LOOPBACK)} is no, and {MSMAIL_RELAY_ADDRESS.name} {address}:"
                " if the milter's own Postfix listens there, all mail goes round and is scanned again"
            )


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
