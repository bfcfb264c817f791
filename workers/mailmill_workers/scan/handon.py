"""Handing on what was decided: deliveries to the contents store, outcomes to the edge, tasks to the queue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mailmill.contents import ContentsStore
from mailmill.records import encode
from mailmill.reporter import Reporter
from mailmill.tasks import Tasks
from mailmill_workers.scan.decision import Decision


@dataclass(frozen=True)
class HandOn:
    """The way on from the scan."""

    contents: ContentsStore
    reporter: Reporter
    tasks: Tasks

    def __call__(self, edge: str, decisions: Sequence[Decision]) -> None:
        """Hand on decisions about messages of an edge.

        Raises:
            ContentsError, redis.RedisError, BrokerError: Redis cannot be used; some of it may have gone on.
        """
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
