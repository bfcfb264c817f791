"""A look at a spool for people: what waits in which state. That others change it meanwhile is no error."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from mailmill.errors import DamagedSpoolFileError, SpoolError
from mailmill.mailids import MAIL_ID, arrival_of, queue_id_of
from mailmill.spool import Entry, Spool, State
from mailmill.spoolfile import SpoolHeader

#: What a file is called that is still being written: it may have no whole header yet.
BEING_WRITTEN: Final = "being written"


class Totals(Struct, frozen=True):
    """What is in one state of a queue."""

    state: State
    messages: int
    #: Bytes of all files.
    bytes: int
    #: Arrival of the oldest message, in seconds since the epoch; None when there is none.
    oldest: float | None


class Listed(Struct, frozen=True):
    """One message of a queue."""

    state: State
    #: The file's name: a Mailmill id, or a delivery id in the outgoing queue.
    name: str
    #: Bytes of the file.
    size: int
    #: Seconds since the epoch.
    arrival: float
    #: None when the header cannot be read.
    sender: str | None = None
    recipients: tuple[str, ...] = ()
    #: Seconds since the epoch; None when it is not deferred.
    next_attempt: float | None = None
    #: Why the header cannot be read; empty when it can.
    trouble: str = ""


class Listing(Struct, frozen=True):
    """The oldest messages of one state of a queue."""

    state: State
    #: How many messages there are in all.
    total: int
    messages: tuple[Listed, ...]


def totals(spool: Spool, state: State) -> Totals:
    """Count what is in a state, without opening a file of its own.

    Raises:
        SpoolError: the directory cannot be read.
    """
    count = size = 0
    oldest: float | None = None
    for entry in _entries(spool, state):
        count += 1
        size += entry.size
        arrival = _arrival(entry)
        oldest = arrival if oldest is None else min(oldest, arrival)
    return Totals(state=state, messages=count, bytes=size, oldest=oldest)


def oldest(spool: Spool, state: State, limit: int) -> Listing:
    """Return the `limit` oldest messages of a state, the oldest first; only their headers are read.

    Raises:
        SpoolError: the directory or a file in it cannot be read.
    """
    names = _names(spool, state)
    listed = (_look(spool, name, state) for name in heapq.nsmallest(limit, names))
    return Listing(state, total=len(names), messages=tuple(message for message in listed if message))


def matching(spool: Spool, wanted: str) -> Iterator[tuple[str, State]]:
    """Yield the files that a Mailmill id, a delivery id or a queue id names, in the order of their names.

    Raises:
        SpoolError: a directory cannot be read.
    """
    yield from sorted(
        (name, state) for state in State for name in _names(spool, state) if wanted in _ids_in(name)
    )


def envelope_of(header: SpoolHeader) -> tuple[str, tuple[str, ...]]:
    """Return the sender and the recipients that a spool file waits for."""
    source = header.delivery or header.envelope
    return source.sender, tuple(recipient.address for recipient in source.recipients)


def _ids_in(name: str) -> tuple[str, str, str]:
    mail_id = name.partition(".")[0]
    return name, mail_id, queue_id_of(mail_id)


def _look(spool: Spool, name: str, state: State) -> Listed | None:
    try:
        entry = spool.entry(name, state)
        header = spool.read_header(name, state)
    except FileNotFoundError:
        return None
    except DamagedSpoolFileError as exc:
        reason = BEING_WRITTEN if state is State.INCOMING else f"damaged: {exc.__cause__ or exc}"
        return Listed(state, name, entry.size, _arrival(entry), trouble=reason)
    except SpoolError as exc:
        if isinstance(exc.__cause__, FileNotFoundError):
            return None
        raise
    except OSError as exc:
        raise spool.error("cannot read", name, exc) from exc
    sender, recipients = envelope_of(header)
    return Listed(
        state=state,
        name=name,
        size=entry.size,
        arrival=header.arrival,
        sender=sender,
        recipients=recipients,
        next_attempt=entry.changed if state is State.DEFERRED else None,
    )


def _names(spool: Spool, state: State) -> list[str]:
    """Return what can be read by its name from then on."""
    try:
        if state is State.ACTIVE:
            spool.intake.look()
    except OSError as exc:
        raise SpoolError(f"cannot read the intake of {spool.root}: {exc.strerror or exc}") from exc
    return [entry.name for entry in _entries(spool, state)]


def _entries(spool: Spool, state: State) -> Iterator[Entry]:
    """Yield what is in a state; a directory that is not there is empty."""
    try:
        yield from spool.entries(state)
    except FileNotFoundError:
        return
    except OSError as exc:
        raise SpoolError(f"cannot read {spool.root / state}: {exc.strerror or exc}") from exc


def _arrival(entry: Entry) -> float:
    """Return the arrival that the name tells, or for a foreign file the time of its last change."""
    mail_id = entry.name.partition(".")[0]
    return arrival_of(mail_id) if MAIL_ID.match(mail_id) else entry.changed
