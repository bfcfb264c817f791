"""What the metrics hear of a scan."""

import asyncio
from dataclasses import replace

import pytest

from mailmill.findings import Clean, Failed, Scored
from mailmill.messagelog.events import Step
from mailmill.messagelog.measured import EngineAnswer, Measured
from mailmill.settings import Settings
from mailmill_workers.engines.versions import Versions
from mailmill_workers.scan.asking import Asking
from mailmill_workers.scan.decision import Decider
from mailmill_workers.scan.examine import Examiner
from mailmill_workers.scan.quarantine import Quarantine
from mailmill_workers.scan.trail import Trail


@pytest.fixture
def decider(tmp_path):
    return Decider(
        Settings.of({"Quarantine Dir": str(tmp_path / "q")}), Quarantine(tmp_path / "q", 0o640), "scan@w1"
    )


def test_a_scan_tells_its_verdict_what_each_engine_said_and_how_long_it_took(decider, make_mail, make_report):
    report = replace(make_report(), took={"clamd": 0.01234, "unpacking": 1.0}, cached={"rspamd"})
    decision = decider.decide(make_mail(), report, frozenset(), 0.2)
    assert [event.step for event in decision.events] == [Step.SCANNED]
    assert decision.events[0].measured == Measured(
        ("clean",),
        0.2,
        (EngineAnswer("clamd", "clean", 0.0123), EngineAnswer("rspamd", "scored", 0.0, cached=True)),
    )


def test_an_engine_that_failed_is_told_of_when_the_message_is_deferred(decider, make_mail, make_report):
    report = make_report(viruses=[("clamd", Failed("down"))], spam=None)
    decision = decider.decide(make_mail(), report, frozenset(), 0.2)
    assert [event.step for event in decision.events] == [Step.DEFERRED]
    assert decision.events[0].measured == Measured((), 0.2, (EngineAnswer("clamd", "failed", 0.0),))


def test_a_message_that_is_given_up_on_counts_as_poison(decider, make_mail):
    decision = decider.give_up(make_mail(), "process died", frozenset())
    assert decision.events[0].measured == Measured(("poison message",), 0.0)


class Engine:
    def __init__(self, name, answer):
        self.name, self._answer = name, answer

    async def scan(self, mail):
        return self._answer

    check = scan

    async def close(self):
        pass


def test_the_time_of_each_engine_and_what_the_cache_answered_come_from_the_trail(monkeypatch, make_mail):
    monkeypatch.setattr(
        "mailmill_workers.scan.examine.virus_engines", lambda settings: (Engine("clamd", Clean()),)
    )
    monkeypatch.setattr(
        "mailmill_workers.scan.examine.spam_engine", lambda settings: Engine("rspamd", Scored(1.0))
    )
    trail = Trail()
    trail.cached.add("rspamd")
    settings = Settings.of({})
    examiner = Examiner(settings, Asking(settings, None, Versions()))
    report = asyncio.run(examiner.examine(make_mail(), trail))
    virus, spam = report.measured()
    assert (virus.engine, virus.answer, virus.cached) == ("clamd", "clean", False)
    assert (spam.engine, spam.answer, spam.cached) == ("rspamd", "scored", True)
    assert {"clamd", "rspamd", "unpacking"} <= trail.took.keys()


def test_a_step_that_fails_has_a_time_too():
    trail = Trail()
    with pytest.raises(ValueError, match="nonsense"), trail.step("clamd"):
        raise ValueError("nonsense")
    assert trail.took["clamd"] >= 0
