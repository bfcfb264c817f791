from mailmill_milter.queue_manager.asks import MARGIN, Asks


def test_each_is_taken_once_when_its_time_has_come():
    asks = Asks()
    asks.add("a", 10.0)
    asks.add("b", 20.0)
    assert asks.next_due() == 10.0 + MARGIN
    assert asks.take(10.0) == []
    assert asks.take(10.0 + MARGIN) == ["a"]
    assert asks.take(30.0) == ["b"]
    assert asks.next_due() is None


def test_of_several_reports_the_earliest_counts():
    asks = Asks()
    asks.add("a", 50.0)
    asks.add("a", 5.0)
    asks.add("a", 30.0)
    assert asks.take(6.0) == ["a"]
    assert asks.take(60.0) == []
