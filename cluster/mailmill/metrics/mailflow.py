"""What happens to mail in the whole cluster, counted from the events of the message log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from mailmill.mailids import arrival_of
from mailmill.messagelog.events import Event, Step
from mailmill.messagelog.measured import Measured
from mailmill.metrics.serving import PREFIX

#: Seconds from acceptance to the end of a message: from an idle cluster's to `Maximum Queue Lifetime`.
AGES: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600, 6 * 3600, 86_400, 432_000)
#: Seconds of a scan, and of an engine: from a small message without engines to `Scan Time Limit`.
TIMES: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
#: Whose event it is when it is no worker's.
EDGE: Final = "edge"
#: The steps that each role takes; what the name of a worker's node begins with (`naming.worker_name`) is its
#: role.
STEPS: Final = {
    EDGE: (Step.ACCEPTED, Step.ENQUEUED, Step.DEFERRED, Step.EXPIRED, Step.CORRUPT, Step.FINISHED),
    "scan": (Step.SCANNED, Step.QUARANTINED, Step.DELETED, Step.DEFERRED),
    "deliver": (Step.DELIVERED, Step.DEFERRED, Step.REFUSED, Step.BOUNCED, Step.QUARANTINED),
}
#: The words of all verdicts.
VERDICTS: Final = (
    "clean",
    "spam",
    "high scoring spam",
    "infected",
    "forbidden attachment",
    "unscannable",
    "scanner failed",
    "poison message",
)


class MailFlow:
    """Counts events. One process counts for all, whatever the number of processes that report them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Put the metrics into `registry`."""
        self._steps = Counter(
            f"{PREFIX}steps_total",
            "Steps of messages, and who took them.",
            ["role", "step"],
            registry=registry,
        )
        self._ages = Histogram(
            f"{PREFIX}message_seconds",
            "From acceptance to the end of everything that a message caused.",
            registry=registry,
            buckets=AGES,
        )
        self._verdicts = Counter(
            f"{PREFIX}verdicts_total",
            "Scans by verdict; a message whose recipients differ counts for each.",
            ["verdict"],
            registry=registry,
        )
        self._scans = Histogram(
            f"{PREFIX}scan_seconds",
            "Scans of one message.",
            registry=registry,
            buckets=TIMES,
        )
        self._answers = Counter(
            f"{PREFIX}engine_answers_total",
            "Answers of engines, and whether the engine or the verdict cache gave them.",
            ["engine", "answer", "source"],
            registry=registry,
        )
        self._engines = Histogram(
            f"{PREFIX}engine_seconds",
            "How long engines took to answer; without answers of the verdict cache.",
            ["engine"],
            registry=registry,
            buckets=TIMES,
        )
        # 0 until it happens: to Prometheus, what appears for the first time has not increased.
        for role, steps in STEPS.items():
            for step in steps:
                self._steps.labels(role, step.value)
        for verdict in VERDICTS:
            self._verdicts.labels(verdict)

    def count(self, events: Iterable[Event]) -> None:
        """Count events."""
        for event in events:
            self._steps.labels(_role(event.node), event.step.value).inc()
            if event.step is Step.FINISHED:
                self._ages.observe(max(0.0, event.time - arrival_of(event.mail_id)))
            if event.measured is not None:
                self._measured(event.measured)

    def _measured(self, measured: Measured) -> None:
        for verdict in measured.verdicts:
            self._verdicts.labels(verdict).inc()
        if measured.answers or measured.seconds:
            self._scans.observe(measured.seconds)
        for answer in measured.answers:
            source = "cache" if answer.cached else "engine"
            self._answers.labels(answer.engine, answer.answer, source).inc()
            if not answer.cached:
                self._engines.labels(answer.engine).observe(answer.seconds)


def _role(node: str) -> str:
    role, at, _ = node.partition("@")
    return role if at and role in STEPS else EDGE
