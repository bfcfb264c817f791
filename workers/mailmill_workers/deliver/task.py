"""The Celery tasks `mailmill.deliver` and `mailmill.bounce`."""

from __future__ import annotations

import functools
import socket
import time

from mailmill.app import app
from mailmill.tasks import BOUNCE, DELIVER
from mailmill_workers import runtime
from mailmill_workers.deliver.batch import DeliverBatch
from mailmill_workers.deliver.bounce import Bouncer
from mailmill_workers.deliver.breaker import RedisBreaker
from mailmill_workers.deliver.expiry import BounceBatch
from mailmill_workers.deliver.relay import relay_of
from mailmill_workers.deliver.services import Services
from mailmill_workers.deliver.startup import ROLE, journal


@functools.cache
def _services() -> Services:
    node = runtime.node(ROLE)
    return Services(
        contents=runtime.contents(),
        ledger=runtime.ledger(ROLE),
        journal=journal(),
        reporter=runtime.reporter(node),
        tasks=runtime.tasks(),
        bouncer=Bouncer.of(runtime.settings(), socket.getfqdn(), time.time),
        node=node,
        clock=time.time,
    )


@functools.cache
def _deliver_batch() -> DeliverBatch:
    return DeliverBatch(
        _services(), relay_of(runtime.settings(), socket.getfqdn(), RedisBreaker(runtime.client()))
    )


@app.task(name=DELIVER)  # type: ignore[untyped-decorator]  # Celery has no types
def deliver(edge: str, delivery_ids: list[str]) -> None:
    """Submit deliveries of an edge that are in the contents store."""
    _deliver_batch().run(edge, delivery_ids)


@app.task(name=BOUNCE)  # type: ignore[untyped-decorator]  # Celery has no types
def bounce(edge: str, delivery_ids: list[str], reason: str) -> None:
    """Return deliveries of an edge to their senders."""
    BounceBatch(_services()).run(edge, delivery_ids, reason)
