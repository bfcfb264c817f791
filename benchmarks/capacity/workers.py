"""Pool processes of scan and deliver, and the relay that they submit to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from benchmarks.capacity.parts import Batch, Parts, part
from benchmarks.capacity.processors import Activity, Processors

#: Messages of a task that an engine is asked about at the same time (`CONCURRENCY` of the engines).
_QUESTIONS: Final = 10
#: `Delivery Concurrency`.
_SUBMISSIONS: Final = 20
#: The part of the relay's work that is done when it answers; the rest is for the way to the inbox.
_ACCEPTING: Final = 0.6


class Relay:
    """A Postfix behind.

    Args:
        parts: What the group shares.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.machine = parts.machine()
        self.disk = parts.disk()

    def submit(self, accepted: Sequence[float]) -> Activity:
        """Take messages over, one after the other, and deliver each afterwards."""
        for moment in accepted:
            yield self.machine.work(part(self._parts.costs.relay, 1, _ACCEPTING))
            yield from self.disk.serve(self._parts.durable(1))
            self._parts.env.process(self._deliver(moment))

    def _deliver(self, accepted: float) -> Activity:
        yield self.machine.work(part(self._parts.costs.relay, 1, 1 - _ACCEPTING))
        self._parts.delivered.append((accepted, self._parts.env.now))


class Pool:
    """What pool processes have in common: how long they were busy.

    Args:
        parts: What the group shares.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.used = 0.0


class Scanners(Pool):
    """The pool processes of scan on one machine.

    Args:
        parts: What the group shares.
    """

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self.machine = parts.machine()
        for _ in range(parts.shape.processes):
            parts.env.process(self._process())

    def _process(self) -> Activity:
        parts = self._parts
        while True:
            batch: Batch = yield parts.to_scan.get()
            yield from parts.hand_over()
            began = parts.env.now
            yield from parts.visit(len(batch))
            own, after = parts.costs.scan.spread(len(batch), parts.costs.afterwards)
            yield self.machine.work(own + len(batch) * parts.engine.scan / 1000)
            yield from self._examine(batch)
            yield self.machine.work(after)
            self.used += parts.env.now - began

    def _examine(self, batch: Batch) -> Activity:
        """Ask about each message and hand on what is answered."""
        parts = self._parts
        if parts.engine.alone:
            for moment in batch.accepted:
                yield from self._ask(1)
                parts.to_deliver.put(Batch(batch.edge, (moment,)))
            return
        lanes = min(len(batch), _QUESTIONS)
        yield parts.env.all_of(
            [parts.env.process(self._ask(len(batch.accepted[lane::lanes]))) for lane in range(lanes)]
        )
        parts.to_deliver.put(batch)

    def _ask(self, questions: int) -> Activity:
        """Ask the engine, which runs on the same machine, so many questions one after the other."""
        engine = self._parts.engine
        yield self.machine.work(questions * engine.processor / 1000)
        yield self._parts.env.timeout(questions * engine.wait / 1000)


class Deliverers(Pool):
    """The processes of deliver.

    Args:
        parts: What the group shares.
        relays: Where each submits, in turn.
    """

    def __init__(self, parts: Parts, relays: list[Relay]) -> None:
        super().__init__(parts)
        self._relays = relays
        self._turn = 0
        for _ in range(parts.shape.deliver):
            parts.env.process(self._process(parts.machine(1)))

    def _process(self, machine: Processors) -> Activity:
        parts = self._parts
        while True:
            batch: Batch = yield parts.to_deliver.get()
            yield from parts.hand_over()
            began = parts.env.now
            yield from parts.visit(len(batch))
            own, after = parts.costs.deliver.spread(len(batch), parts.costs.afterwards)
            yield machine.work(own)
            lanes = min(len(batch), _SUBMISSIONS)
            yield parts.env.all_of(
                [
                    parts.env.process(self._relay().submit(batch.accepted[lane::lanes]))
                    for lane in range(lanes)
                ]
            )
            parts.env.process(self._report(batch))
            yield machine.work(after)
            self.used += parts.env.now - began

    def _relay(self) -> Relay:
        self._turn = (self._turn + 1) % len(self._relays)
        return self._relays[self._turn]

    def _report(self, batch: Batch) -> Activity:
        parts = self._parts
        yield parts.env.timeout(parts.costs.ending / 1000)
        batch.edge.ended(batch)
        yield from parts.recorder.serve(parts.costs.recorder.seconds(len(batch)))
