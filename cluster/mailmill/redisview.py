"""A look at Redis for people: how much work is there."""

from __future__ import annotations

from typing import Any, Final

import redis
from msgspec import Struct

from mailmill.keys import EVENTS, outcomes_key
from mailmill.tasks import DELIVER_QUEUE, SCAN_QUEUE

#: The hash of the tasks that a worker has taken and not acknowledged (kombu: default of `unacked_key`).
UNACKED: Final = "unacked"


class RedisTotals(Struct, frozen=True):
    """What is in Redis."""

    #: Tasks that no worker has taken yet.
    scan: int
    deliver: int
    #: Tasks that a worker has taken and not ended.
    unacked: int
    #: Outcomes that wait for the queue manager of this edge.
    outcomes: int
    #: Events of the message log that wait for the recorder.
    events: int


def redis_totals(client: redis.Redis, edge: str) -> RedisTotals:
    """Count what is in Redis, in one round trip.

    Raises:
        redis.RedisError: it does not answer.
    """
    with client.pipeline(transaction=False) as pipe:
        pipe.llen(SCAN_QUEUE)
        pipe.llen(DELIVER_QUEUE)
        pipe.hlen(UNACKED)
        pipe.xlen(outcomes_key(edge))
        pipe.xlen(EVENTS)
        answers: list[Any] = pipe.execute()
    scan, deliver, unacked, outcomes, events = answers
    return RedisTotals(scan=scan, deliver=deliver, unacked=unacked, outcomes=outcomes, events=events)
