import pytest

from delivery_fakes import MAIL_ID, MemoryLedger, make_delivery
from mailmill.ledger import Claim
from mailmill_workers.deliver.settling import PATIENCE, SettledClaims

ONE = make_delivery("a@example.org")


class Bench:
    """Time passes only while it is waited."""

    def __init__(self) -> None:
        self.now = 0.0
        self.ledger = MemoryLedger()
        #: What happens at a time.
        self.events = {}
        self.claims = SettledClaims(self.ledger, self.sleep, lambda: self.now)

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for when in [when for when in self.events if when <= self.now]:
            self.events.pop(when)()


@pytest.fixture
def bench():
    return Bench()


def test_a_redis_that_knows_all_is_not_waited_for(bench):
    assert bench.claims([ONE]) == [Claim.GRANTED]
    assert bench.now == 0


def test_what_is_told_meanwhile_is_not_submitted_again(bench):
    bench.ledger.unsettled = "m.2"

    def told():
        bench.ledger.done[MAIL_ID] = {"0"}
        bench.ledger.unsettled = ""

    bench.events[2.0] = told
    assert bench.claims([ONE]) == [Claim.DONE]
    assert bench.now == pytest.approx(2.0, abs=0.5)


def test_without_an_edge_that_says_so_it_is_waited_for_once(bench):
    bench.ledger.unsettled = "m.2"
    assert bench.claims([ONE]) == [Claim.GRANTED]
    assert bench.now == pytest.approx(PATIENCE, abs=0.5)
    bench.ledger.release(ONE)
    waited = bench.now
    assert bench.claims([ONE]) == [Claim.GRANTED]
    assert bench.now == waited


def test_a_redis_that_forgets_again_is_waited_for_anew(bench):
    bench.ledger.unsettled = "m.2"
    bench.events[PATIENCE - 1] = lambda: setattr(bench.ledger, "unsettled", "m.3")
    bench.claims([ONE])
    assert bench.now == pytest.approx(2 * PATIENCE - 1, abs=1)
