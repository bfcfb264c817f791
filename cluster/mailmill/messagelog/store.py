"""The store: the message log in its database."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Self

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.dialects import postgresql, sqlite

from mailmill.errors import MessageLogError
from mailmill.mailids import arrival_of, queue_id_of, time_prefix
from mailmill.messagelog.entries import Entry
from mailmill.messagelog.events import Event, Step
from mailmill.messagelog.schema import (
    EVENTS,
    MESSAGE_ID_LENGTH,
    MESSAGES,
    create_tables,
    database_file,
    open_engine,
)

#: How many messages one transaction of the clean-up looks at, so that it never holds the lock for long.
PURGE_BATCH: Final = 2_000


class LoggedMessage(Struct, frozen=True):
    """One message of the log."""

    mail_id: str
    queue_id: str
    #: Without angle brackets; empty when it is not known.
    message_id: str
    #: The edge that accepted it; empty when its `accepted` event is missing.
    edge: str
    #: Seconds since the epoch.
    arrival: float


class MessageLog:
    """The message log in a database. Every method raises `MessageLogError` when the database refuses."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, url: str) -> Self:
        """Return the log at an SQLAlchemy URL (`Message Log URL`); nothing is connected yet."""
        return cls(open_engine(url))

    @property
    def url(self) -> str:
        """The database's URL without its password."""
        return self._engine.url.render_as_string(hide_password=True)

    @property
    def file(self) -> Path | None:
        """The file of an SQLite database; None for one in memory or on a server."""
        return database_file(self._engine)

    def create(self) -> None:
        """Create tables and indexes where they are missing."""
        with self._errors("cannot create tables"):
            create_tables(self._engine)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def add(self, entries: Sequence[Entry]) -> None:
        """Store entries in one transaction. One that is there already stays as it is."""
        if not entries:
            return
        messages: dict[str, dict[str, Any]] = {}
        accepted: dict[str, dict[str, Any]] = {}
        for entry in entries:
            known = accepted if entry.event.step is Step.ACCEPTED else messages
            known[entry.event.mail_id] = _message_row(entry.event)
        insert = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        add_message = insert(MESSAGES)
        complete = add_message.on_conflict_do_update(
            index_elements=[MESSAGES.c.mail_id],
            set_={name: add_message.excluded[name] for name in ("queue_id", "message_id", "edge", "arrival")},
        )
        with self._errors("cannot store events"), self._engine.begin() as connection:
            # In the order of the key, so that two recorders never wait for each other in a circle.
            if messages:
                connection.execute(add_message.on_conflict_do_nothing(), _by_key(messages))
            if accepted:
                connection.execute(complete, _by_key(accepted))
            rows = sorted(map(_event_row, entries), key=lambda row: (row["mail_id"], row["milliseconds"]))
            connection.execute(insert(EVENTS).on_conflict_do_nothing(), rows)

    def find(self, wanted: str, limit: int) -> list[LoggedMessage]:
        """Return the newest messages with this Mailmill id, queue id or Message-ID, the oldest first."""
        self._require()
        text = _clean(wanted.strip())
        # What follows the full stop is the label of a delivery.
        ways = [MESSAGES.c.mail_id == text.partition(".")[0], MESSAGES.c.queue_id == text]
        if message_id := bare_message_id(wanted):
            ways.append(MESSAGES.c.message_id == message_id)
        query = sa.select(MESSAGES).where(sa.or_(*ways)).order_by(MESSAGES.c.mail_id.desc()).limit(limit)
        with self._errors("cannot be read"), self._engine.connect() as connection:
            found = [LoggedMessage(**row) for row in connection.execute(query).mappings()]
        return found[::-1]

    def entries(self, mail_ids: Iterable[str]) -> list[Entry]:
        """Return what happened to these messages, in the order of the stream."""
        self._require()
        query = (
            sa.select(EVENTS)
            .where(EVENTS.c.mail_id.in_(list(mail_ids)))
            .order_by(EVENTS.c.milliseconds, EVENTS.c.sequence)
        )
        with self._errors("cannot be read"), self._engine.connect() as connection:
            return [_entry(row) for row in connection.execute(query).mappings()]

    def purge(self, before: float) -> Iterator[int]:
        """Remove events from before a time (seconds since the epoch), and messages that have none left.

        It goes on only as far as it is asked to: each step is a transaction, and yields how many events it
        removed.
        """
        end, after = time_prefix(before), ""
        while True:
            batch = (
                sa.select(MESSAGES.c.mail_id)
                .where(MESSAGES.c.mail_id > after, MESSAGES.c.mail_id < end)
                .order_by(MESSAGES.c.mail_id)
                .limit(PURGE_BATCH)
            )
            with self._errors("cannot remove old events"), self._engine.begin() as connection:
                mail_ids = connection.execute(batch).scalars().all()
                if not mail_ids:
                    return
                removed = self._purge_range(connection, after, mail_ids[-1], before)
            yield removed
            after = mail_ids[-1]

    @staticmethod
    def _purge_range(connection: sa.Connection, after: str, last: str, before: float) -> int:
        old = sa.delete(EVENTS).where(
            EVENTS.c.mail_id > after, EVENTS.c.mail_id <= last, EVENTS.c.milliseconds < int(before * 1000)
        )
        removed = connection.execute(old).rowcount
        left = sa.exists().where(EVENTS.c.mail_id == MESSAGES.c.mail_id)
        connection.execute(
            sa.delete(MESSAGES).where(MESSAGES.c.mail_id > after, MESSAGES.c.mail_id <= last, ~left)
        )
        return removed

    def _require(self) -> None:
        """Refuse to read what is not there: SQLite would create an empty file."""
        if self.file is not None and not self.file.exists():
            raise MessageLogError(f"message log {self.file}: there is none yet (mailmill recorder makes it)")

    @contextlib.contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except (sa.exc.SQLAlchemyError, OSError) as exc:
            reason = getattr(exc, "orig", None) or exc
            raise MessageLogError(f"message log {self.url}: {what}: {reason}") from exc


def bare_message_id(text: str) -> str:
    """Return a Message-ID as the log keeps it: without angle brackets, no longer than an index allows."""
    return _clean(text.strip().removeprefix("<").removesuffix(">").strip())[:MESSAGE_ID_LENGTH]


def _by_key(rows: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for _, row in sorted(rows.items())]


def _message_row(event: Event) -> dict[str, Any]:
    return {
        "mail_id": event.mail_id,
        "queue_id": queue_id_of(event.mail_id),
        "message_id": bare_message_id(event.message_id),
        "edge": _clean(event.node) if event.step is Step.ACCEPTED else "",
        "arrival": arrival_of(event.mail_id),
    }


def _event_row(entry: Entry) -> dict[str, Any]:
    return {
        "mail_id": entry.event.mail_id,
        "milliseconds": entry.milliseconds,
        "sequence": entry.sequence,
        "time": entry.event.time,
        "step": entry.event.step.value,
        "node": _clean(entry.event.node),
        "detail": _clean(entry.event.detail),
    }


def _entry(row: sa.RowMapping) -> Entry:
    event = Event(
        time=row["time"],
        mail_id=row["mail_id"],
        step=Step(row["step"]),
        node=row["node"],
        detail=row["detail"],
    )
    return Entry(milliseconds=row["milliseconds"], sequence=row["sequence"], event=event)


def _clean(text: str) -> str:
    """Return text that any database takes: no lone surrogates (bytes that were not UTF-8), no NUL."""
    return text.encode(errors="replace").decode().replace("\0", "?")
