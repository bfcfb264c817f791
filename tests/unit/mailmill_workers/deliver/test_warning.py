from __future__ import annotations

import email
import email.policy
from email.utils import parsedate_to_datetime

import pytest

from delivery_fakes import EDGE, MAIL_ID, NOW, Cluster, make_delivery
from mailmill.delaywarning import may_warn, warning_id
from mailmill.delivery import Delivery
from mailmill.envelope import Recipient
from mailmill.outcomes import ContentsMissing, Delivered, DeliveryDeferred, DeliveryHeld, DeliveryRefused
from mailmill_workers.deliver.warning import DelayWarner

TWO = make_delivery("a@example.org", "b@example.org")
UNTIL = NOW + 86_400
LATER = "451 4.3.2 come back\nlater"


def run(cluster: Cluster, delayed: Delivery = TWO) -> None:
    DelayWarner(cluster.services).run(EDGE, delayed.id, LATER, UNTIL)
    assert not cluster.ledger.claims
    assert not cluster.tasks.delivers


def warning_of(cluster: Cluster) -> Delivery:
    first, second = cluster.reporter.outcomes
    assert isinstance(first, DeliveryDeferred)
    assert not first.tried
    assert isinstance(second, DeliveryDeferred)
    return first.delivery


def test_the_sender_gets_a_report_of_the_delay_and_the_edge_both_deliveries():
    cluster = Cluster(TWO)
    run(cluster)
    warning = warning_of(cluster)
    second = cluster.reporter.outcomes[1]
    assert second == DeliveryDeferred(MAIL_ID, TWO, "451 4.3.2 come back later")
    assert (warning.id, warning.mail_id) == (warning_id(TWO.id), MAIL_ID)
    assert (warning.sender, warning.recipients) == ("", (Recipient("s@example.com"),))
    assert not may_warn(warning)
    message = email.message_from_bytes(warning.head, policy=email.policy.default)
    assert not message.defects
    assert message.get_content_type() == "multipart/report"
    assert message["Auto-Submitted"] == "auto-replied"
    text, status, original = message.iter_parts()
    assert "<b@example.org>: 451 4.3.2 come back later" in text.get_content()
    _, first, last = status.iter_parts()
    assert (first["Action"], first["Status"]) == ("delayed", "4.3.2")
    assert last["Final-Recipient"] == "rfc822; b@example.org"
    assert parsedate_to_datetime(first["Will-Retry-Until"]).timestamp() == UNTIL
    assert original.get_content_type() == "text/rfc822-headers"
    assert b"dot" not in warning.head


def test_only_recipients_that_wait_and_of_which_delays_are_to_be_told_are_named():
    arguments = [("NOTIFY=NEVER",), ("notify=failure,delay",), ("NOTIFY=FAILURE",), ()]
    delayed = make_delivery(
        recipients=tuple(Recipient(f"r{index}@example.org", args) for index, args in enumerate(arguments)),
        covers=("0", "1", "2", "3"),
    )
    cluster = Cluster(delayed)
    cluster.ledger.done[MAIL_ID] = {"3"}
    run(cluster, delayed)
    head = warning_of(cluster).head
    assert [f"r{index}@".encode() in head for index in range(4)] == [False, True, False, False]
    assert warning_of(cluster).id == warning_id(delayed.id)


@pytest.mark.parametrize(
    "changes",
    [
        {"sender": ""},
        {"sender": "MAILER-DAEMON@mill.example.net"},
        {"verdict": "infected"},
        {"covers": ("postmaster:x",)},
        {"recipients": (Recipient("a@example.org", ("NOTIFY=SUCCESS,FAILURE",)),)},
    ],
)
def test_nobody_is_told(changes: dict[str, object]):
    delayed = make_delivery("a@example.org", **changes)
    cluster = Cluster(delayed)
    run(cluster, delayed)
    first, second = cluster.reporter.outcomes
    assert isinstance(first, DeliveryRefused)
    assert (first.delivery_id, first.instead) == (warning_id(delayed.id), ())
    assert second == DeliveryDeferred(MAIL_ID, delayed, "451 4.3.2 come back later")


def test_what_was_delivered_after_all_is_not_called_delayed():
    cluster = Cluster(TWO)
    cluster.ledger.done[MAIL_ID] = {"0", "1"}
    run(cluster)
    assert cluster.reporter.outcomes == [Delivered(MAIL_ID, TWO.id, "already confirmed", covers=("0", "1"))]


def test_what_a_worker_is_submitting_is_left_to_it():
    cluster = Cluster(TWO)
    cluster.ledger.claims.add(TWO.id)
    DelayWarner(cluster.services).run(EDGE, TWO.id, LATER, UNTIL)
    assert cluster.reporter.outcomes == [DeliveryHeld(MAIL_ID, TWO.id, 42.0)]
    assert cluster.ledger.claims == {TWO.id}


def test_what_is_not_in_the_store_is_asked_for_again():
    cluster = Cluster()
    run(cluster)
    assert cluster.reporter.outcomes == [ContentsMissing(MAIL_ID)]


def test_the_sender_does_not_hear_that_a_copy_waits_that_was_forwarded():
    assert not may_warn(make_delivery("archive@example.org", covers=("forward:archive@example.org",)))
