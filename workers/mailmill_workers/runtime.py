"""What one worker process has for its life, made in the process itself: connections do not survive a fork."""

from __future__ import annotations

import functools
import os
import secrets

import redis

from mailmill.app import app
from mailmill.configuration import process
from mailmill.connection import connect
from mailmill.contents import ContentsStore, open_store
from mailmill.dispatch import CeleryTasks
from mailmill.ledger import Ledger
from mailmill.messagelog.writer import EventWriter
from mailmill.naming import worker_name
from mailmill.reporter import RedisReporter, Reporter
from mailmill.settings import Settings
from mailmill.settings.options.cluster import CONTENTS_URL, MESSAGE_LEASE, REDIS_URL
from mailmill.tasks import Tasks


def settings() -> Settings:
    """Return the settings in force: asked for once for each task, which goes by them to its end."""
    configuration = process.live()
    configuration.watch()
    return configuration.settings


@functools.cache
def client() -> redis.Redis:
    """Return this process's connection to Redis."""
    return connect(settings()[REDIS_URL])


@functools.cache
def contents() -> ContentsStore:
    """Return the contents store."""
    values = settings()
    return open_store(values[CONTENTS_URL] or values[REDIS_URL], lifetime=2 * values[MESSAGE_LEASE])


def tasks() -> Tasks:
    """Return the way to send tasks."""
    return CeleryTasks(app)


@functools.cache
def owner(role: str) -> str:
    """Return the name of this process in claims: no other process has it, not even one with its id."""
    return f"{node(role)}.{os.getpid()}.{secrets.token_hex(4)}"


@functools.cache
def ledger(role: str) -> Ledger:
    """Return the ledger, as seen by a worker process of that role."""
    return Ledger(client(), owner(role))


def reporter(node: str) -> Reporter:
    """Return the way to report outcomes and events, for a worker of that name."""
    return RedisReporter(client(), EventWriter(client(), node))


def node(role: str) -> str:
    """Return the name of this worker in the message log and in claims."""
    return worker_name(role)
