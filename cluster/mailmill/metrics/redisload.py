"""What Redis holds and does, asked when Prometheus asks."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, Final

import redis
from prometheus_client.core import Metric
from prometheus_client.registry import Collector
from redis.backoff import NoBackoff
from redis.retry import Retry

from mailmill.keys import EVENTS, RELAY_HELD
from mailmill.metrics.families import counter, gauge
from mailmill.metrics.serving import PREFIX
from mailmill.redisview import UNACKED
from mailmill.tasks import DELIVER_QUEUE, SCAN_QUEUE

log = logging.getLogger(__name__)

#: Seconds to wait for Redis: less than Prometheus waits for us (scrape_timeout, 10 s).
PATIENCE: Final = 2.0


class RedisLoad(Collector):
    """The metrics of one Redis."""

    def __init__(self, url: str) -> None:
        """Ask the Redis of a URL, over a connection of its own."""
        self._client: redis.Redis = redis.Redis.from_url(
            url,
            socket_connect_timeout=PATIENCE,
            socket_timeout=PATIENCE,
            retry=Retry(NoBackoff(), 1),  # the connection of the last time may have gone
        )

    def collect(self) -> Iterator[Metric]:
        """See `Collector`. When Redis does not answer, only that is told."""
        try:
            found = self._ask()
        except redis.RedisError as exc:
            log.debug("no metrics of Redis: %s", exc)
            found = None
        yield gauge(f"{PREFIX}redis_up", "Whether Redis answers.", [], {(): found is not None})
        if found is not None:
            yield from _families(*found)

    def _ask(self) -> list[Any]:
        with self._client.pipeline(transaction=False) as pipe:
            pipe.info()
            pipe.info("commandstats")
            pipe.llen(SCAN_QUEUE)
            pipe.llen(DELIVER_QUEUE)
            pipe.hlen(UNACKED)
            pipe.xlen(EVENTS)
            pipe.exists(RELAY_HELD)
            answers: list[Any] = pipe.execute()
        return answers


def _families(
    info: dict[str, Any],
    commands: dict[str, Any],
    scan: int,
    deliver: int,
    held: int,
    events: int,
    relay_held: int,
) -> Iterator[Metric]:
    yield gauge(f"{PREFIX}redis_used_bytes", "Memory that Redis uses.", [], {(): info["used_memory"]})
    yield gauge(
        f"{PREFIX}redis_limit_bytes", "Memory that Redis may use; 0: no limit.", [], {(): info["maxmemory"]}
    )
    yield gauge(f"{PREFIX}redis_clients", "Connections to Redis.", [], {(): info["connected_clients"]})
    yield counter(
        f"{PREFIX}redis_commands_total",
        "Commands that Redis has carried out since it was started.",
        ["command"],
        {(name.removeprefix("cmdstat_"),): stats["calls"] for name, stats in commands.items()},
    )
    yield counter(
        f"{PREFIX}redis_bytes_total",
        "Bytes that Redis has read and written since it was started.",
        ["direction"],
        {("in",): info["total_net_input_bytes"], ("out",): info["total_net_output_bytes"]},
    )
    yield gauge(
        f"{PREFIX}tasks_waiting",
        "Tasks that no worker has taken yet.",
        ["queue"],
        {(SCAN_QUEUE,): scan, (DELIVER_QUEUE,): deliver},
    )
    yield gauge(f"{PREFIX}tasks_held", "Tasks that workers have taken and not ended.", [], {(): held})
    yield gauge(
        f"{PREFIX}events_waiting",
        "Entries of up to 8 events that wait for the recorder.",
        [],
        {(): events},
    )
    yield gauge(f"{PREFIX}relay_held", "Whether no address of the relay may be tried.", [], {(): relay_held})
