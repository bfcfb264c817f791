import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.spread import Spread, percentile

values = st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=200)


def test_a_spread_has_a_median_and_its_ends():
    spread = Spread((5, 1, 3))
    assert (spread.median, spread.low, spread.high) == (3, 1, 5)


@given(values, st.floats(0, 100))
def test_a_percentile_is_one_of_the_values_and_enough_are_not_above_it(them, percent):
    found = percentile(them, percent)
    assert found in them
    assert sum(value <= found for value in them) * 100 >= percent * len(them) * (1 - 1e-12)


def test_the_99th_of_a_hundred_leaves_one_out():
    assert percentile(range(100), 99) == 98
    assert percentile(range(100), 50) == 49


def test_nothing_has_no_percentile():
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 50)
