"""A worker's places for tasks stay its own when Redis does not take what kombu writes.

kombu 5.7 counts a task against the prefetch limit until its acknowledgement has reached Redis. One that fails
on a connection that lives on (a time-out while Redis stands still) is logged by Celery as `Couldn't ack` and
never repeated: the place is gone, and a worker with one place never takes a task again (seen with a Redis
that was paused for 60 s). Here the place is given back in any case. Redis still holds the task and hands it
out again after the visibility timeout, which is harmless: what is done is marked as done.
"""

from __future__ import annotations

import logging

import redis
from kombu.transport import virtual
from kombu.transport.redis import Channel, QoS

log = logging.getLogger(__name__)


class FreeingQoS(QoS):  # type: ignore[misc]  # kombu has no types
    """Gives a task's place back although Redis could not be told, and takes a refused sweep for none."""

    def restore_visible(self, start: int = 0, num: int = 10, interval: int = 10) -> None:
        """See `QoS.restore_visible`; a Redis that takes no writes (at its memory limit) is not swept.

        Its refusal of the sweep's lock would end the consumer, which then cannot come back: the first thing
        that it does on a new connection is a sweep, and every attempt leaves two connections behind in
        Redis, which make it fuller still (kombu 5.7, seen with `maxmemory`).
        """
        try:
            super().restore_visible(start=start, num=num, interval=interval)
        except redis.ResponseError as exc:
            log.debug("tasks of workers that have gone are not looked for: %s", exc)

    def ack(self, delivery_tag: str) -> None:
        """See `QoS.ack`."""
        try:
            super().ack(delivery_tag)
        except Exception:
            virtual.QoS.ack(self, delivery_tag)
            raise

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:  # noqa: FBT001, FBT002 - kombu's own
        """See `QoS.reject`."""
        try:
            super().reject(delivery_tag, requeue=requeue)
        except Exception:
            virtual.QoS.ack(self, delivery_tag)
            raise


def install() -> None:
    """Let all connections of this process be counted so; before the first one is made."""
    Channel.QoS = FreeingQoS
