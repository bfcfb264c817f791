from __future__ import annotations

import asyncio

import pytest
import redis

from delivery_fakes import EDGE, MAIL_ID, MemoryReporter
from mailmill.outcomes import ContentsMissing, Outcome
from mailmill_workers.deliver.reports import Reports
from mailmill_workers.insistence import PAUSES, insist


class Pauses:
    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


class Shaky:
    """Fails so often, then works."""

    def __init__(self, failures: int) -> None:
        self.failures = failures

    def __call__(self) -> str:
        if self.failures:
            self.failures -= 1
            raise redis.ConnectionError("down")
        return "done"


def test_a_call_is_repeated_while_redis_is_away():
    pauses = Pauses()
    assert asyncio.run(insist(Shaky(3), pauses)) == "done"
    assert pauses.seconds == list(PAUSES[:3])


def test_a_redis_that_stays_away_is_an_error():
    with pytest.raises(redis.ConnectionError):
        asyncio.run(insist(Shaky(len(PAUSES) + 1), Pauses()))


def test_other_faults_are_not_repeated():
    def fault() -> None:
        raise ValueError

    pauses = Pauses()
    with pytest.raises(ValueError):
        asyncio.run(insist(fault, pauses))
    assert pauses.seconds == []


def numbered(number: int) -> Outcome:
    return ContentsMissing(f"{MAIL_ID}{number}")


def test_a_report_leaves_before_the_batch_ends():
    async def run() -> None:
        reporter = MemoryReporter()
        reports = Reports(reporter, EDGE)
        reports.add([numbered(1)], [])
        await asyncio.to_thread(reporter.reported.wait)
        reports.add([numbered(2)], [])
        reports.add([numbered(3)], [])
        await reports.close()
        assert reporter.outcomes == [numbered(1), numbered(2), numbered(3)]
        assert reporter.calls == 2

    asyncio.run(run())


def test_nothing_to_report_is_not_reported():
    async def run() -> MemoryReporter:
        reporter = MemoryReporter()
        await Reports(reporter, EDGE).close()
        return reporter

    assert asyncio.run(run()).calls == 0


def test_reports_that_can_not_be_sent_are_an_error_at_the_end():
    class Broken(MemoryReporter):
        def report(self, *_: object) -> None:
            raise redis.ConnectionError("down")

    async def run() -> None:
        reports = Reports(Broken(), EDGE, Pauses())
        reports.add([numbered(1)], [])
        await reports.close()

    with pytest.raises(redis.ConnectionError):
        asyncio.run(run())
