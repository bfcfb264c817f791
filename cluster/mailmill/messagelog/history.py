"""The history of messages, from the database and from what the recorder has not taken yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any, Final

import redis
from msgspec import Struct

from mailmill.errors import MessageLogError
from mailmill.keys import EVENTS
from mailmill.mailids import arrival_of, queue_id_of
from mailmill.messagelog.entries import Entry, from_fields
from mailmill.messagelog.events import Event, Step
from mailmill.messagelog.store import LoggedMessage, MessageLog, bare_message_id

#: The most messages that one search shows: a Message-ID of a mailing list can be in the log many times.
MOST_MESSAGES: Final = 100

#: Entries of the stream that are fetched at once.
_PAGE: Final = 1_000


class History(Struct, frozen=True):
    """One message and what happened to it, in the order in which the cluster reported it."""

    message: LoggedMessage
    events: tuple[Event, ...]
    #: When the message reached its end, in seconds since the epoch; None when it has not.
    finished: float | None


class Trace(Struct, frozen=True):
    """The answer to a search."""

    histories: tuple[History, ...]
    #: How many events of all messages wait in the stream; None when Redis does not answer.
    not_recorded: int | None
    #: What could not be looked at, in words.
    failures: tuple[str, ...] = ()


def look_up(log: MessageLog, client: redis.Redis, wanted: str) -> Trace:
    """Return the messages with a Mailmill id, queue id or Message-ID; the newest `MOST_MESSAGES` of them."""
    failures: list[str] = []
    waiting: list[Entry] | None
    # The stream first: what the recorder takes from it meanwhile is then seen twice instead of never.
    try:
        waiting = list(_waiting(client))
    except redis.RedisError as exc:
        failures.append(f"Redis does not answer: {exc}")
        waiting = None
    try:
        messages = {message.mail_id: message for message in log.find(wanted, MOST_MESSAGES)}
        messages |= _found_in(waiting or [], wanted, messages.get)
        newest = dict(sorted(messages.items())[-MOST_MESSAGES:])
        recorded = log.entries(newest)
    except MessageLogError as exc:
        failures.append(str(exc))
        newest = dict(sorted(_found_in(waiting or [], wanted, lambda _: None).items())[-MOST_MESSAGES:])
        recorded = []
    return Trace(
        histories=tuple(_histories(newest, [*recorded, *(waiting or [])])),
        not_recorded=None if waiting is None else len(waiting),
        failures=tuple(failures),
    )


def _waiting(client: redis.Redis) -> Iterator[Entry]:
    """Yield what is still in the stream."""
    start = "-"
    while True:
        page: Any = client.xrange(EVENTS, min=start, count=_PAGE)
        for entry_id, fields in page:
            # What cannot be read is left out: the recorder says so in its log when it drops it.
            yield from (found for found in from_fields(entry_id, fields) if isinstance(found, Entry))
        if len(page) < _PAGE:
            return
        start = f"({page[-1][0].decode()}"


def _found_in(
    entries: list[Entry], wanted: str, recorded: Callable[[str], LoggedMessage | None]
) -> dict[str, LoggedMessage]:
    """Return the messages that events which are not recorded yet belong to, as far as they are wanted."""
    text, message_id = wanted.strip(), bare_message_id(wanted)
    found: dict[str, LoggedMessage] = {}
    for entry in entries:
        event = entry.event
        mail_id = event.mail_id
        named = bare_message_id(event.message_id)
        same_message_id = bool(message_id) and named == message_id
        if not (same_message_id or text.partition(".")[0] == mail_id or text == queue_id_of(mail_id)):
            continue
        if event.step is Step.ACCEPTED or not (mail_id in found or recorded(mail_id)):
            found[mail_id] = LoggedMessage(
                mail_id=mail_id,
                queue_id=queue_id_of(mail_id),
                message_id=named,
                edge=event.node if event.step is Step.ACCEPTED else "",
                arrival=arrival_of(mail_id),
            )
    return found


def _histories(messages: dict[str, LoggedMessage], entries: list[Entry]) -> Iterator[History]:
    mine = {(e.event.mail_id, *e.place): e.event for e in entries if e.event.mail_id in messages}
    events = {
        mail_id: tuple(mine[key] for key in keys)
        for mail_id, keys in groupby(sorted(mine), key=lambda key: key[0])
    }
    for mail_id, message in messages.items():
        happened = _without_repeats(events.get(mail_id, ()))
        # What goes on after a file has left one queue goes on in the other.
        finished = happened[-1].time if happened and happened[-1].step is Step.FINISHED else None
        yield History(message=message, events=happened, finished=finished)


def _without_repeats(events: tuple[Event, ...]) -> tuple[Event, ...]:
    """Leave out what a node has said twice: a queue manager that starts anew says again what it accepted."""
    said = {(event.time, event.step, event.node, event.detail): event for event in reversed(events)}
    return tuple(event for event in events if said[event.time, event.step, event.node, event.detail] is event)
