import pytest
from msgspec.structs import replace

from benchmarks.capacity.costs import load
from benchmarks.capacity.shape import Shape
from benchmarks.capacity.simulation import Result
from benchmarks.capacity.sizing import Plan
from benchmarks.capacity.traffic import traffic


def test_bytes_are_counted_for_the_cluster_one_redis_and_one_edge():
    costs = replace(load(), message_bytes=10_000, redis_received=12_500, redis_sent=25_000)
    plan = Plan(1000, 2, Shape(edges=5), Result((), 0, {}, 1), 0, "")
    found = traffic(costs, plan)
    assert found.edges == pytest.approx(80)
    assert (found.redis_in, found.redis_out) == pytest.approx((50, 100))
    assert found.all_redis == pytest.approx(300)
    assert (found.appends, found.disk) == pytest.approx((100, 1))
