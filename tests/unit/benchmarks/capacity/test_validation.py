import pytest

from benchmarks.capacity.costs import load
from benchmarks.capacity.validation import Comparison, compare, render, scaling, summary
from benchmarks.table import Table


def test_rows_that_the_model_can_compute_are_compared():
    backlog = Table("backlog", "Backlog: 300 messages")
    backlog.add("machine", "speed", 1)
    for engine in ("none", "rspamd fed directly"):
        backlog.add(engine, "msg/s", 100)
    rows = Table("scaling", "Scaling")
    for row in ("workers 2", "edges 1", "contents of 500 kB"):
        rows.add(row, "msg/s", 10)
    latency = Table("latency", "Latency")
    latency.add("no engine", "median ms", 20)
    found = list(compare(load(), {"backlog": backlog, "scaling": rows, "latency": latency}, 2))
    assert [each.what for each in found] == [
        "backlog, none",
        "scaling, workers 2",
        "scaling, edges 1",
        "latency, idle",
    ]
    assert [each.fitted for each in found] == [False, False, True, True]


def test_processors_that_others_had_make_the_model_slower():
    table = Table("backlog", "Backlog: 300 messages")
    table.add("none", "msg/s", 100)
    alone = next(iter(compare(load(), {"backlog": table}, 2))).model
    table.add("none", "cores of others", 1.0)
    assert next(iter(compare(load(), {"backlog": table}, 2))).model < 0.7 * alone


def test_twice_the_workers_are_nearly_twice_as_fast_while_the_engine_is_what_takes_time():
    assert scaling(load(), "workers 4", 16) == pytest.approx(2 * scaling(load(), "workers 2", 16), rel=0.05)


def test_a_figure_that_a_cost_was_fitted_to_shows_nothing():
    found = [
        Comparison("a", "msg/s", 100, 110, 0.0),
        Comparison("b", "msg/s", 100, 120, 0.5),
        Comparison("c", "ms", 100, 100, 0.0, fitted=True),
    ]
    assert [each.within for each in found] == [True, False, True]
    assert found[1].deviation == pytest.approx(0.2)
    assert summary(found).startswith("1 of 2 figures")
    assert "BEYOND  b" in render(found)
