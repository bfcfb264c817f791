import pytest
from msgspec.structs import replace

from mailmill.delaywarning import warning_covers, warning_id
from mailmill.delivery import delivery_id
from mailmill.outcomes import Delivered, DeliveryDeferred, DeliveryRefused, Scanned
from mailmill.spool import State
from mailmill_milter.queue_manager.item import Name, Queue

AFTER = 3600.0


@pytest.fixture
def warning_bench(make_bench):
    return make_bench(warn_after=AFTER)


def kept(bench, age=AFTER + 1, **changes):
    """A delivery that is in the outgoing queue, `age` seconds old, and with the workers again."""
    mail_id = bench.accept()
    delivery = replace(bench.delivery(mail_id), **changes)
    bench.turn()
    bench.manager.outcomes([Scanned(mail_id, (delivery.id,)), DeliveryDeferred(mail_id, delivery, "down")])
    bench.clock.now += age
    bench.turn()
    return delivery


def deferred(bench, delivery):
    bench.manager.outcomes([DeliveryDeferred(delivery.mail_id, delivery, "451 later")])


def make_warning(delivery):
    return replace(
        delivery,
        id=warning_id(delivery.id),
        sender="",
        head=b"Subject: delayed\n\n",
        content="",
        covers=warning_covers(delivery.id),
    )


def told(bench, delivery):
    """What the worker reports that made the warning."""
    warning = make_warning(delivery)
    bench.manager.outcomes(
        [
            DeliveryDeferred(delivery.mail_id, warning, "delay warning", tried=False),
            DeliveryDeferred(delivery.mail_id, delivery, "451 later"),
        ]
    )
    return warning


def asked(bench):
    return [task for task in bench.tasks.sent if task[0] == "warn"]


def again(bench, delivery):
    """Let the next try of a delivery come and be deferred."""
    bench.clock.now += 301
    bench.turn()
    deferred(bench, delivery)


def test_a_warning_is_asked_for_when_the_time_is_over_and_says_until_when_it_is_tried(warning_bench):
    bench = warning_bench
    delivery = kept(bench)
    deferred(bench, delivery)
    assert asked(bench) == [
        ("warn", "edge1", delivery.id, "451 later", delivery.arrival + 5 * 86_400),
    ]
    assert delivery.id in bench.contents.items


def test_the_warning_is_kept_as_a_message_of_its_own_and_the_delayed_one_goes_on_waiting(warning_bench):
    bench = warning_bench
    delivery = kept(bench)
    deferred(bench, delivery)
    warning = told(bench, delivery)
    assert bench.states(bench.outgoing) == {"deferred": {delivery.id, warning.id}}
    file = bench.outgoing.read(warning.id, State.DEFERRED)
    assert file.content == b"Subject: delayed\n\n"
    assert file.header.envelope.sender == ""
    bench.clock.now += 301
    bench.turn()
    ends = [Delivered(one.mail_id, one.id, "ok", covers=one.covers) for one in (warning, delivery)]
    bench.manager.outcomes(ends)
    bench.turn()
    assert bench.states(bench.outgoing) == {}
    assert not (bench.outgoing.root / "confirmed" / delivery.id).exists()


def test_nobody_is_warned_twice_not_even_by_a_queue_manager_that_was_started_again(warning_bench, make_bench):
    bench = warning_bench
    delivery = kept(bench)
    deferred(bench, delivery)
    told(bench, delivery)
    again(bench, delivery)
    assert len(asked(bench)) == 1
    restarted = make_bench(warn_after=AFTER)
    restarted.clock.now = bench.clock.now + 301
    restarted.manager.rescan()
    restarted.turn()
    deferred(restarted, delivery)
    assert asked(restarted) == []
    assert delivery.id in set(bench.outgoing.names(State.DEFERRED))


def test_a_warning_of_which_nothing_was_heard_is_asked_for_again_under_the_same_id(warning_bench):
    bench = warning_bench
    delivery = kept(bench)
    deferred(bench, delivery)
    bench.clock.now += 901  # the lease
    bench.turn()
    deferred(bench, delivery)
    assert len(asked(bench)) == 2
    warning = told(bench, delivery)
    assert bench.states(bench.outgoing) == {"deferred": {delivery.id, warning.id}}


def test_when_nobody_wants_to_be_told_it_is_not_asked_again(warning_bench):
    bench = warning_bench
    delivery = kept(bench)
    deferred(bench, delivery)
    nobody = DeliveryRefused(delivery.mail_id, warning_id(delivery.id), "nobody wants to be told", ())
    bench.manager.outcomes([nobody, DeliveryDeferred(delivery.mail_id, delivery, "451 later")])
    again(bench, delivery)
    assert len(asked(bench)) == 1
    assert bench.states(bench.outgoing) == {"deferred": {delivery.id}}


def test_a_delivery_that_ends_while_its_warning_is_made_leaves_no_warning(warning_bench):
    bench = warning_bench
    delivery = kept(bench)
    deferred(bench, delivery)
    bench.manager.outcomes([Delivered(delivery.mail_id, delivery.id, "ok", covers=delivery.covers)])
    told(bench, delivery)
    assert bench.states(bench.outgoing) == {}


def test_recipients_that_go_on_alone_are_not_warned_of_again(warning_bench):
    bench = warning_bench
    delivery = kept(bench)
    deferred(bench, delivery)
    told(bench, delivery)
    bench.clock.now += 301
    bench.turn()
    rest = replace(delivery, id=delivery_id(delivery.mail_id, ("1",)), covers=("1",))
    bench.manager.outcomes(
        [
            Delivered(delivery.mail_id, delivery.id, "ok", (rest.id,), ("0",)),
            DeliveryDeferred(delivery.mail_id, rest, "451 later"),
        ]
    )
    again(bench, rest)
    assert len(asked(bench)) == 1
    assert rest.id in set(bench.outgoing.names(State.DEFERRED))


@pytest.mark.parametrize(
    "changes",
    [{"sender": ""}, {"covers": ("bounce:x",)}, {"covers": ("notice:a@example.com",)}, {"age": AFTER - 10}],
    ids=["no sender", "a bounce", "a notice", "too early"],
)
def test_no_warning_is_asked_for(warning_bench, changes):
    delivery = kept(warning_bench, **changes)
    deferred(warning_bench, delivery)
    assert asked(warning_bench) == []
    assert warning_bench.states(warning_bench.outgoing) == {"deferred": {delivery.id}}


def test_no_warning_is_asked_for_while_the_relay_is_not_tried(warning_bench):
    delivery = kept(warning_bench)
    warning_bench.manager.outcomes([DeliveryDeferred(delivery.mail_id, delivery, "not tried", tried=False)])
    assert asked(warning_bench) == []


def test_without_a_warning_time_nobody_is_warned(bench):
    delivery = kept(bench, age=4 * 86_400)
    deferred(bench, delivery)
    assert asked(bench) == []


def test_a_message_is_deferred_also_when_the_warning_cannot_be_asked_for(warning_bench):
    bench = warning_bench
    delivery = kept(bench)
    bench.tasks.down = True
    deferred(bench, delivery)
    assert bench.states(bench.outgoing) == {"deferred": {delivery.id}}
    assert bench.window.get(Name(delivery.id, Queue.OUTGOING)) is None
    bench.tasks.down = False
    again(bench, delivery)
    assert len(asked(bench)) == 1
