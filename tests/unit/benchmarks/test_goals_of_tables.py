import pytest

from benchmarks import backlog, edge, memory, scaling
from benchmarks.table import Table


def verdicts(goals):
    return [goal.reached for goal in goals]


def test_mailscanner_is_carried_over_with_the_speed_of_the_machine():
    table = Table("backlog", "")
    table.add("none", backlog.SPEED, 0.5)
    table.add("none", backlog.RATE, 5 * backlog.MAILSCANNER["none"])
    [goal] = backlog.goals(table)
    assert goal.measured == pytest.approx(10)
    assert goal.reached


def test_an_engine_is_compared_with_itself_fed_directly():
    table = Table("backlog", "")
    table.add("rspamd", backlog.RATE, 80)
    table.add("rspamd" + backlog.DIRECT, backlog.RATE, 100)
    [goal] = backlog.goals(table)
    assert (goal.measured, goal.reached) == (0.8, False)


def test_the_edge_is_compared_run_by_run():
    table = Table("edge", "")
    for plain, unix in ((100, 100), (50, 60), (200, 180)):
        table.add("postfix 1", edge.RATE, plain)
        table.add("unix 1", edge.RATE, unix)
    [goal, *_] = edge.goals(table, ("unix",))
    assert (goal.measured, goal.reached) == (1, True)


def test_each_doubling_is_a_goal():
    table = Table("scaling", "")
    for workers, rate in ((1, 5), (2, 10), (4, 15)):
        table.add(f"workers {workers}", scaling.RATE, rate)
    assert verdicts(scaling.goals(table)) == [True, False]


def test_contents_cross_redis_at_most_twice():
    table = Table("scaling", "")
    table.add(scaling.CONTENTS, scaling.CROSSINGS, 3)
    assert verdicts(scaling.goals(table)) == [False]


def test_a_process_that_grows_and_never_stops_falls_short():
    table = Table("memory", "")
    for size in (30, 40, 40, 41, 55):
        table.add("edge process", memory.RESIDENT, size)
    table.add("edge process", memory.GROWTH, 3)
    small, flat, large = memory.goals(table)
    assert (small.reached, flat.reached, large.reached) == (True, False, True)
