import pytest
from msgspec.structs import replace

from benchmarks.capacity.costs import Cost, Engine, load
from benchmarks.capacity.sizing import LOAD, plan

COSTS = replace(load(), redis=Cost(1), recorder=Cost(0.1))


def test_every_part_has_room_and_the_cluster_keeps_up():
    found = plan(COSTS, 300, "none")
    assert max(found.result.used.values()) <= LOAD + 0.05
    assert found.result.left == 0
    assert found.most >= 300
    assert found.groups == 1


def test_redis_is_sharded_into_edge_groups():
    found = plan(COSTS, 3000, "none")
    assert found.groups * LOAD * 1000 >= 3000 * 0.95
    assert found.result.used["Redis"] <= LOAD + 0.05


def test_an_engine_needs_scan_machines_and_a_slow_one_a_larger_window():
    heavy = replace(COSTS, engines={"heavy": Engine(processor=100)})
    shape = plan(heavy, 100, "heavy", cores=4).shape
    assert shape.scanners >= 100 * 0.1 / 4 / LOAD * 0.9
    waits = replace(COSTS, engines={"waits": Engine(wait=4000)})
    assert plan(waits, 400, "waits").shape.window > 1000


def test_what_stops_a_cluster_is_named():
    costly = replace(COSTS, deliver=Cost(20))
    assert plan(costly, 100, "none").bottleneck == "deliver processes"


@pytest.mark.parametrize(("cores", "scanners"), [(2, 3), (8, 1), (16, 1)])
def test_smaller_machines_are_more_machines(cores, scanners):
    costs = replace(COSTS, engines={"heavy": Engine(processor=20)})
    assert plan(costs, 150, "heavy", cores=cores).shape.scanners == pytest.approx(
        scanners, abs=1 if cores == 2 else 0
    )
