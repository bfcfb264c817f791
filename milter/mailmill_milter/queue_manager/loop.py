"""The queue manager's process: threads that report, one thread that acts, and a clean end."""

from __future__ import annotations

import logging
import os
import queue
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Final

import redis

from mailmill.app import app
from mailmill.configuration import process
from mailmill.connection import connect
from mailmill.contents import ContentsStore, open_store
from mailmill.dispatch import CeleryTasks
from mailmill.errors import BrokerError, ContentsError
from mailmill.intake.directories import Directories
from mailmill.ledger import Ledger
from mailmill.messagelog.writer import EventWriter
from mailmill.metrics.serving import new_registry, serve
from mailmill.naming import edge_name
from mailmill.settings import Settings
from mailmill.settings.options.cluster import (
    CONTENTS_URL,
    MAX_BYTES_IN_FLIGHT,
    MAX_MESSAGES_IN_FLIGHT,
    MAXIMUM_PROCESSING_ATTEMPTS,
    MESSAGE_LEASE,
    REDIS_URL,
)
from mailmill.settings.options.delivery import (
    DELAY_WARNING_TIME,
)
from mailmill.settings.options.metrics import METRICS_PORT
from mailmill.settings.options.system import INCOMING_QUEUE_DIR, OUTGOING_QUEUE_DIR
from mailmill.spool import Spool, State
from mailmill_milter.gate import Gate
from mailmill_milter.gate import Limits as PressureLimits
from mailmill_milter.queue_manager.delaywarning import DelayWarnings
from mailmill_milter.queue_manager.feed import Feeder, final_key
from mailmill_milter.queue_manager.item import Item, Queue
from mailmill_milter.queue_manager.journal import Journal
from mailmill_milter.queue_manager.losses import FILE, LossWatch
from mailmill_milter.queue_manager.manager import QueueManager
from mailmill_milter.queue_manager.marks import Marks
from mailmill_milter.queue_manager.memory import MemoryWatch
from mailmill_milter.queue_manager.metrics import CountingSink, EdgeParts, EdgeState
from mailmill_milter.queue_manager.outcomes import Listeners, OutcomeBatch, OutcomeReader
from mailmill_milter.queue_manager.relaygate import RelayGate
from mailmill_milter.queue_manager.suspects import Suspects
from mailmill_milter.queue_manager.tuning import Tuning, backoff_of, limits_of
from mailmill_milter.queue_manager.waiting import Waiting
from mailmill_milter.queue_manager.watch import APPEARED, GREW, DirectoryWatch
from mailmill_milter.queue_manager.window import Window
from mailmill_milter.queue_manager.workerwatch import WorkerWatch

log = logging.getLogger(__name__)

#: Seconds to wait for more when something has come and messages are in flight: it makes batches, and with it
#: fewer round trips. An idle queue manager does not wait.
LINGER: Final = 0.005
#: Seconds between looks at whether to stop.
LONGEST_WAIT: Final = 1.0
#: Seconds to stop in. What waits then waits for a Redis that does not answer, and may be cut off anywhere.
STOP_PATIENCE: Final = 10.0
#: Seconds for which the confirmed marks of a finished message are kept: as long as a task that holds it may
#: still be handed out again by the broker.
MARKS_AFTER_END: Final = 3600

Call = Callable[[], None]


