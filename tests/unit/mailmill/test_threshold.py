from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mailmill.threshold import Ceiling, Floor

values = st.lists(st.floats(0, 2000))


@given(values)
def test_a_ceiling_is_reached_at_its_limit_left_below_its_margin_and_unchanged_between(found):
    ceiling, before = Ceiling(1000, 0.1), False
    for value in found:
        after = ceiling.reached(value)
        assert after if value >= 1000 else not after if value < 900 else after is before
        before = after


@given(values)
def test_a_floor_is_reached_below_its_limit_left_at_its_margin_and_unchanged_between(found):
    floor, before = Floor(1000, 0.5), False
    for value in found:
        after = floor.reached(value)
        assert after if value < 1000 else not after if value >= 1500 else after is before
        before = after


def test_the_margin_is_exact_for_whole_numbers():
    floor = Floor(100)
    assert floor.reached(99)
    assert not floor.reached(110)


def test_a_ceiling_of_zero_is_no_limit():
    assert not Ceiling(0).reached(10**12)
