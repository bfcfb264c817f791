import pytest

from benchmarks.arrivals import Arrivals, delivered_to

SENT = (
    "Nov 22 21:00:00 relay/discard[9]: AB12: to=<m000001@example.com>, relay=none, delay=0.1, status=sent (x)"
)


@pytest.mark.parametrize(
    "line", ["", SENT.replace("sent", "deferred"), "Nov 22 relay/qmgr[1]: AB12: removed"]
)
def test_other_lines_are_no_delivery(line):
    assert delivered_to(line) is None


def test_the_first_delivery_to_each_recipient_is_noted():
    arrivals = Arrivals()
    arrivals("relay", SENT)
    first = arrivals.times()
    arrivals("relay", SENT)
    arrivals("edge", SENT.replace("m000001", "m000002"))
    assert list(first) == ["m000001@example.com"]
    assert arrivals.times() == first