class QueueManagerProcess:
    """Wires the queue manager to the spool, to Redis and to signals."""

    def __init__(self, settings: Settings) -> None:
        """Use what the settings say; nothing is read or connected yet."""
        self._settings = settings
        self._registry = new_registry()
        self._edge = edge_name(settings)
        self._client = connect(settings[REDIS_URL])
        lease = settings[MESSAGE_LEASE]
        self._contents: ContentsStore = open_store(
            settings[CONTENTS_URL] or settings[REDIS_URL], lifetime=2 * lease
        )
        self._ledger = Ledger(self._client, self._edge)
        self._spools = {
            Queue.INCOMING: Spool(settings[INCOMING_QUEUE_DIR]),
            Queue.OUTGOING: Spool(settings[OUTGOING_QUEUE_DIR]),
        }
        self._spools[Queue.INCOMING].intake.take_charge()
        waiting = Waiting()
        window = Window(settings[MAX_MESSAGES_IN_FLIGHT], settings[MAX_BYTES_IN_FLIGHT])
        events = CountingSink(EventWriter(self._client, self._edge), self._registry)
        journal = Journal(self._edge, events)
        marks = Marks(self._spools, self._restore)
        gate = RelayGate(settings[MAX_MESSAGES_IN_FLIGHT], lambda: window.outgoing)
        suspects = Suspects(settings[MAXIMUM_PROCESSING_ATTEMPTS])
        feeder = Feeder(
            self._edge,
            self._spools,
            self._contents,
            CeleryTasks(app),
            waiting,
            window,
            journal,
            limits_of(settings),
            suspects,
            marks,
            gate,
        )
        self._window = window
        self._gate = gate
        self._feeder = feeder
        contents = settings[CONTENTS_URL]
        in_redis = contents and contents != settings[REDIS_URL] and not contents.startswith("file:")
        self._redises = [self._client, *([connect(contents)] if in_redis else [])]
        backoff = backoff_of(settings)
        warnings = DelayWarnings(settings[DELAY_WARNING_TIME], backoff.lifetime, feeder, marks)
        self._manager = QueueManager(
            self._spools,
            waiting,
            window,
            feeder,
            journal,
            backoff,
            suspects,
            marks,
            gate,
            warnings,
            self._forget,
        )
        pressure = Gate(
            self._spools[Queue.INCOMING], self._spools[Queue.OUTGOING], PressureLimits.of(settings)
        )
        self._tuning = Tuning(pressure, window, gate, feeder, suspects, warnings, self._manager)
        self._inbox: queue.SimpleQueue[Call] = queue.SimpleQueue()
        self._stopping = threading.Event()

    def run(self) -> None:
        """Run until SIGTERM or SIGINT. What is in flight then is taken up again at the next start."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        watches = self._watches()
        reader = OutcomeReader(
            self._client,
            self._edge,
            LossWatch(self._client, self._spools[Queue.INCOMING].root / FILE),
            Listeners(
                arrived=lambda batch: self._inbox.put(partial(self._act, reader, batch)),
                lost=lambda: self._inbox.put(self._manager.hold),
                resumed=lambda lost: self._inbox.put(partial(self._manager.resume, lost=lost)),
                back=lambda: self._inbox.put(self._manager.redis_was_away),
                relay_held=lambda held: self._inbox.put(partial(self._manager.relay, held=held)),
            ),
        )
        memory = MemoryWatch(
            self._redises,
            lambda room: self._inbox.put(partial(self._window.allow, room)),
            lambda excess: self._inbox.put(partial(self._manager.take_back, excess)),
            lambda: self._inbox.put(self._manager.redis_was_away),
        )
        workers = WorkerWatch(
            self._client,
            self._edge,
            lambda failures: self._inbox.put(partial(self._manager.outcomes, failures)),
            lambda begun, empty: self._inbox.put(partial(self._manager.scanning, begun, queue_empty=empty)),
        )
        self._serve_metrics(memory)
        self._manager.hold()  # until it is known whether Redis has lost its data meanwhile
        log.info("edge %s: queue manager for %s", self._edge, self._spools[Queue.INCOMING].root)
        for watch in watches:
            watch.start()
        reader.start()
        memory.start()
        workers.start()
        process.live().watch(lambda settings: self._inbox.put(partial(self._tuning.follow, settings)))
        try:
            while not self._stopping.is_set():
                self._wait(self._manager.turn())
            log.info("stopping with %d messages in flight", self._manager.in_flight)
        finally:
            workers.stop()
            memory.stop()
            reader.stop()
            for watch in watches:
                watch.stop()

    def _watches(self) -> list[DirectoryWatch]:
        """Return what tells of new messages: those with a file of their own, and those in the intake."""
        root = self._spools[Queue.INCOMING].root

        def missed() -> None:
            self._inbox.put(self._manager.rescan)

        return [
            DirectoryWatch(
                root / State.ACTIVE,
                APPEARED,
                lambda names: self._inbox.put(partial(self._manager.appeared, names)),
                missed,
            ),
            DirectoryWatch(
                Directories(root).arrived,
                GREW,
                lambda segments: self._inbox.put(partial(self._manager.took_in, segments)),
                missed,
            ),
        ]

    def _serve_metrics(self, memory: MemoryWatch) -> None:
        parts = EdgeParts(
            self._spools, self._manager, self._window, self._feeder, self._gate, memory, self._tuning.pressure
        )
        self._registry.register(EdgeState(parts))
        serve(self._registry, self._settings, METRICS_PORT)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if not self._stopping.is_set():
            timer = threading.Timer(STOP_PATIENCE, _end)
            timer.daemon = True
            timer.start()
        self._stopping.set()
        self._inbox.put(lambda: None)

    def _wait(self, seconds: float) -> None:
        """Wait for something to happen and let it happen."""
        try:
            call = self._inbox.get(timeout=min(seconds, LONGEST_WAIT))
        except queue.Empty:
            return
        if self._manager.in_flight:
            time.sleep(LINGER)
        while True:
            call()
            try:
                call = self._inbox.get_nowait()
            except queue.Empty:
                return

    def _act(self, reader: OutcomeReader, batch: OutcomeBatch) -> None:
        self._manager.outcomes(outcome for _, outcome in batch if outcome is not None)
        reader.remove([entry for entry, _ in batch])

    def _restore(self, marks: list[tuple[str, tuple[str, ...]]]) -> None:
        try:
            self._ledger.restore(marks)
        except redis.RedisError as exc:
            raise BrokerError(f"marks cannot be put back: {exc}") from exc

    def _forget(self, finished: list[Item]) -> None:
        """Remove what Redis holds of finished messages; what stays behind expires."""
        keys = [item.name.text for item in finished]
        for item in finished:
            for delivery in item.ended:
                keys += [delivery, final_key(delivery)]
        try:
            self._contents.remove(keys)
            incoming = (item.name.text for item in finished if item.name.queue is Queue.INCOMING)
            self._ledger.forget(incoming, MARKS_AFTER_END)
        except (ContentsError, redis.RedisError) as exc:
            log.warning(
                "what Redis holds of %d finished messages stays until it expires: %s", len(finished), exc
            )


def _end() -> None:
    log.warning("Redis does not answer: stopped without it")
    os._exit(0)
