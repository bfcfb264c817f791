from hypothesis import given
from hypothesis import strategies as st

from mailmill_milter.queue_manager.item import Name, Queue
from mailmill_milter.queue_manager.waiting import Waiting


def incoming(*numbers):
    return [Name(f"{number:03}", Queue.INCOMING) for number in numbers]


def outgoing(*numbers):
    return [Name(f"{number:03}.label", Queue.OUTGOING) for number in numbers]


def test_the_older_of_both_queues_goes_first():
    waiting = Waiting()
    waiting.add([*incoming(2, 4), *outgoing(3, 1)])
    assert waiting.take(3, 9, 9) == [*outgoing(1), *incoming(2), *outgoing(3)]
    assert waiting.ready == 1


def test_each_queue_has_its_limit():
    waiting = Waiting()
    waiting.add([*incoming(1, 2, 3), *outgoing(4, 5, 6)])
    assert waiting.take(9, 1, 2) == [*incoming(1), *outgoing(4, 5)]
    assert waiting.take(9, 0, 0) == []
    assert not waiting.can_go(0, 0)
    assert waiting.can_go(1, 0)
    assert waiting.can_go(0, 1)


def test_what_waits_for_the_relay_goes_oldest_first_however_it_came():
    waiting = Waiting()
    waiting.add(outgoing(5, 3))
    waiting.put_back(outgoing(4, 1))
    assert waiting.take(9, 0, 9) == outgoing(1, 3, 4, 5)


@given(
    st.lists(st.integers(0, 99), unique=True),
    st.lists(st.integers(100, 199), unique=True),
    st.integers(0, 20),
    st.integers(0, 20),
    st.integers(1, 30),
)
def test_what_is_not_taken_stays(new, old, most_new, most_old, most):
    waiting = Waiting()
    waiting.add([*incoming(*new), *outgoing(*old)])
    taken = waiting.take(most, most_new, most_old)
    assert len(taken) == min(most, min(len(new), most_new) + min(len(old), most_old))
    assert all(name not in waiting for name in taken)
    rest = waiting.take(200, 100, 100)
    assert sorted([*taken, *rest]) == sorted([*incoming(*new), *outgoing(*old)])
