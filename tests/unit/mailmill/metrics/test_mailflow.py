"""Counting the events of the cluster."""

import pytest
from prometheus_client import generate_latest

from mailmill.mailids import arrival_of, new_mail_id
from mailmill.messagelog.events import Event, Step
from mailmill.messagelog.measured import EngineAnswer, Measured
from mailmill.metrics.mailflow import VERDICTS, MailFlow
from mailmill.metrics.serving import new_registry
from mailmill_workers.scan.judgement import Verdict

MAIL_ID = new_mail_id(1_700_000_000.0, "4bXyZw")
ARRIVAL = arrival_of(MAIL_ID)


@pytest.fixture
def registry():
    return new_registry()


@pytest.fixture
def count(registry):
    flow = MailFlow(registry)

    def run(step, node="edge1", after=0.0, measured=None):
        flow.count([Event(ARRIVAL + after, MAIL_ID, step, node, measured=measured)])

    return run


def test_steps_count_by_who_took_them(count, registry):
    count(Step.DEFERRED)
    count(Step.DEFERRED, "deliver@w1")
    count(Step.DEFERRED, "deliver@w2")
    count(Step.SCANNED, "scan@w1")
    count(Step.ACCEPTED, "scan.example.com")

    def value(role, step):
        return registry.get_sample_value("mailmill_steps_total", {"role": role, "step": step})

    assert value("edge", "deferred") == 1
    assert value("deliver", "deferred") == 2
    assert value("scan", "scanned") == 1
    assert value("edge", "accepted") == 1


def test_the_age_of_a_message_is_taken_when_it_has_ended_and_never_less_than_nothing(count, registry):
    count(Step.DELIVERED, after=5)
    count(Step.FINISHED, after=2)
    count(Step.FINISHED, after=-3600)
    assert registry.get_sample_value("mailmill_message_seconds_count") == 2
    assert registry.get_sample_value("mailmill_message_seconds_sum") == pytest.approx(2)


def test_a_scan_counts_for_its_verdicts_its_time_and_its_engines(count, registry):
    answers = (
        EngineAnswer("clamd", "clean", 0.03),
        EngineAnswer("rspamd", "scored", 0.0, cached=True),
        EngineAnswer("spamd", "failed", 40.0),
    )
    count(Step.SCANNED, measured=Measured(("clean", "spam"), 0.2, answers))
    value = registry.get_sample_value
    assert value("mailmill_verdicts_total", {"verdict": "clean"}) == 1
    assert value("mailmill_verdicts_total", {"verdict": "spam"}) == 1
    assert value("mailmill_scan_seconds_sum") == pytest.approx(0.2)

    def answered(engine, answer, source):
        labels = {"engine": engine, "answer": answer, "source": source}
        return value("mailmill_engine_answers_total", labels)

    assert answered("clamd", "clean", "engine") == 1
    assert answered("rspamd", "scored", "cache") == 1
    assert answered("rspamd", "scored", "engine") is None
    assert answered("spamd", "failed", "engine") == 1
    assert value("mailmill_engine_seconds_sum", {"engine": "clamd"}) == pytest.approx(0.03)
    assert value("mailmill_engine_seconds_count", {"engine": "rspamd"}) is None


def test_a_message_that_was_given_up_on_is_poison_and_no_scan(count, registry):
    count(Step.SCANNED, measured=Measured(("poison message",), 0.0))
    assert registry.get_sample_value("mailmill_verdicts_total", {"verdict": "poison message"}) == 1
    assert registry.get_sample_value("mailmill_scan_seconds_count") == 0


def test_a_process_tells_its_version_and_its_memory(registry):
    text = generate_latest(registry).decode()
    assert 'mailmill_build_info{version="' in text
    assert "process_resident_memory_bytes " in text
    assert "_created" not in text


def test_every_verdict_is_there_before_it_happens(count, registry):
    assert set(VERDICTS) == {verdict.value for verdict in Verdict}
    values = [registry.get_sample_value("mailmill_verdicts_total", {"verdict": word}) for word in VERDICTS]
    assert values == [0] * len(VERDICTS)


def test_what_alarms_ask_for_is_there_before_it_happens(count, registry):
    for role, step in (("edge", "corrupt"), ("edge", "expired"), ("deliver", "bounced")):
        assert registry.get_sample_value("mailmill_steps_total", {"role": role, "step": step}) == 0
