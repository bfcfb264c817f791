import pytest

from benchmarks.goals import Goal


@pytest.mark.parametrize(
    ("measured", "at_most", "reached"),
    [(1.0, False, True), (0.99, False, False), (1.0, True, True), (1.01, True, False)],
)
def test_a_goal_is_reached_at_its_bound(measured, at_most, reached):
    assert Goal(1, "x", measured, 1.0, at_most=at_most).reached is reached


def test_what_was_not_measured_falls_short():
    goal = Goal(3, "median", None, 60, " ms", at_most=True)
    assert not goal.reached
    assert str(goal) == "falls short  goal 3: median: not measured, at most 60 ms"


def test_a_goal_says_what_was_found():
    assert (
        str(Goal(1, "edge", 1.234, 1, " times")) == "pass         goal 1: edge: 1.23 times, at least 1 times"
    )
