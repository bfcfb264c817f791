"""docs/metrics.md and the code have the same metrics, with the same labels."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry

from mailmill.messagelog.events import Event, Step
from mailmill.messagelog.measured import EngineAnswer, Measured
from mailmill.metrics.mailflow import MailFlow
from mailmill.metrics.redisload import RedisLoad
from mailmill.metrics.serving import new_registry
from mailmill.spool import Spool, State
from mailmill_milter.gate import Gate, Limits
from mailmill_milter.queue_manager.item import Queue
from mailmill_milter.queue_manager.metrics import CountingSink, EdgeParts, EdgeState

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
ROW = re.compile(r"^\| `(mailmill_\w+)(?:\{([\w,]+)\})?` \|(.+)\|$", re.MULTILINE)
DOCUMENTED = {name: tuple(labels.split(",")) if labels else () for name, labels, _ in ROW.findall(PAGE)}
#: What is taken from Redis's INFO.
INFO = ("used_memory", "maxmemory", "connected_clients", "total_net_input_bytes", "total_net_output_bytes")
#: What Prometheus adds to the name of a histogram.
PARTS = r"(?:_bucket|_count|_sum)?\Z"


def metrics(registry: CollectorRegistry) -> dict[str, tuple[str, ...]]:
    """Return the labels of every metric by its full name."""
    found = {}
    for family in registry.collect():
        if family.name.startswith("mailmill_"):
            suffix = {"counter": "_total", "info": "_info"}.get(family.type, "")
            labels = {label for sample in family.samples for label in sample.labels} - {"le"}
            found[family.name + suffix] = tuple(sorted(labels))
    return found


@pytest.fixture
def defined(tmp_path, monkeypatch):
    """Every metric that the code defines, each with at least one value."""
    edge, cluster = new_registry(), new_registry()
    spools = {queue: Spool(tmp_path / queue.value) for queue in Queue}
    for spool in spools.values():
        for state in State:
            (spool.root / state).mkdir(parents=True)
    CountingSink(SimpleNamespace(), edge)
    parts = EdgeParts(
        spools,
        manager=SimpleNamespace(sending=True),
        window=type("Window", (), {"__len__": lambda self: 0, "bytes_in_flight": 0})(),
        feeder=SimpleNamespace(sent_again=0, taken_back=0),
        gate=SimpleNamespace(held=False),
        memory=SimpleNamespace(closed=False),
        pressure=Gate(*spools.values(), Limits()),
    )
    edge.register(EdgeState(parts))
    measured = Measured(("clean",), 0.1, (EngineAnswer("clamd", "clean", 0.1),))
    MailFlow(cluster).count([Event(1.0, "x", Step.SCANNED, "scan@w1", measured=measured)])
    info = dict.fromkeys(INFO, 0)
    monkeypatch.setattr(RedisLoad, "_ask", lambda self: [info, {"cmdstat_get": {"calls": 1}}, 0, 0, 0, 0, 0])
    cluster.register(RedisLoad("redis://127.0.0.1:1/0"))
    return metrics(edge) | metrics(cluster)


def test_every_metric_is_documented_with_its_labels_and_no_other(defined):
    assert {name: tuple(sorted(labels)) for name, labels in DOCUMENTED.items()} == defined


def test_every_metric_is_there_once():
    assert len(ROW.findall(PAGE)) == len(DOCUMENTED)


def test_every_metric_has_a_meaning_and_an_alert():
    for name, _, cells in ROW.findall(PAGE):
        meaning, alert = re.split(r"(?<!\\)\|", cells)
        assert meaning.strip(), name
        assert alert.strip(), name


def test_alerts_and_examples_name_only_metrics_that_exist():
    named = set(re.findall(r"mailmill_\w+", PAGE))
    assert {name for name in named if re.sub(PARTS, "", name) not in DOCUMENTED} == set()
