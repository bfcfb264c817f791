import pytest

from mailmill.outcomes import Scanned
from mailmill_milter.queue_manager.item import Item, Name, Queue
from mailmill_milter.queue_manager.stranded import LOOKS, Stranded


def items(names, queue=Queue.INCOMING):
    return [Item(Name(name, queue), 1, 0.0, 0.0) for name in names]


def looks(in_flight, begun=(), *, queue_empty=False, times=LOOKS, stranded=None):
    stranded = stranded or Stranded()
    found = [stranded.look(in_flight, begun, queue_empty=queue_empty) for _ in range(times)]
    return [[item.name.text for item in one] for one in found]


def test_what_was_overtaken_and_is_with_nobody_is_sent_again_after_some_looks():
    assert looks(items("abcd"), "bc") == [[]] * (LOOKS - 1) + [["a"]]


def test_what_waits_behind_what_was_begun_may_still_be_in_the_queue():
    assert looks(items("abcd"), "ab") == [[]] * LOOKS


def test_nothing_waits_in_an_empty_queue():
    assert looks(items("ab"), "a", queue_empty=True)[-1] == ["b"]


def test_a_message_whose_scan_is_done_has_left_the_queue_too():
    in_flight = items("ab")
    in_flight[1].scanned = True
    assert looks(in_flight)[-1] == ["a"]


def test_one_look_at_which_it_is_somewhere_is_enough():
    stranded = Stranded()
    looks(items("ab"), "b", times=LOOKS - 1, stranded=stranded)
    looks(items("ab"), "ab", times=1, stranded=stranded)
    assert looks(items("ab"), "b", times=LOOKS - 1, stranded=stranded) == [[]] * (LOOKS - 1)


@pytest.mark.parametrize("queue_empty", [True, False])
def test_deliveries_are_no_scans(queue_empty):
    assert looks(items("ab", Queue.OUTGOING), "b", queue_empty=queue_empty) == [[]] * LOOKS


def test_the_manager_sends_a_stranded_message_again(bench):
    first, second = bench.accept(), bench.accept()
    bench.turn()
    bench.manager.outcomes([Scanned(second, (bench.delivery(second).id,))])
    bench.tasks.sent.clear()
    for _ in range(LOOKS):
        bench.manager.scanning(set(), queue_empty=False)
        bench.turn()
    assert bench.tasks.sent == [("scan", "edge1", (first,))]
