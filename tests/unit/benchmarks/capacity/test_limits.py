from msgspec.structs import replace

from benchmarks.capacity.costs import Cost, load
from benchmarks.capacity.limits import limits

COSTS = replace(load(), durable_files=1e6, durable_appends=1e6)


def named(costs, cores):
    return {each.part: each for each in limits(costs, cores)}


def test_an_edge_with_many_processors_is_limited_by_its_queue_manager():
    costs = replace(COSTS, postfix=Cost(1), milter=Cost(1), queue_manager=Cost(0.5))
    assert named(costs, 2)["edge with 2 cores"].rate == 1000 * 2 / 2.5
    assert named(costs, 16)["edge with 16 cores"].rate == 2000
    assert "queue manager" in named(costs, 16)["edge with 16 cores"].reason


def test_a_slow_disk_limits_edges_and_relays():
    found = named(replace(COSTS, durable_files=10, durable_appends=10), 8)
    assert {found["edge with 8 cores"].rate, found["relay with 8 cores"].rate} == {10}
    assert "disk" in found["relay with 8 cores"].reason


def test_more_processors_do_not_make_redis_faster():
    assert named(COSTS, 2)["Redis"] == named(COSTS, 64)["Redis"]
