from benchmarks.driver.schedule import Schedule


def test_without_a_rate_all_are_due_at_once():
    schedule = Schedule(2, 0, 100)
    assert [schedule.take(101), schedule.take(102), schedule.take(103)] == [(0, 101), (1, 102), None]
    assert schedule.over


def test_with_a_rate_each_has_its_turn_and_late_ones_keep_theirs():
    schedule = Schedule(4, 10, 100)
    assert schedule.take(99.9) is None
    assert schedule.take(100) == (0, 100)
    assert schedule.take(100.05) is None
    assert schedule.due(0) == 100.1
    assert schedule.take(105) == (1, 100.1)
    assert schedule.take(105) == (2, 100.2)
