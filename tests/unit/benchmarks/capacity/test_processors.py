import pytest
from hypothesis import given
from hypothesis import strategies as st
from simpy import Environment

from benchmarks.capacity.processors import Processors, Serial


def ends(env, events):
    """Return when each of some events happens."""
    found = {}
    for number, event in enumerate(events):
        event.callbacks.append(lambda _, number=number: found.setdefault(number, env.now))
    env.run()
    return [found[number] for number in range(len(events))]


def test_work_alone_takes_its_time_however_many_processors_there_are():
    env = Environment()
    assert ends(env, [Processors(env, 8).work(0.5)]) == [pytest.approx(0.5)]


def test_more_work_than_processors_shares_them_evenly():
    env = Environment()
    processors = Processors(env, 2)
    # three at 2/3 until the first ends at 1.5; two at full speed from then on
    assert ends(env, [processors.work(each) for each in (1, 2, 2)]) == pytest.approx([1.5, 2.5, 2.5])
    assert processors.used == pytest.approx(5)


def test_work_that_comes_later_slows_what_is_there():
    env = Environment()
    processors = Processors(env, 1)
    first = processors.work(1)
    env.run(0.5)
    assert ends(env, [first, processors.work(1)]) == pytest.approx([1.5, 2])


def test_no_work_is_done_at_once():
    env = Environment()
    assert Processors(env, 1).work(0).triggered


def test_part_of_a_processor_is_slower():
    env = Environment()
    assert ends(env, [Processors(env, 0.5).work(1)]) == pytest.approx([2])


@given(st.lists(st.floats(0.001, 10), min_size=1, max_size=20), st.integers(1, 4))
def test_no_work_is_lost_and_the_processors_are_never_idle_while_there_is_enough(pieces, cores):
    env = Environment()
    processors = Processors(env, cores)
    found = ends(env, [processors.work(each) for each in pieces])
    assert processors.used == pytest.approx(sum(pieces), rel=1e-6)
    assert sum(pieces) / cores <= max(found) + 1e-6
    assert all(end >= piece - 1e-6 for end, piece in zip(found, pieces, strict=True))


def test_a_serial_server_does_one_thing_at_a_time():
    env = Environment()
    server = Serial(env, Processors(env, 4))
    for _ in range(3):
        env.process(server.serve(1))
    env.run()
    assert env.now == pytest.approx(3)
    assert server.used == pytest.approx(3)
