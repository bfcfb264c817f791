"""One scan task: a batch of messages, scanned at the same time, each going on as soon as it is finished."""

from __future__ import annotations

import asyncio
import functools
import logging
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import redis
from msgspec.structs import replace

from mailmill.contents import ContentsStore
from mailmill.errors import DamagedSpoolFileError, MailmillError
from mailmill.ledger import Ledger
from mailmill.outcomes import ContentsMissing, ScanDeferred, ScanFailed
from mailmill.scannotes import Begun, ScanNotes
from mailmill.spoolfile import unpack
from mailmill_workers import eventloop
from mailmill_workers.insistence import insist
from mailmill_workers.mail import Mail
from mailmill_workers.scan.decision import Decider, Decision
from mailmill_workers.scan.examine import Examiner
from mailmill_workers.scan.handon import HandOn
from mailmill_workers.scan.limits import out_of_memory
from mailmill_workers.scan.report import Report
from mailmill_workers.scan.trail import Trail

log = logging.getLogger(__name__)

#: Seconds that the first result waits for others, which then go on together: each group costs some 10 ms of
#: processor in the queue manager, Redis, Celery and the deliver worker, however small it is (measured). Once
#: all of a batch are finished nobody waits, nor does one that is alone: this is for slow engines.
LINGER: Final = 0.5
#: Seconds that it waits at most. In between it waits for as long as its batch has been at work: with a slow
#: engine the results come one by one, and nobody who waited for that notices the same time again.
LONGEST_LINGER: Final = 1.0

#: Faults of the surroundings (disk, network, settings): they say nothing about the message.
NOT_ITS_FAULT: Final = (OSError, redis.RedisError, MailmillError)


@dataclass(frozen=True)
class Examined:
    """A message that all have spoken about, and that nothing is decided of."""

    mail: Mail
    report: Report
    trail: Trail
    #: Marks that are confirmed.
    done: frozenset[str]
    #: How long the examination took.
    seconds: float


@dataclass(frozen=True)
class ScanBatch:
    """Scans batches; one for the life of a worker process."""

    contents: ContentsStore
    ledger: Ledger
    decider: Decider
    hand_on: HandOn
    notes: ScanNotes
    #: Makes what asks the engines, inside the event loop of a batch.
    examiner: Callable[[], Examiner]

    def run(self, edge: str, mail_ids: Sequence[str], task: str) -> None:
        """Scan messages of an edge; every one is reported, whatever happens to it.

        `task` is the same when the same task is handed out again, because a process died over it.

        Raises:
            ContentsError, redis.RedisError, BrokerError: Redis cannot be used; the edge's lease covers that.
        """
        eventloop.run(self._run(edge, mail_ids, task))

    async def _run(self, edge: str, mail_ids: Sequence[str], task: str) -> None:
        begun = self.notes.begin(edge, task, mail_ids)
        await insist(functools.partial(self._tell, begun, [_failed(outcome) for outcome in begun.failed]))
        stored = self.contents.get(begun.wanted)
        confirmed = self.ledger.confirmed(begun.wanted)
        began = time.monotonic()
        async with self.examiner() as examiner:
            running = {
                asyncio.create_task(
                    self._examine(examiner, begun, mail_id, stored.get(mail_id), confirmed[mail_id]),
                    name=mail_id,
                )
                for mail_id in begun.wanted
            }
            while running:
                await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                finished, running = await asyncio.wait(running, timeout=_linger(time.monotonic() - began))
                # All at once: right after another one, with its code in the cache, a decision costs less.
                decisions = [self._decide(begun, one.result()) for one in finished]
                # In a thread: the engines' answers are read while Redis is spoken to. What finishes meanwhile
                # goes on together, next time round.
                await insist(functools.partial(self._tell, begun, decisions))

    async def _examine(
        self, examiner: Examiner, begun: Begun, mail_id: str, data: bytes | None, done: frozenset[str]
    ) -> Examined | Decision:
        if data is None:
            return Decision(ContentsMissing(mail_id), (), ())
        started = time.monotonic()
        trail = Trail()
        if begun.alone and mail_id in begun.suspects:
            trail = Trail(functools.partial(self.notes.at, begun, mail_id))
        try:
            file = unpack(data)
            # The edge that sent it owns it: an adopted message names the one that accepted it.
            mail = Mail(replace(file.header, edge=begun.edge), file.content)
            report = await examiner.examine(mail, trail)
        except Exception as exc:  # noqa: BLE001 - neither neighbours nor this message must be lost by it
            return _fault(begun, mail_id, exc)
        return Examined(mail, report, trail, done, time.monotonic() - started)

    def _decide(self, begun: Begun, found: Examined | Decision) -> Decision:
        if isinstance(found, Decision):
            return found
        mail_id = found.mail.id
        try:
            with found.trail.step("rules and policy"):
                decision = self.decider.decide(found.mail, found.report, found.done, found.seconds)
        except Exception as exc:  # noqa: BLE001 - neither neighbours nor this message must be lost by it
            return _fault(begun, mail_id, exc)
        log.info("%s: %s", mail_id, decision.events[-1].detail)
        return decision

    def _tell(self, begun: Begun, decisions: list[Decision]) -> None:
        """Hand decisions on and keep the notes right: a failure must be known before the next try begins."""
        if not decisions:
            return
        failures = [d.outcome for d in decisions if isinstance(d.outcome, ScanFailed)]
        if failures:
            self.notes.remember(begun.edge, failures)
        self.hand_on(begun.edge, decisions)
        over = [d for d in decisions if not isinstance(d.outcome, ScanFailed)]
        cleared = [d.outcome.mail_id for d in over if d.ended and d.outcome.mail_id in begun.suspects]
        self.notes.end(begun.edge, [d.outcome.mail_id for d in over], cleared)


def _linger(elapsed: float) -> float:
    """Return how long a result waits for others that comes when its batch has been at work for `elapsed`."""
    return min(max(LINGER, elapsed), LONGEST_LINGER)


def _fault(begun: Begun, mail_id: str, exc: Exception) -> Decision:
    """Return what becomes of a message whose scan failed; ends the process when it has no memory left."""
    if isinstance(exc, MemoryError):
        out_of_memory(mail_id)
    if isinstance(exc, DamagedSpoolFileError):
        log.error("%s: came damaged from the contents store: %s", mail_id, exc)
        return Decision(ContentsMissing(mail_id), (), ())
    log.error("%s: the scan failed", mail_id, exc_info=exc)
    if isinstance(exc, NOT_ITS_FAULT):
        return Decision(ScanDeferred(mail_id, f"internal error: {exc!r}"), (), ())
    return _failed(begun.failure(mail_id, _evidence(exc)))


def _failed(outcome: ScanFailed) -> Decision:
    log.error("%s: the scan came to no end: %s", outcome.mail_id, outcome.reason)
    return Decision(outcome, (), ())


def _evidence(exc: Exception) -> str:
    """Return the last line of a traceback, and where it was raised."""
    where = traceback.extract_tb(exc.__traceback__)[-1]
    what = "".join(traceback.format_exception_only(exc)).strip().splitlines()[-1]
    return f"{what} (in {where.name}, {Path(where.filename).name}:{where.lineno})"
