"""The metrics of an edge: what its queue manager counts, and what is looked up when Prometheus asks."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from mailmill.errors import SpoolError
from mailmill.messagelog.events import Event
from mailmill.metrics.families import Values, counter, gauge
from mailmill.metrics.mailflow import EDGE, STEPS
from mailmill.metrics.serving import PREFIX
from mailmill.spool import Spool, State
from mailmill.spoolview import Totals, totals
from mailmill_milter.gate import Gate
from mailmill_milter.queue_manager.feed import Feeder
from mailmill_milter.queue_manager.item import Queue
from mailmill_milter.queue_manager.journal import EventSink
from mailmill_milter.queue_manager.manager import QueueManager
from mailmill_milter.queue_manager.memory import MemoryWatch
from mailmill_milter.queue_manager.relaygate import RelayGate
from mailmill_milter.queue_manager.window import Window

_EDGE: Final = f"{PREFIX}edge_"
#: What the queues are called, as in `mailmill queue`.
NAMES: Final = {Queue.INCOMING: "milterin", Queue.OUTGOING: "milterout"}
#: Seconds for which a count of the queues is believed at least.
SHORTEST_INTERVAL: Final = 2.0
#: Counting takes at most one part in so many of the time: 100,000 files take some tenths of a second.
COUNT_SHARE: Final = 20


class CountingSink:
    """Passes the queue manager's events on, and counts them."""

    def __init__(self, sink: EventSink, registry: CollectorRegistry) -> None:
        """Pass events on to `sink`."""
        self._sink = sink
        steps = Counter(
            f"{_EDGE}steps_total", "Steps of messages that this edge took.", ["step"], registry=registry
        )
        self._steps = steps
        for step in STEPS[EDGE]:
            steps.labels(step.value)  # 0 until it happens

    def write(self, events: Iterable[Event]) -> None:
        """See `EventSink`."""
        wanted = list(events)
        for event in wanted:
            self._steps.labels(event.step.value).inc()
        self._sink.write(wanted)


@dataclass(frozen=True)
class EdgeParts:
    """What is looked at. All of it is read on another thread than the one that changes it: single numbers."""

    spools: Mapping[Queue, Spool]
    manager: QueueManager
    window: Window
    feeder: Feeder
    gate: RelayGate
    memory: MemoryWatch
    pressure: Gate


class EdgeState(Collector):
    """The state of an edge at the moment."""

    def __init__(
        self,
        parts: EdgeParts,
        *,
        statvfs: Callable[[str], os.statvfs_result] = os.statvfs,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Look at `parts`."""
        self._parts = parts
        self._statvfs = statvfs
        self._clock = clock
        self._count = _QueueCount(parts.spools, monotonic)

    def collect(self) -> Iterator[Metric]:
        """See `Collector`. A queue that cannot be read is left out."""
        yield from self._queues()
        yield from self._disks()
        parts = self._parts
        yield gauge(f"{_EDGE}in_flight_messages", "Messages in Redis.", [], {(): len(parts.window)})
        yield gauge(f"{_EDGE}in_flight_bytes", "Their bytes.", [], {(): parts.window.bytes_in_flight})
        yield counter(
            f"{_EDGE}sent_again_total",
            "Messages in flight that went to the workers once more.",
            [],
            {(): parts.feeder.sent_again},
        )
        yield counter(
            f"{_EDGE}taken_back_total",
            "Messages in flight that were taken back from a full Redis.",
            [],
            {(): parts.feeder.taken_back},
        )
        yield gauge(
            f"{_EDGE}sending", "Whether mail can be sent to the workers.", [], {(): parts.manager.sending}
        )
        yield gauge(
            f"{_EDGE}redis_full", "Whether Redis is near its memory limit.", [], {(): parts.memory.closed}
        )
        yield gauge(
            f"{_EDGE}relay_held", "Whether no address of the relay may be tried.", [], {(): parts.gate.held}
        )
        with contextlib.suppress(OSError):
            accepting = parts.pressure.refusal(0) is None
            yield gauge(
                f"{_EDGE}accepting", "Whether the queues let the milter accept mail.", [], {(): accepting}
            )

    def _queues(self) -> Iterator[Metric]:
        found = self._count.latest()
        now = self._clock()
        labels = ["queue", "state"]
        yield gauge(
            f"{_EDGE}queue_messages",
            "Messages in a queue.",
            labels,
            {key: each.messages for key, each in found.items()},
        )
        yield gauge(
            f"{_EDGE}queue_bytes",
            "Bytes in a queue.",
            labels,
            {key: each.bytes for key, each in found.items()},
        )
        yield gauge(
            f"{_EDGE}queue_oldest_seconds",
            "Age of the oldest message in a queue; 0 when it is empty.",
            labels,
            {key: 0.0 if each.oldest is None else max(0.0, now - each.oldest) for key, each in found.items()},
        )

    def _disks(self) -> Iterator[Metric]:
        space: dict[tuple[str, ...], float] = {}
        inodes: dict[tuple[str, ...], float] = {}
        for queue, spool in self._parts.spools.items():
            with contextlib.suppress(OSError):
                found = self._statvfs(str(spool.root))
                space[NAMES[queue],] = found.f_bavail * found.f_frsize
                if found.f_files:  # a file system without an inode table reports none at all
                    inodes[NAMES[queue],] = found.f_favail
        yield _free("bytes", "Bytes that are free on the disk of a queue.", space)
        yield _free("inodes", "Inodes that are free on the disk of a queue.", inodes)


class _QueueCount:
    """Counts the files of the queues, seldom enough that it costs little."""

    def __init__(self, spools: Mapping[Queue, Spool], monotonic: Callable[[], float]) -> None:
        self._spools = spools
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._found: dict[tuple[str, ...], Totals] = {}
        self._until = float("-inf")

    def latest(self) -> Mapping[tuple[str, ...], Totals]:
        """Return a count by queue and state, taken now or not long ago."""
        with self._lock:
            begin = self._monotonic()
            if begin >= self._until:
                self._found = dict(self._look())
                took = self._monotonic() - begin
                self._until = begin + max(SHORTEST_INTERVAL, COUNT_SHARE * took)
            return self._found

    def _look(self) -> Iterator[tuple[tuple[str, ...], Totals]]:
        for queue, spool in self._spools.items():
            for state in State:
                with contextlib.suppress(SpoolError):
                    yield (NAMES[queue], state.value), totals(spool, state)


def _free(what: str, meaning: str, values: Values) -> Metric:
    return gauge(f"{_EDGE}free_{what}", meaning, ["queue"], values)
