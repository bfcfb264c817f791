"""MailScanner.conf of a MailScanner that took its mail from the queue of an MTA.

Mailmill takes mail through its milter. The queue directories in such a file belong to the MTA: mail in them
is not in Mailmill's format and would be in the way, so the defaults are used instead.
"""

from __future__ import annotations

from typing import Final

from mailmill.settings.options.system import INCOMING_QUEUE_DIR, MTA, OUTGOING_QUEUE_DIR, other_mta
from mailmill.settings.sources import Place, Source

_QUEUES: Final = (INCOMING_QUEUE_DIR, OUTGOING_QUEUE_DIR)


def set_aside_queues(texts: dict[str, tuple[str, Source]], warnings: list[str]) -> None:
    """Take the queue directories of a file out of `texts` when its MTA is not msmail, each with a warning."""
    mta, source = texts.get(MTA.key, ("", Source(Place.DEFAULT)))
    if source.place is not Place.FILE or not other_mta(mta):
        return
    for option in _QUEUES:
        text, source = texts.get(option.key, ("", Source(Place.DEFAULT)))
        if source.place is Place.FILE:
            del texts[option.key]
            warnings.append(
                f"{source}: {option.name} = {text} is the queue of {mta} and not used: "
                f"with MTA = msmail it would be"
            )
