import random
import statistics

import pytest
from msgspec.structs import replace
from simpy import Environment

from benchmarks.capacity.costs import Cost, Costs, Engine
from benchmarks.capacity.shape import Shape
from benchmarks.capacity.simulation import Group, backlog, traffic

NOTHING = Cost(0)
FREE = Costs(
    source="none",
    postfix=NOTHING,
    milter=NOTHING,
    queue_manager=NOTHING,
    scan=NOTHING,
    deliver=NOTHING,
    relay=NOTHING,
    redis=NOTHING,
    recorder=NOTHING,
    engines={"none": Engine(), "slow": Engine(wait=200)},
    redis_commands=0,
    redis_received=0,
    redis_sent=0,
    message_bytes=1000,
    hand_over=0,
    afterwards=0,
    ending=0,
    durable_files=1e9,
    durable_appends=1e9,
)
COSTLY = replace(
    FREE,
    postfix=Cost(1),
    milter=Cost(1),
    queue_manager=Cost(0.5, 1),
    scan=Cost(2, 3),
    deliver=Cost(1, 2),
    relay=Cost(1),
    redis=Cost(0.2, 0.3),
    recorder=Cost(0.2),
)


def test_one_machine_delivers_a_backlog_as_fast_as_its_processors_allow():
    costs = replace(FREE, scan=Cost(4), relay=Cost(2))
    result = backlog(costs, Shape(cores=2, one_machine=True, deliver=2), 3000)
    assert result.rate == pytest.approx(1000 * 2 / 6, rel=0.03)


def test_an_engine_that_waits_is_used_by_every_pool_process():
    shape = Shape(engine="slow", scan_processes=8, batch=1)
    assert backlog(FREE, shape, 400).rate == pytest.approx(8 / 0.2, rel=0.01)


def test_the_window_bounds_what_is_in_flight():
    shape = Shape(engine="slow", scan_processes=8, batch=1, window=4)
    assert backlog(FREE, shape, 200).rate == pytest.approx(4 / 0.2, rel=0.01)


def test_the_wait_for_the_outcome_counts_against_the_window():
    shape = Shape(engine="slow", scan_processes=8, batch=1, window=4)
    rate = backlog(replace(FREE, ending=50), shape, 400).rate
    assert rate == pytest.approx(4 / 0.25, rel=0.02)


def test_the_start_of_the_queue_manager_delays_a_backlog():
    with_start = replace(FREE, queue_manager=Cost(0, 0, 500), scan=Cost(1))
    assert backlog(with_start, Shape(), 100).times[0][1] >= 0.5


def test_an_idle_cluster_takes_what_each_part_takes_and_no_batch_is_made():
    result = traffic(replace(COSTLY, hand_over=5), Shape(), 3, counted=60)
    on_the_way = (0.5 + 1) * 0.6 + (2 + 3) + (1 + 2) + 1 + 0.75 * 0.5 + 2 * 5
    assert result.latency(50) == pytest.approx(on_the_way, rel=0.02)
    assert result.batch == pytest.approx(1, abs=0.05)
    assert result.left == 0


def test_what_is_done_after_handing_on_makes_no_message_wait():
    before, after = (
        traffic(replace(COSTLY, afterwards=share), Shape(), 3, counted=60).latency(50) for share in (0, 0.5)
    )
    assert before - after == pytest.approx(0.5 * (3 + 2), rel=0.05)


def test_batches_grow_with_the_load():
    batches = [traffic(COSTLY, Shape(deliver=4), rate).batch for rate in (20, 400, 1100)]
    assert batches == sorted(batches)
    assert batches[-1] > 1.5 * batches[0]


def test_what_comes_is_delivered_as_long_as_nothing_is_full():
    result = traffic(COSTLY, Shape(deliver=4), 400)
    assert result.rate == pytest.approx(400, rel=0.1)
    assert result.left == 0
    assert max(result.used.values()) < 0.9


def test_one_deliver_process_is_what_saturates_when_all_else_has_room():
    result = traffic(replace(FREE, deliver=Cost(2)), Shape(), 1000, drain=0)
    assert result.fullest == "deliver processes"
    assert result.rate == pytest.approx(500, rel=0.05)
    assert result.left > 0


def test_redis_is_one_server_however_many_edges_and_workers_there_are():
    shape = Shape(edges=4, scanners=4, deliver=8, relays=4)
    result = traffic(replace(FREE, redis=Cost(2)), shape, 1000, drain=0)
    assert result.rate < 1.05 * 500
    assert result.used["Redis"] > 0.95


def test_two_groups_that_share_a_stream_deliver_what_one_with_half_of_it_does_twice():
    # The argument by which larger rates are computed.
    shape, rate, seconds = Shape(deliver=2), 600, 10
    env, chance = Environment(), random.Random(1)  # noqa: S311 - repeatable, not secret
    groups = [Group(COSTLY, shape, env) for _ in range(2)]

    def arrive():
        while True:
            yield env.timeout(chance.expovariate(rate))
            env.process(chance.choice(groups).edges[0].session())

    env.process(arrive())
    env.run(seconds)
    both = [each for group in groups for each in group.parts.delivered]
    one = traffic(COSTLY, shape, rate / 2, counted=seconds)
    assert len(both) / seconds == pytest.approx(2 * one.rate, rel=0.05)
    middle = statistics.median(delivered - accepted for accepted, delivered in both)
    assert 1000 * middle == pytest.approx(one.latency(50), rel=0.05)
    for group in groups:
        assert group.busy()["Redis"] / seconds == pytest.approx(one.used["Redis"], rel=0.1)
