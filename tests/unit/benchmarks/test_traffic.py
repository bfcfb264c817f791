from benchmarks.driver.orders import Outcome, Sent
from benchmarks.traffic import orders, parser, summary


def test_arguments_become_orders():
    asked = orders(parser().parse_args(["25", "--rate=5", "--ramp=2", "--connections=3", "--median=100"]))
    assert (asked.port, asked.rate, asked.ramp, asked.connections, asked.mail.median) == (25, 5, 2, 3, 100)
    assert asked.mail.corpus == ""


def test_the_summary_counts_what_was_accepted():
    sent = [Sent(0, 1.0, 1.5, 250, "ok"), Sent(1, 1.0, 3.0, 450, "later")]
    assert summary(Outcome(sent, 2.0, 0.5, 4_000_000)) == (
        "1 accepted in 2.0 s: 0.5 msg/s, 2.00 MB/s; median 500.0 ms, p99 500.0 ms; driver: 25% of a core"
    )
