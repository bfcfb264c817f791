"""Keeping the cluster's memory of this process's deliveries: a thread in each deliver process.

It renews the claims of what is being submitted, tells everybody again what the journal holds when Redis has
lost its data or when a process of this host has died, says for which marker it has done so, and removes the
files that every edge has acted on.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Final

import redis

from mailmill.keys import JOURNALS, MARKER, outcomes_key
from mailmill.ledger import DONE_LIFETIME, RENEW_SECONDS, Ledger
from mailmill.marker import SERVER, current_marker, marker_of
from mailmill.outcomes import Delivered, DeliveryHeld, Outcome
from mailmill.reporter import Reporter
from mailmill_workers.deliver.journal import DeliveryJournal, Segment

log = logging.getLogger(__name__)

#: Seconds between looks at the marker: what a loss of Redis's data costs in delay, for one GET and one HSET.
INTERVAL: Final = 1.0
#: Seconds between looks for what a dead process of this host left.
ADOPT_SECONDS: Final = 5.0
#: Seconds between looks at which files everybody has acted on.
RETIRE_SECONDS: Final = 10.0
#: Seconds for which a file stays after it was closed, at least: a Redis that has lost the last of its data
#: gets it again from there (appendfsync everysec: 2 s; a replica lags by as much as its link is slow).
RETAIN_SECONDS: Final = 30.0
#: Outcomes that are reported in one round trip.
CHUNK: Final = 500

#: Entry ids of a stream: milliseconds and a number.
StreamId = tuple[int, int]


class Keeper:
    """Looks after the journal and the claims of one process."""

    def __init__(
        self,
        client: redis.Redis,
        ledger: Ledger,
        journal: DeliveryJournal,
        reporter: Reporter,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep what `ledger` and `journal` of this process hold; `client` is for the thread alone."""
        self._client = client
        self._ledger = ledger
        self._journal = journal
        self._reporter = reporter
        self._monotonic = monotonic
        self._marker = ""
        self._ticks = 0
        self._due = dict.fromkeys(("adopt", "renew", "retire"), 0.0)
        #: Up to where each edge had been told when a file was closed; by file.
        self._fences: dict[Segment, dict[str, StreamId]] = {}
        self._reachable = True

    def start(self) -> None:
        """Do what is due at once, and again and again on a thread that ends with the process."""
        self.try_tick()
        threading.Thread(target=self._run, name="keeper", daemon=True).start()

    def try_tick(self) -> None:
        """Do what is due, if Redis can be used."""
        try:
            self.tick()
        except redis.RedisError as exc:
            if self._reachable:
                log.warning("claims are not renewed, Redis cannot be used: %s", exc)
            self._reachable = False
            self._marker = ""  # whoever renewed nothing for a while tells everything again
        else:
            self._reachable = True

    def tick(self) -> None:
        """Do what is due.

        Raises:
            redis.RedisError: Redis cannot be used; what was not done is done next time.
        """
        marker = current_marker(self._client)
        if marker != self._marker:
            self._fences.clear()
            told = self._journal.segments()
            self._publish(told)
            self._ledger.renew()
            self._marker = marker
            self._speak_for({segment.owner for segment in told} - {self._journal.owner})
        if self._is_due("adopt", ADOPT_SECONDS):
            self._adopt()
        if self._is_due("renew", RENEW_SECONDS):
            self._ledger.renew()
        self._ticks += 1
        self._client.hset(JOURNALS, self._journal.owner, f"{marker} {self._ticks}")
        if self._is_due("retire", RETIRE_SECONDS):
            self._journal.close_if_due()
            self._retire()

    def _run(self) -> None:
        while True:
            time.sleep(INTERVAL)
            self.try_tick()

    def _is_due(self, what: str, seconds: float) -> bool:
        now = self._monotonic()
        if now < self._due[what]:
            return False
        self._due[what] = now + seconds
        return True

    def _adopt(self) -> None:
        found = self._journal.adopt()
        if not found:
            return
        confirmed = sum(len(segment.confirmed) for segment in found)
        running = sum(len(segment.running) for segment in found)
        log.log(
            logging.WARNING if running else logging.INFO,
            "processes that have ended left %d confirmations and %d submissions without an end",
            confirmed,
            running,
        )
        self._publish(found)
        self._speak_for({segment.owner for segment in found})

    def _speak_for(self, owners: Iterable[str]) -> None:
        """Say that what dead processes knew has been told."""
        for owner in owners:
            self._client.hset(JOURNALS, owner, f"{self._marker} adopted")

    def _publish(self, segments: Iterable[Segment]) -> None:
        """Tell Redis and the edges what these files hold: the marks first, then the outcomes."""
        outcomes: dict[str, list[Outcome]] = defaultdict(list)
        marks = []
        for segment in segments:
            for one in tuple(segment.confirmed):
                marks.append((one.mail_id, one.covers))
                if one.whole:
                    outcomes[one.edge].append(
                        Delivered(one.mail_id, one.delivery_id, one.reply, covers=one.covers)
                    )
        for start in range(0, len(marks), CHUNK):
            self._ledger.restore(marks[start : start + CHUNK])
        for segment in segments:
            if segment.owner != self._journal.owner:
                # Its process is dead: what it was submitting may be submitted by somebody else.
                self._ledger.let_go(segment.owner, segment.running)
                for began in segment.running.values():
                    outcomes[began.edge].append(DeliveryHeld(began.mail_id, began.delivery_id, 0.0))
        for edge, told in outcomes.items():
            for start in range(0, len(told), CHUNK):
                self._reporter.report(edge, told[start : start + CHUNK], [])

    def _retire(self) -> None:
        """Remove closed files of which every edge has acted on all outcomes, and those that are too old."""
        closed = self._journal.closed()
        self._fences = {segment: self._fences.get(segment, {}) for segment in closed}
        edges = {edge for segment in closed for edge in _edges(segment)}
        streams = self._streams(edges)
        if streams is None:
            return
        for segment in closed:
            fences = self._fences[segment]
            for edge in _edges(segment):
                if edge in streams:
                    fences.setdefault(edge, streams[edge][0])
            passed = all(edge in fences and streams[edge][1] > fences[edge] for edge in _edges(segment))
            age = self._monotonic() - segment.closed
            if (passed and age >= RETAIN_SECONDS) or age > DONE_LIFETIME:
                self._journal.remove(segment)
                del self._fences[segment]

    def _streams(self, edges: Iterable[str]) -> dict[str, tuple[StreamId, StreamId]] | None:
        """Return the last id given and the first entry still there of each edge's stream that exists.

        None when Redis has lost its data since the last look at the marker: then nothing was acted on.
        """
        wanted = sorted(edges)
        with self._client.pipeline(transaction=True) as pipe:
            pipe.get(MARKER)
            pipe.info(SERVER)
            for edge in wanted:
                pipe.xinfo_stream(outcomes_key(edge))
            answers = pipe.execute(raise_on_error=False)
        if marker_of(answers[0], answers[1]) != self._marker:
            return None
        found = {}
        for edge, info in zip(wanted, answers[2:], strict=True):
            if isinstance(info, redis.ResponseError):
                continue  # there is no such stream
            if isinstance(info, Exception):
                raise info
            last = _stream_id(info["last-generated-id"])
            first = info["first-entry"]
            found[edge] = (last, _stream_id(first[0]) if first else (last[0], last[1] + 1))
        return found


def _edges(segment: Segment) -> set[str]:
    return {one.edge for one in segment.confirmed} | {began.edge for began in segment.running.values()}


def _stream_id(text: bytes | str) -> StreamId:
    milliseconds, _, number = (text.decode() if isinstance(text, bytes) else text).partition("-")
    return int(milliseconds), int(number)
