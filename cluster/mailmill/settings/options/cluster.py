"""Options of the cluster: Redis, contents, batches, the window in flight, the message log."""

from __future__ import annotations

from typing import Final

from mailmill.settings.kinds import DURATION, url, whole_number
from mailmill.settings.option import Effect, Option, Origin

REDIS_URL: Final = Option(
    "Redis URL",
    url("redis", "rediss", "unix"),
    default="redis://127.0.0.1:6379/0",
    origin=Origin.MAILMILL,
    effect=Effect.NODE,
    description="The Redis that carries tasks and outcomes: redis://:PASSWORD@HOST:PORT/DB, rediss:// or "
    "unix://PATH.",
)
CONTENTS_URL: Final = Option(
    "Contents URL",
    url("redis", "rediss", "unix", "file", optional=True),
    default="",
    origin=Origin.MAILMILL,
    effect=Effect.START,
    description="Where mail in flight is put for the workers: a Redis URL, or file:///DIRECTORY when all "
    "nodes share it. Empty: Redis URL.",
)
MESSAGE_LOG_URL: Final = Option(
    "Message Log URL",
    url("sqlite", "postgresql", drivers=True),
    default="sqlite:////var/spool/MailScanner/messagelog/messages.db",
    origin=Origin.MAILMILL,
    effect=Effect.START,
    description="The database of the message log, as an SQLAlchemy URL: SQLite, or PostgreSQL "
    "(postgresql+psycopg://USER:PASSWORD@HOST/DB). SQLite needs a directory that Run As User can write.",
)
MESSAGE_LOG_DAYS: Final = Option(
    "Message Log Days",
    whole_number(1),
    default="30",
    unit="days",
    origin=Origin.MAILMILL,
    effect=Effect.START,
    description="How long the message log keeps its events.",
)
MAX_UNSCANNED_MESSAGES: Final = Option(
    "Max Unscanned Messages Per Scan",
    whole_number(1, 1000),
    default="30",
    unit="messages",
    description="The most messages that one scan task takes.",
)
MAX_UNSCANNED_BYTES: Final = Option(
    "Max Unscanned Bytes Per Scan",
    whole_number(1),
    default="100m",
    unit="bytes",
    description="The most bytes that one scan task takes; a larger message goes alone.",
)
MAX_MESSAGES_IN_FLIGHT: Final = Option(
    "Max Messages In Flight",
    whole_number(1),
    default="1000",
    unit="messages",
    origin=Origin.MAILMILL,
    description="How many messages of one edge may be in Redis at the same time; the others wait on its "
    "disk.",
)
MAX_BYTES_IN_FLIGHT: Final = Option(
    "Max Bytes In Flight",
    whole_number(1),
    default="200m",
    unit="bytes",
    origin=Origin.MAILMILL,
    description="How many bytes of mail of one edge may be in Redis at the same time.",
)
MESSAGE_LEASE: Final = Option(
    "Message Lease",
    DURATION,
    default="15m",
    unit="seconds",
    origin=Origin.MAILMILL,
    effect=Effect.START,
    description="How long an edge waits for an outcome before it sends a message to the workers again. "
    "Longer than a scan and a delivery can take.",
)
SCAN_TIME_LIMIT: Final = Option(
    "Scan Time Limit",
    DURATION,
    default="5m",
    unit="seconds",
    origin=Origin.MAILMILL,
    effect=Effect.START,
    description="After this time a scan task's process is killed.",
)
SCAN_MEMORY_LIMIT: Final = Option(
    "Scan Memory Limit",
    whole_number(0),
    default="2048m",
    unit="bytes",
    origin=Origin.MAILMILL,
    effect=Effect.START,
    description="How much memory (its data segment) a scan process may take; a message that needs more "
    "fails. 0: no limit.",
)
MAXIMUM_PROCESSING_ATTEMPTS: Final = Option(
    "Maximum Processing Attempts",
    whole_number(0),
    default="6",
    unit="attempts",
    description="After so many failed scans that a message had to itself (its process died, was killed at "
    "Scan Time Limit, or the code failed) it goes to the quarantine. 0: it is tried until Maximum Queue "
    "Lifetime.",
)
