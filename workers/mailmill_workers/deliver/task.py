"""The Celery tasks `mailmill.deliver`, `mailmill.bounce` and `mailmill.warn`."""

from __future__ import annotations

import contextlib
import functools
import socket
import time
from collections.abc import Iterator

from celery.exceptions import Reject

from mailmill.app import app
from mailmill.settings import Settings
from mailmill.tasks import BOUNCE, DELIVER, WARN
from mailmill_workers import runtime
from mailmill_workers.deliver.batch import DeliverBatch
from mailmill_workers.deliver.bounce import Bouncer
from mailmill_workers.deliver.breaker import RedisBreaker
from mailmill_workers.deliver.expiry import BounceBatch
from mailmill_workers.deliver.relay import relay_of
from mailmill_workers.deliver.services import Services
from mailmill_workers.deliver.startup import ROLE, journal
from mailmill_workers.deliver.warning import DelayWarner
from mailmill_workers.insistence import UNUSABLE


@functools.lru_cache(maxsize=1)
def _services(settings: Settings) -> Services:
    node = runtime.node(ROLE)
    return Services(
        contents=runtime.contents(),
        ledger=runtime.ledger(ROLE),
        journal=journal(),
        reporter=runtime.reporter(node),
        tasks=runtime.tasks(),
        bouncer=Bouncer.of(settings, socket.getfqdn(), time.time),
        node=node,
        clock=time.time,
    )


@functools.lru_cache(maxsize=1)
def _deliver_batch(settings: Settings) -> DeliverBatch:
    relay = relay_of(settings, socket.getfqdn(), RedisBreaker(runtime.client()))
    return DeliverBatch(_services(settings), relay)


@app.task(name=DELIVER)  # type: ignore[untyped-decorator]  # Celery has no types
def deliver(edge: str, delivery_ids: list[str]) -> None:
    """Submit deliveries of an edge that are in the contents store."""
    with _handed_back_without_redis():
        _deliver_batch(runtime.settings()).run(edge, delivery_ids)


@app.task(name=BOUNCE)  # type: ignore[untyped-decorator]  # Celery has no types
def bounce(edge: str, delivery_ids: list[str], reason: str) -> None:
    """Return deliveries of an edge to their senders."""
    with _handed_back_without_redis():
        BounceBatch(_services(runtime.settings())).run(edge, delivery_ids, reason)


@app.task(name=WARN)  # type: ignore[untyped-decorator]  # Celery has no types
def warn(edge: str, delivery_id: str, reason: str, until: float) -> None:
    """Tell the sender of a delivery that it is delayed and tried until then (seconds since the epoch)."""
    with _handed_back_without_redis():
        DelayWarner(_services(runtime.settings())).run(edge, delivery_id, reason, until)


@contextlib.contextmanager
def _handed_back_without_redis() -> Iterator[None]:
    """Put the task back into its queue when Redis cannot be used; acknowledged, its mail would wait for long.

    It is no loop: nothing is taken from a queue while Redis is away, and the batch itself insists a while.
    """
    try:
        yield
    except UNUSABLE as exc:
        raise Reject(str(exc), requeue=True) from exc
