import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.capacity.costs import load, save
from benchmarks.capacity.fit import STAGES, MissingError, batches, count, fit, idle, split, tables
from benchmarks.capacity.shape import Shape
from benchmarks.capacity.simulation import traffic
from benchmarks.capacity.validation import ENDING_ROW, with_ending
from benchmarks.table import Table


def measured():
    backlog = Table("backlog", "Backlog: 2000 messages from the spool to the last delivery")
    scaling = Table("scaling", "Scaling")
    latency = Table("latency", "Latency")
    for stage in STAGES:
        backlog.add("none", f"{stage} cpu ms", 1.0)
        backlog.add("clamd", f"{stage} cpu ms", 1.5)
        scaling.add("workers 16", f"{stage} cpu ms", 3.0)
    for engine in ("none", "clamd"):
        backlog.add(engine, "engine cpu ms", 2.0 if engine == "clamd" else 0.0)
    for column, value in (
        ("first after s", 0.4),
        ("redis commands", 20),
        ("redis kB in", 11),
        ("redis kB out", 15),
    ):
        backlog.add("none", column, value)
    latency.add("no engine", "median ms", 50.0)
    return {"backlog": backlog, "scaling": scaling, "latency": latency}


@given(st.floats(0.1, 5), st.floats(0, 20), st.floats(2, 30))
def test_what_a_message_and_a_task_cost_is_told_apart(message, task, batch):
    found = split(message + task / batch, message + task, batch)
    assert found.message == pytest.approx(message, abs=1e-6)
    assert found.task == pytest.approx(task, abs=1e-6)


def test_the_batches_of_a_long_backlog_are_nearly_full_and_those_of_a_short_one_are_not():
    assert batches(100_000) > 29
    assert batches(10) < 2


def test_costs_come_from_the_tables():
    before = load()
    found = fit(measured(), before)
    assert found.scan.seconds(1) == pytest.approx(0.003)
    assert found.queue_manager.start == pytest.approx(400)
    assert found.engines["clamd"].processor == 2.0
    assert found.engines["clamd"].scan == pytest.approx(0.5)
    assert found.redis_received == pytest.approx(11_000)
    assert found.milter == before.milter
    assert "earlier" in found.source


def test_those_of_an_edge_come_from_its_table():
    edge = Table("edge", "Edge")
    edge.add("unix 10", "postfix cpu ms", 1.1)
    edge.add("unix 10", "milter cpu ms", 0.6)
    found = fit({**measured(), "edge": edge}, load())
    assert (found.postfix.message, found.milter.message) == (1.1, 0.6)


@pytest.mark.parametrize("median", [12.0, 60.0])
def test_an_idle_cluster_takes_as_long_as_was_measured(median):
    costs = idle(fit(measured(), load()), median)
    assert traffic(costs, Shape(), 2, counted=50).latency(50) == pytest.approx(median, rel=0.05)


def test_the_row_of_one_edge_tells_how_long_outcomes_take():
    costs = fit(measured(), load())
    table = Table("scaling", "Scaling")
    table.add(ENDING_ROW, "msg/s", 4.0)
    assert with_ending(costs, table, 2).ending > 100
    assert with_ending(costs, Table("scaling", "Scaling"), 2) == costs


def test_a_table_or_a_figure_that_was_not_measured_is_named():
    with pytest.raises(MissingError, match="backlog"):
        fit({}, load())
    some = measured()
    del some["backlog"].rows["none"]["redis commands"]
    with pytest.raises(MissingError, match="redis commands"):
        fit(some, load())


def test_the_number_of_messages_stands_in_the_title():
    assert count(measured()["backlog"]) == 2000
    with pytest.raises(MissingError, match="title"):
        count(Table("backlog", "Backlog"))


def test_costs_and_tables_are_kept_in_files(tmp_path):
    save(load(), tmp_path / "costs")
    assert load(tmp_path / "costs") == load()
    for table in measured().values():
        table.save(tmp_path)
    assert tables(tmp_path).keys() == {"backlog", "scaling", "latency"}
