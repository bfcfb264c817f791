"""The tables of the message log, and how its database is opened (SQLite or PostgreSQL)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from mailmill.errors import MessageLogError

#: Seconds that a statement waits for another process to release SQLite's write lock.
BUSY_TIMEOUT: Final = 10.0

#: The most characters of a Message-ID that are kept: an index entry of PostgreSQL holds 2,700 bytes, and a
#: character takes up to four.
MESSAGE_ID_LENGTH: Final = 500

#: Ids compare byte by byte: a Mailmill id sorts by time, and a locale must not change that.
_ID: Final = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

_metadata = sa.MetaData()

#: One row for each message that an event has named.
MESSAGES: Final = sa.Table(
    "messages",
    _metadata,
    sa.Column("mail_id", _ID, primary_key=True),
    sa.Column("queue_id", _ID, nullable=False, index=True),
    # Without angle brackets; empty when it has none, or when its `accepted` event was lost.
    sa.Column("message_id", _ID, nullable=False, index=True),
    sa.Column("edge", sa.Text, nullable=False),
    # Seconds since the epoch.
    sa.Column("arrival", sa.Double, nullable=False),
    sqlite_with_rowid=False,
)

#: One row for each event. Its place in the stream makes it unique together with the message: a Redis that was
#: replaced counts anew, and may give an id again.
EVENTS: Final = sa.Table(
    "events",
    _metadata,
    sa.Column("mail_id", _ID, primary_key=True),
    sa.Column("milliseconds", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("time", sa.Double, nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("node", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)


def open_engine(url: str) -> sa.Engine:
    """Return an engine for an SQLAlchemy URL; nothing is connected yet.

    Raises:
        MessageLogError: the URL is wrong or of another database, or its driver is not installed.
    """
    try:
        parsed = sa.make_url(url)
        options: dict[str, Any] = {"pool_pre_ping": True}
        if parsed.get_backend_name() == "sqlite":
            options["connect_args"] = {"timeout": BUSY_TIMEOUT}
        engine = sa.create_engine(parsed, **options)
    except (sa.exc.ArgumentError, ImportError) as exc:
        raise MessageLogError(f"Message Log URL: {exc}") from exc
    if engine.dialect.name not in {"sqlite", "postgresql"}:
        raise MessageLogError(f"Message Log URL: {engine.dialect.name} is neither sqlite nor postgresql")
    return engine


def create_tables(engine: sa.Engine) -> None:
    """Create what is missing: the directory and the file of SQLite, closed to others; tables and indexes.

    Raises:
        OSError: the directory or the file cannot be created.
        sqlalchemy.exc.SQLAlchemyError: the database refuses.
    """
    path = database_file(engine)
    if path is not None:
        path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        path.touch(mode=0o640)
        # Write-ahead logging: those who read never wait for the recorder, nor it for them.
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    _metadata.create_all(engine)


def database_file(engine: sa.Engine) -> Path | None:
    """Return the file of an SQLite database; None for one in memory or on a server."""
    name = engine.url.database
    if engine.dialect.name != "sqlite" or not name or name == ":memory:" or name.startswith("file:"):
        return None
    return Path(name)
