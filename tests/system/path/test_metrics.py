"""The metrics as Prometheus fetches them, while mail flows and after a file was damaged."""

from __future__ import annotations

import os
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mailmill.mailids import new_mail_id
from mailmill.spool import State
from mailmill_local.load import Letter
from mailmill_local.probes import HOST, wait_until

pytestmark = pytest.mark.system

LETTERS = 20
#: Seconds in which an event must have reached the recorder.
PATIENCE = 30


def small(count: int, prefix: str) -> list[Letter]:
    return [
        Letter("sender@example.org", (f"{prefix}{number}@example.com",), b"Subject: %d\n\nbody\n" % number)
        for number in range(count)
    ]


class Scraped:
    """What one process tells."""

    def __init__(self, port: int) -> None:
        with urllib.request.urlopen(f"http://{HOST}:{port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        self.values = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float | None:
        return self.values.get((f"mailmill_{name}", frozenset(labels.items())))

    def total(self, name: str, **labels: str) -> float:
        wanted = labels.items()
        return sum(
            value
            for (found, has), value in self.values.items()
            if found == f"mailmill_{name}" and wanted <= dict(has).items()
        )


@pytest.fixture
def edge(running):
    return lambda: Scraped(running.system.ports.metrics)


@pytest.fixture
def cluster(running):
    return lambda: Scraped(running.system.ports.recorder_metrics)


@pytest.fixture(scope="module")
def sent(running, letters):
    """Letters that have reached their end."""
    answers = running.send(letters(LETTERS, "metrics-"))
    assert all(answer.accepted for answer in answers)
    running.wait_until_empty()
    return answers


def test_the_edge_counts_what_it_accepted_and_finished(sent, edge):
    found = edge()
    for step in ("accepted", "finished"):
        assert found.value("edge_steps_total", step=step) == LETTERS
    assert found.value("edge_in_flight_messages") == 0
    assert found.value("edge_sending") == found.value("edge_accepting") == 1
    assert found.value("edge_free_bytes", queue="milterin") > 0


def test_the_recorder_counts_for_all_processes_of_the_cluster(sent, cluster):
    assert wait_until(
        lambda: cluster().value("steps_total", role="edge", step="finished") == LETTERS, PATIENCE
    )
    found = cluster()
    assert found.value("message_seconds_count") == LETTERS
    assert found.value("scan_seconds_count") == found.total("verdicts_total") == LETTERS
    assert found.total("steps_total", role="deliver", step="delivered") >= LETTERS - found.total(
        "verdicts_total", verdict="infected"
    )
    for engine in ("clamd", "rspamd"):
        assert found.total("engine_answers_total", engine=engine) == LETTERS
        assert found.value("engine_seconds_count", engine=engine) == LETTERS
    assert found.total("engine_answers_total", answer="failed") == 0


def test_redis_is_counted_too(sent, cluster):
    before = cluster()
    assert before.value("redis_up") == 1
    assert before.value("redis_commands_total", command="xadd") > LETTERS
    assert before.value("redis_bytes_total", direction="in") > 0
    assert wait_until(lambda: cluster().value("events_waiting") == 0, PATIENCE)


def test_a_damaged_file_in_the_queue_raises_the_counter_of_corrupt_ones(running, sent, edge):
    assert edge().value("edge_steps_total", step="corrupt") == 0
    root = running.system.places.incoming
    name = new_mail_id(1_800_000_000.0, "4bXyZw")
    source = root / State.INCOMING / name
    source.write_bytes(b"a file that a disk has damaged")
    os.chmod(source, 0o644)  # noqa: PTH101 - root writes it, the queue manager reads it
    source.rename(root / State.ACTIVE / name)
    try:
        assert wait_until(lambda: edge().value("edge_steps_total", step="corrupt") == 1, PATIENCE)
        assert any(f"{name}: damaged, kept in corrupt" in line for line in running.lines)

        def shown():
            return edge().value("edge_queue_messages", queue="milterin", state="corrupt") == 1

        assert wait_until(shown, PATIENCE)
        assert (root / State.CORRUPT / name).read_bytes() == b"a file that a disk has damaged"
    finally:
        (root / State.CORRUPT / name).unlink(missing_ok=True)


def test_messages_that_were_counted_first_go_on_as_soon_as_they_can(running, sent, edge):
    running.wait_until_empty()
    running.system.redis.stop()
    try:
        answers = running.send(small(LETTERS, "counted-"))
        assert all(answer.accepted for answer in answers)

        def counted():
            return edge().value("edge_queue_messages", queue="milterin", state="active") == LETTERS

        assert wait_until(counted, PATIENCE)
    finally:
        running.system.redis.start()
    running.wait_until_empty(PATIENCE)


def test_a_redis_that_is_away_is_told_by_the_recorder_and_mail_waits(running, sent, edge, cluster):
    running.system.redis.stop()
    try:
        assert cluster().value("redis_up") == 0
        assert edge().value("edge_in_flight_messages") == 0
    finally:
        running.system.redis.start()
    assert wait_until(lambda: cluster().value("redis_up") == 1, PATIENCE)
