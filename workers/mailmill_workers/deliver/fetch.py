"""Fetching what a task is to deliver from the contents store, in two round trips."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from mailmill.contents import ContentsStore
from mailmill.delivery import Delivery
from mailmill.errors import DamagedSpoolFileError, RecordError
from mailmill.records import decode
from mailmill.spoolfile import unpack

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Message:
    """A delivery with its message."""

    delivery: Delivery
    #: The whole message, lines ending in LF.
    data: bytes


@dataclass(frozen=True)
class Fetched:
    """What was there, and the Mailmill ids of what was not there or damaged."""

    messages: tuple[Message, ...]
    missing: tuple[str, ...]


def fetch(contents: ContentsStore, ids: Sequence[str]) -> Fetched:
    """Return the deliveries of these ids with their messages.

    Raises:
        ContentsError: the store cannot be used.
    """
    wanted = list(dict.fromkeys(ids))
    records = contents.get(wanted)
    deliveries: list[Delivery] = []
    missing: dict[str, None] = {}
    for delivery_id in wanted:
        if delivery_id in records:
            try:
                deliveries.append(decode(records[delivery_id], Delivery))
                continue
            except RecordError:
                log.exception("%s: the delivery cannot be read", delivery_id)
        else:
            log.warning("%s: the delivery is not in the contents store any more", delivery_id)
        missing[delivery_id.rpartition(".")[0]] = None
    files = contents.get(dict.fromkeys(d.content for d in deliveries if d.content))
    messages = []
    for delivery in deliveries:
        content = _content(delivery, files.get(delivery.content)) if delivery.content else b""
        if content is None:
            missing[delivery.mail_id] = None
        else:
            messages.append(Message(delivery, delivery.head + content[delivery.skip :] + delivery.tail))
    return Fetched(tuple(messages), tuple(missing))


def _content(delivery: Delivery, file: bytes | None) -> bytes | None:
    if file is None:
        log.warning("%s: %s is not in the contents store any more", delivery.id, delivery.content)
        return None
    try:
        return unpack(file).content
    except DamagedSpoolFileError:
        log.exception("%s: %s in the contents store is damaged", delivery.id, delivery.content)
        return None
