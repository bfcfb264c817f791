"""The queues of this edge, as the commands find them in the settings."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import click

from mailmill.errors import SpoolError
from mailmill.settings import Settings
from mailmill.settings.options.system import INCOMING_QUEUE_DIR, OUTGOING_QUEUE_DIR
from mailmill.spool import Spool


@dataclass(frozen=True)
class Queue:
    """One queue."""

    #: What people who know MailScanner call it: `milterin` or `milterout`.
    name: str
    spool: Spool


def queues(settings: Settings) -> tuple[Queue, Queue]:
    """Return both queues of this edge.

    Raises:
        click.ClickException: neither directory exists.
    """
    both = (
        Queue("milterin", Spool(settings[INCOMING_QUEUE_DIR])),
        Queue("milterout", Spool(settings[OUTGOING_QUEUE_DIR])),
    )
    if not any(queue.spool.root.exists() for queue in both):
        roots = " nor ".join(str(queue.spool.root) for queue in both)
        raise click.ClickException(f"there is neither {roots}: is this host an edge?")
    return both


@contextlib.contextmanager
def spool_errors() -> Iterator[None]:
    """Let a spool that cannot be read end the command with its reason and status 1."""
    try:
        yield
    except SpoolError as exc:
        raise click.ClickException(str(exc)) from exc
