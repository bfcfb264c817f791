from __future__ import annotations

from delivery_fakes import EDGE, MAIL_ID, Cluster, make_delivery
from mailmill.delivery import Delivery
from mailmill.messagelog.events import Step
from mailmill.outcomes import ContentsMissing, Delivered, DeliveryDeferred, DeliveryHeld, DeliveryRefused
from mailmill.records import decode
from mailmill_workers.deliver.expiry import BounceBatch

TWO = make_delivery("a@example.org", "b@example.org")


def run(cluster: Cluster, *ids: str) -> None:
    BounceBatch(cluster.services).run(
        EDGE, list(ids) or list(cluster.contents.items), "451 tried for\n5 days"
    )


def test_an_expired_delivery_goes_back_to_its_sender():
    cluster = Cluster(TWO)
    run(cluster)
    (outcome,) = cluster.reporter.outcomes
    assert isinstance(outcome, DeliveryRefused)
    assert cluster.tasks.delivers == list(outcome.instead)
    bounce = decode(cluster.contents.items[outcome.instead[0]], Delivery)
    assert bounce.recipients[0].address == "s@example.com"
    assert b"Diagnostic-Code: smtp; 451 tried for 5 days" in bounce.head
    assert [event.step for event in cluster.reporter.events] == [Step.EXPIRED, Step.BOUNCED]
    assert not cluster.ledger.claims


def test_what_was_delivered_after_all_is_not_bounced():
    cluster = Cluster(TWO)
    cluster.ledger.done[MAIL_ID] = {"0", "1"}
    run(cluster)
    assert cluster.reporter.outcomes == [Delivered(MAIL_ID, TWO.id, "already confirmed", covers=("0", "1"))]
    assert not cluster.tasks.delivers


def test_a_bounce_names_only_recipients_that_were_not_reached():
    cluster = Cluster(TWO)
    cluster.ledger.done[MAIL_ID] = {"0"}
    run(cluster)
    head = decode(cluster.contents.items[cluster.tasks.delivers[0]], Delivery).head
    assert b"b@example.org" in head
    assert b"a@example.org" not in head


def test_what_a_worker_is_submitting_is_left_to_it():
    cluster = Cluster(TWO)
    cluster.ledger.claims.add(TWO.id)
    run(cluster)
    assert cluster.reporter.outcomes == [DeliveryHeld(MAIL_ID, TWO.id, 42.0)]
    assert cluster.ledger.claims == {TWO.id}


def test_what_is_not_in_the_store_is_asked_for_again():
    cluster = Cluster()
    run(cluster, f"{MAIL_ID}.x")
    assert cluster.reporter.outcomes == [ContentsMissing(MAIL_ID)]


def test_a_notice_to_the_postmaster_ends_after_all():
    cluster = Cluster(make_delivery("postmaster@example.net", sender="", covers=("postmaster:x",)))
    run(cluster)
    (outcome,) = cluster.reporter.outcomes
    assert isinstance(outcome, DeliveryRefused)
    assert outcome.instead == ()
    assert [event.step for event in cluster.reporter.events] == [Step.EXPIRED]


def test_one_that_cannot_be_kept_waits_and_its_neighbours_do_not():
    other = make_delivery("c@example.org", sender="", id=f"{MAIL_ID}.other", covers=("9",))
    cluster = Cluster(TWO, other)
    cluster.quarantine.full = True
    run(cluster)
    kinds = {type(outcome): outcome for outcome in cluster.reporter.outcomes}
    assert kinds[DeliveryDeferred] == DeliveryDeferred(MAIL_ID, other, "full")
    assert kinds[DeliveryRefused].delivery_id == TWO.id
    assert not cluster.ledger.claims
