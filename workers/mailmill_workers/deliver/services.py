"""What ending a delivery takes: the stores of the cluster, a way to send tasks, a name and a clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mailmill.contents import ContentsStore
from mailmill.delivery import Delivery
from mailmill.ledger import Ledger
from mailmill.messagelog.events import Event, Step
from mailmill.reporter import Reporter
from mailmill.tasks import Tasks
from mailmill_workers.deliver.bounce import Answer, Bouncer
from mailmill_workers.deliver.ending import recipients_of
from mailmill_workers.deliver.journal import DeliveryJournal
from mailmill_workers.deliver.keep import VERDICT


@dataclass(frozen=True)
class Services:
    """Shared by the batches of a worker process."""

    contents: ContentsStore
    ledger: Ledger
    journal: DeliveryJournal
    reporter: Reporter
    tasks: Tasks
    bouncer: Bouncer
    #: The name of this worker in the message log.
    node: str
    #: Seconds since the epoch.
    clock: Callable[[], float]

    def event(self, delivery: Delivery, step: Step, detail: str) -> Event:
        """Return an event of now about the message of a delivery."""
        return Event(time=self.clock(), mail_id=delivery.mail_id, step=step, node=self.node, detail=detail)

    def answered(self, delivery: Delivery, answer: Answer) -> list[Event]:
        """Return the events that say what answers for a delivery that failed."""
        events = []
        if answer.place:
            events.append(self.event(delivery, Step.QUARANTINED, f"{VERDICT}: {answer.place}"))
        told = answer.delivery
        if told:
            detail = f"{told.verdict} {told.id} {recipients_of(told)}"
            events.append(self.event(delivery, Step.BOUNCED, detail))
        return events
