"""Postfix without a milter, queueing to a discard transport: what an edge is compared with."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.load import LoadError
from benchmarks.sites import postfix_idle
from mailmill_local.probes import free_port, wait_until
from mailmill_local.servers.edge import PostfixEdge

#: Seconds in which it must have discarded its queue.
_DRAIN_SECONDS: Final = 120.0


@contextlib.contextmanager
def postfix_alone(directory: Path) -> Iterator[PostfixEdge]:
    """Run the edge's Postfix without its milter."""
    extra = {"smtpd_milters": "", "default_transport": "discard:"}
    with PostfixEdge(directory / "plain", port=free_port(), milter=0, extra=extra, name="plain") as postfix:
        yield postfix


def drain(postfix: PostfixEdge) -> None:
    """Wait until its queue is empty.

    Raises:
        LoadError: that takes too long.
    """
    if not wait_until(lambda: postfix_idle(postfix), _DRAIN_SECONDS):
        raise LoadError("Postfix does not discard its queue")
