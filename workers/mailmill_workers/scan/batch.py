"""One scan task: a batch of messages, scanned at the same time, each going on as soon as it is finished."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mailmill.contents import ContentsStore
from mailmill.errors import DamagedSpoolFileError
from mailmill.ledger import Ledger
from mailmill.outcomes import ContentsMissing, ScanDeferred
from mailmill.records import encode
from mailmill.reporter import Reporter
from mailmill.spoolfile import unpack
from mailmill.tasks import Tasks
from mailmill_workers.mail import Mail
from mailmill_workers.scan.decision import Decider, Decision
from mailmill_workers.scan.examine import Examiner

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ScanBatch:
    """Scans batches; one for the life of a worker process."""

    contents: ContentsStore
    ledger: Ledger
    reporter: Reporter
    tasks: Tasks
    decider: Decider
    #: Makes what asks the engines, inside the event loop of a batch.
    examiner: Callable[[], Examiner]

    def run(self, edge: str, mail_ids: Sequence[str]) -> None:
        """Scan messages of an edge; every one is reported, whatever happens to it.

        Raises:
            ContentsError, redis.RedisError, BrokerError: Redis cannot be used; the edge's lease covers that.
        """
        asyncio.run(self._run(edge, mail_ids))

    async def _run(self, edge: str, mail_ids: Sequence[str]) -> None:
        stored = self.contents.get(mail_ids)
        confirmed = self.ledger.confirmed(mail_ids)
        async with self.examiner() as examiner:
            running = {
                asyncio.create_task(
                    self._one(examiner, mail_id, stored.get(mail_id), confirmed[mail_id]), name=mail_id
                )
                for mail_id in mail_ids
            }
            while running:
                finished, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                # Off the loop: the engines' answers are read while Redis is spoken to. What finishes
                # meanwhile goes on together, next time round.
                await asyncio.to_thread(self._hand_on, edge, [task.result() for task in finished])

    async def _one(
        self, examiner: Examiner, mail_id: str, data: bytes | None, done: frozenset[str]
    ) -> Decision:
        if data is None:
            return Decision(ContentsMissing(mail_id), (), ())
        started = time.monotonic()
        try:
            file = unpack(data)
            mail = Mail(file.header, file.content)
            report = await examiner.examine(mail)
            decision = self.decider.decide(mail, report, done, time.monotonic() - started)
        except DamagedSpoolFileError as exc:
            log.error("%s: came damaged from the contents store: %s", mail_id, exc)  # noqa: TRY400 - no trace
            return Decision(ContentsMissing(mail_id), (), ())
        except Exception as exc:
            # A fault of ours must not take the neighbours along, nor lose this message.
            log.exception("%s: the scan failed", mail_id)
            return Decision(ScanDeferred(mail_id, f"internal error: {exc!r}"), (), ())
        log.info("%s: %s", mail_id, decision.events[-1].detail)
        return decision

    def _hand_on(self, edge: str, decisions: list[Decision]) -> None:
        deliveries = {d.id: encode(d) for decision in decisions for d in decision.deliveries}
        if deliveries:
            self.contents.put(deliveries)
        # The edge hears what to wait for before anybody can report that it is done.
        self.reporter.report(
            edge,
            [decision.outcome for decision in decisions],
            [event for decision in decisions for event in decision.events],
        )
        if deliveries:
            self.tasks.deliver(edge, list(deliveries))
