"""`mailmill recorder`: the process that stores the message log."""

from __future__ import annotations

import logging
import os
import signal
import threading
from types import FrameType
from typing import Final

import click

from mailmill.background import yield_to_others
from mailmill.cli.context import Cli, pass_cli
from mailmill.connection import connect
from mailmill.errors import ConfigError, MessageLogError
from mailmill.messagelog.recorder import Recorder
from mailmill.messagelog.store import MessageLog
from mailmill.metrics.mailflow import MailFlow
from mailmill.metrics.redisload import RedisLoad
from mailmill.metrics.serving import new_registry, serve
from mailmill.process import drop_privileges, prepare_directory
from mailmill.settings.options.cluster import MESSAGE_LOG_DAYS, MESSAGE_LOG_URL, REDIS_URL
from mailmill.settings.options.metrics import RECORDER_METRICS_PORT

#: The mode of the directory of an SQLite database that is made: the group may read the log.
DIRECTORY_MODE: Final = 0o750

_SECONDS_PER_DAY: Final = 86_400

_log = logging.getLogger(__name__)


@click.command(short_help="Store the message log in its database.")
@pass_cli
def recorder(cli: Cli) -> None:
    """Store the message log: move events from Redis to the database.

    One in the cluster is enough; a second one is a reserve. While none runs, events wait in Redis. It waits
    for Redis and for the database as long as it takes, and ends on SIGTERM.
    """
    settings = cli.begin()
    try:
        client = connect(settings[REDIS_URL])
        log = MessageLog.open(settings[MESSAGE_LOG_URL])
    except (ValueError, MessageLogError) as exc:
        raise ConfigError([str(exc)]) from exc
    if log.file:
        prepare_directory(log.file.parent, DIRECTORY_MODE, settings, MESSAGE_LOG_URL)
    drop_privileges(settings)
    yield_to_others()
    if log.file and not os.access(log.file.parent, os.W_OK | os.X_OK):
        raise ConfigError(
            [f"{settings.place(MESSAGE_LOG_URL)}: {log.file.parent} is not writable for the recorder's user"]
        )
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    _log.info("recorder: storing events in %s for %d days", log.url, settings[MESSAGE_LOG_DAYS])
    registry = new_registry()
    registry.register(RedisLoad(settings[REDIS_URL]))
    lifetime = settings[MESSAGE_LOG_DAYS] * _SECONDS_PER_DAY
    counting = Recorder(client, log, lifetime, recorded=MailFlow(registry).count)
    serve(registry, settings, RECORDER_METRICS_PORT)
    try:
        counting.run(stop)
    finally:
        log.close()
        client.close()
    _log.info("recorder: stopped")
