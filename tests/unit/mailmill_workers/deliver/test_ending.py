from __future__ import annotations

from delivery_fakes import MAIL_ID, NOW, deferred, make_delivery, refused, sent
from mailmill.messagelog.events import Step
from mailmill.outcomes import Delivered, DeliveryDeferred, DeliveryRefused
from mailmill_workers.deliver.ending import NAMED, QUOTED, events_of, outcomes_of, reason_of, recipients_of
from mailmill_workers.deliver.parts import part_of, parts

DELIVERY = make_delivery("a@example.org", "b@example.org", "c@example.org")
ANSWER = make_delivery("s@example.com", covers=("bounce:x",), id=f"{MAIL_ID}.bounce")


def test_a_delivery_that_all_recipients_got_is_delivered():
    ends = parts(DELIVERY, [sent()] * 3)
    assert outcomes_of(DELIVERY, ends, None) == (
        Delivered(MAIL_ID, DELIVERY.id, "250 2.0.0 ok", covers=DELIVERY.covers),
    )


def test_a_delivery_that_nobody_got_waits_under_its_own_id():
    ends = parts(DELIVERY, [deferred()] * 3)
    assert outcomes_of(DELIVERY, ends, None) == (DeliveryDeferred(MAIL_ID, DELIVERY, "451 4.3.0 later"),)


def test_recipients_that_wait_go_on_instead_of_what_was_delivered():
    ends = parts(DELIVERY, [sent(), deferred(), sent()])
    waiting = part_of(DELIVERY, [1])
    assert outcomes_of(DELIVERY, ends, None) == (
        Delivered(MAIL_ID, DELIVERY.id, "250 2.0.0 ok", (waiting.id,), ("0", "2")),
        DeliveryDeferred(MAIL_ID, waiting, "451 4.3.0 later"),
    )


def test_answer_and_waiting_recipients_go_on_instead_of_what_was_refused():
    ends = parts(DELIVERY, [sent(), deferred(), refused()])
    waiting = part_of(DELIVERY, [1])
    assert outcomes_of(DELIVERY, ends, ANSWER) == (
        DeliveryRefused(MAIL_ID, DELIVERY.id, "550 5.1.1 unknown", (ANSWER.id, waiting.id)),
        DeliveryDeferred(MAIL_ID, waiting, "451 4.3.0 later"),
    )


def test_each_way_to_end_is_an_event():
    ends = parts(DELIVERY, [sent(), deferred(), refused()])
    events = events_of(ends, relay="inet:192.0.2.9:25", reduced="DSN", node="deliver@test", now=NOW)
    assert [(event.step, event.detail) for event in events] == [
        (
            Step.DELIVERED,
            "to=<a@example.org>, relay=inet:192.0.2.9:25, status=sent (250 2.0.0 ok), reduced: DSN",
        ),
        (
            Step.DEFERRED,
            "to=<b@example.org>, relay=inet:192.0.2.9:25, status=deferred (451 4.3.0 later), reduced: DSN",
        ),
        (
            Step.REFUSED,
            "to=<c@example.org>, relay=inet:192.0.2.9:25, status=bounced (550 5.1.1 unknown), reduced: DSN",
        ),
    ]
    assert {(event.time, event.node, event.mail_id) for event in events} == {(NOW, "deliver@test", MAIL_ID)}


def test_long_lists_of_recipients_and_reasons_are_cut():
    many = make_delivery(*(f"r{index}@example.org" for index in range(NAMED + 2)))
    assert recipients_of(many).endswith("<r9@example.org> and 2 more")
    (part,) = parts(many, [refused(f"550 {index}") for index in range(NAMED + 2)]).values()
    assert reason_of(part).endswith(f"; and {NAMED + 2 - QUOTED} other replies")
