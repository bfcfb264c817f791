import os

import pytest
from msgspec.structs import replace

from mailmill.delivery import Delivery
from mailmill.outcomes import (
    ContentsMissing,
    Delivered,
    DeliveryDeferred,
    DeliveryHeld,
    DeliveryRefused,
    ScanDeferred,
    Scanned,
)
from mailmill.records import decode
from mailmill.spool import State
from mailmill.spoolfile import unpack
from mailmill_milter.queue_manager.item import Name, Queue


def test_one_message_on_an_idle_edge_goes_at_once_and_alone(bench):
    mail_id = bench.accept()
    bench.turn()
    assert bench.tasks.sent == [("scan", "edge1", (mail_id,))]
    assert unpack(bench.contents.items[mail_id]).header.id == mail_id


def test_batches_grow_with_what_is_in_flight_up_to_the_limit(make_bench):
    bench = make_bench(max_messages=1000, batch=10)
    for _ in range(200):
        bench.accept()
    bench.turn()
    sizes = [len(task[2]) for task in bench.tasks.sent]
    assert sizes[0] == 1
    assert max(sizes) == 10
    assert sizes[:-1] == sorted(sizes[:-1])
    assert sum(sizes) == 200


def test_a_batch_holds_no_more_bytes_than_the_limit(make_bench):
    bench = make_bench(batch=30, batch_bytes=3000)
    for _ in range(60):
        bench.accept(content=b"x" * 1000 + b"\n")
    bench.turn()
    assert {len(task[2]) for task in bench.tasks.sent} <= {1, 2}
    assert sum(len(task[2]) for task in bench.tasks.sent) == 60


def test_the_window_bounds_what_is_in_flight_and_the_rest_waits(make_bench):
    bench = make_bench(max_messages=5)
    ids = [bench.accept() for _ in range(8)]
    bench.turn()
    assert bench.manager.in_flight == 5
    assert bench.waiting.ready == 3
    first = ids[0]
    bench.manager.outcomes([Scanned(first, ())])
    bench.turn()
    assert bench.manager.in_flight == 5
    assert bench.waiting.ready == 2


def test_a_message_larger_than_the_window_goes_alone(make_bench):
    bench = make_bench(max_bytes=1000)
    large = bench.accept(content=b"x" * 5000 + b"\n")
    small = bench.accept()
    bench.turn()
    assert [task[2] for task in bench.tasks.sent] == [(large,)]
    bench.manager.outcomes([Scanned(large, ())])
    bench.turn()
    assert bench.tasks.sent[-1][2] == (small,)


def test_a_message_is_removed_when_every_delivery_has_ended(bench):
    mail_id = bench.accept()
    bench.turn()
    one, two = bench.delivery(mail_id, ("0",)), bench.delivery(mail_id, ("1",))
    bench.manager.outcomes([Scanned(mail_id, (one.id, two.id)), Delivered(mail_id, one.id, "ok")])
    assert bench.states(bench.incoming) == {"active": {mail_id}}
    bench.manager.outcomes([Delivered(mail_id, two.id, "ok")])
    bench.turn()
    assert bench.states(bench.incoming) == {}
    assert [item.name.text for item in bench.forgotten] == [mail_id]
    assert bench.manager.in_flight == 0


def test_a_delivery_that_ends_before_the_scan_is_heard_of_counts(bench):
    mail_id = bench.accept()
    bench.turn()
    delivery = bench.delivery(mail_id)
    bench.manager.outcomes([Delivered(mail_id, delivery.id, "ok"), Scanned(mail_id, (delivery.id,))])
    assert bench.states(bench.incoming) == {}


def test_outcomes_that_come_twice_or_for_strangers_change_nothing(bench):
    mail_id = bench.accept()
    bench.turn()
    delivery = bench.delivery(mail_id)
    bench.manager.outcomes([Scanned(mail_id, (delivery.id,)), Delivered(mail_id, delivery.id, "ok")] * 2)
    bench.manager.outcomes([DeliveryDeferred(mail_id, delivery, "late"), ContentsMissing("nobody")])
    bench.turn()
    assert bench.states(bench.incoming) == {}
    assert bench.states(bench.outgoing) == {}


def test_a_scan_that_cannot_be_done_now_is_deferred_and_tried_again(bench):
    mail_id = bench.accept()
    bench.turn()
    bench.manager.outcomes([ScanDeferred(mail_id, "clamd: down")])
    assert bench.states(bench.incoming) == {"deferred": {mail_id}}
    assert bench.turn() <= 5
    bench.clock.now += 6
    bench.turn()
    assert bench.states(bench.incoming) == {"active": {mail_id}}
    assert [task[0] for task in bench.tasks.sent] == ["scan", "scan"]


def test_a_delivery_the_relay_does_not_take_waits_in_its_final_form(bench):
    mail_id = bench.accept()
    bench.turn()
    head = b"X-Checked: yes\nSubject: {Spam?} "
    delivery = replace(bench.delivery(mail_id), head=head, skip=len(b"Subject: "), tail=b"The end.\n")
    bench.manager.outcomes([Scanned(mail_id, (delivery.id,)), DeliveryDeferred(mail_id, delivery, "Z busy")])
    bench.turn()
    assert bench.states(bench.incoming) == {}
    assert bench.states(bench.outgoing) == {"deferred": {delivery.id}}
    file = bench.outgoing.read(delivery.id, State.DEFERRED)
    assert file.content == b"X-Checked: yes\nSubject: {Spam?} hello\n\nA body.\nThe end.\n"
    bench.clock.now += 6
    bench.turn()
    assert bench.tasks.sent[-1] == ("deliver", "edge1", (delivery.id,))
    again: Delivery = decode(bench.contents.items[delivery.id], Delivery)
    assert (again.head, again.skip, again.tail) == (b"", 0, b"")
    assert unpack(bench.contents.items[again.content]).content == file.content
    bench.manager.outcomes([Delivered(mail_id, delivery.id, "ok")])
    assert bench.states(bench.outgoing) == {}


def test_a_retry_waits_as_long_as_the_message_is_old_within_the_limits(bench):
    mail_id = bench.accept()
    bench.turn()
    delivery = bench.delivery(mail_id)
    bench.manager.outcomes([Scanned(mail_id, (delivery.id,)), DeliveryDeferred(mail_id, delivery, "Z")])
    waits = []
    for _ in range(9):
        due = bench.outgoing.due(delivery.id)
        waits.append(round(due - bench.clock.now))
        bench.clock.now = due
        bench.turn()
        bench.manager.outcomes([DeliveryDeferred(mail_id, delivery, "Z")])
    assert waits == [5, 5, 10, 20, 40, 80, 160, 300, 300]


def test_a_message_that_was_tried_for_long_enough_is_returned(bench):
    mail_id = bench.accept()
    bench.turn()
    delivery = bench.delivery(mail_id)
    bench.manager.outcomes([Scanned(mail_id, (delivery.id,)), DeliveryDeferred(mail_id, delivery, "Z busy")])
    bench.clock.now += 5 * 86_400 + 1
    bench.turn()
    bench.manager.outcomes([DeliveryDeferred(mail_id, delivery, "Z busy")])
    kind, edge, ids, reason = bench.tasks.sent[-1]
    assert (kind, edge, ids) == ("bounce", "edge1", (delivery.id,))
    assert "Z busy" in reason
    bench.manager.outcomes([DeliveryRefused(mail_id, delivery.id, reason, (f"{mail_id}.bounce",))])
    assert bench.states(bench.outgoing) == {"active": {delivery.id}}
    bench.manager.outcomes([Delivered(mail_id, f"{mail_id}.bounce", "ok")])
    assert bench.states(bench.outgoing) == {}


def test_a_message_that_could_not_be_scanned_for_long_enough_is_returned(bench):
    mail_id = bench.accept()
    bench.turn()
    bench.clock.now += 5 * 86_400 + 1
    bench.manager.outcomes([ScanDeferred(mail_id, "clamd: down")])
    assert bench.tasks.sent[-1][0] == "bounce"
    (returned,) = bench.tasks.sent[-1][2]
    record: Delivery = decode(bench.contents.items[returned], Delivery)
    assert record.content == mail_id
    assert len(record.recipients) == 2


# MailScanner's B7 (black hole) and B8 (endless loop): a permanent refusal is answered once, and it is over.
def test_a_refused_delivery_ends_when_what_answers_for_it_has_ended(bench):
    mail_id = bench.accept()
    bench.turn()
    delivery = bench.delivery(mail_id)
    bounce = bench.delivery(mail_id, ("bounce:1",), head=b"Subject: returned\n\n", content="")
    bench.manager.outcomes(
        [
            Scanned(mail_id, (delivery.id,)),
            DeliveryRefused(mail_id, delivery.id, "no such user", (bounce.id,)),
        ]
    )
    assert bench.states(bench.incoming) == {"active": {mail_id}}
    bench.manager.outcomes([DeliveryDeferred(mail_id, bounce, "Z")])
    bench.turn()
    assert bench.states(bench.incoming) == {}
    assert bench.states(bench.outgoing) == {"deferred": {bounce.id}}
    assert bench.outgoing.read(bounce.id, State.DEFERRED).content == b"Subject: returned\n\n"


def test_a_message_without_an_outcome_is_sent_again_when_its_lease_ends(bench):
    mail_id = bench.accept()
    bench.turn()
    bench.clock.now += 901
    bench.turn()
    assert bench.tasks.sent == [("scan", "edge1", (mail_id,))] * 2
    assert bench.manager.in_flight == 1


def test_contents_that_are_gone_are_sent_again(bench):
    mail_id = bench.accept()
    bench.turn()
    bench.contents.items.clear()
    bench.manager.outcomes([ContentsMissing(mail_id)])
    bench.turn()
    assert mail_id in bench.contents.items
    assert len(bench.tasks.sent) == 2


def test_all_in_flight_is_sent_again_after_redis_lost_its_data(bench):
    ids = [bench.accept() for _ in range(5)]
    bench.turn()
    bench.tasks.sent.clear()
    bench.manager.hold()
    late = bench.accept()
    bench.turn()
    assert bench.tasks.sent == []
    bench.manager.outcomes([Scanned(ids[0], ())])
    bench.manager.resume(lost=True)
    bench.turn()
    ids = [*ids[1:], late]
    assert {mail_id for task in bench.tasks.sent for mail_id in task[2]} == set(ids)


@pytest.mark.parametrize("part", ["contents", "tasks"])
def test_mail_waits_on_the_disk_while_redis_is_down_and_goes_in_order_afterwards(bench, part):
    getattr(bench, part).down = True
    ids = [bench.accept() for _ in range(3)]
    bench.turn()
    bench.turn()
    assert bench.tasks.sent == []
    assert bench.manager.in_flight == 0
    getattr(bench, part).down = False
    bench.clock.now += 2
    bench.turn()
    assert [mail_id for task in bench.tasks.sent for mail_id in task[2]] == ids


def test_a_restart_takes_up_everything_on_the_disk(bench, tmp_path, make_bench):
    waiting = bench.accept()
    bench.turn()
    deferred = bench.accept()
    bench.turn()
    bench.manager.outcomes([ScanDeferred(deferred, "later")])
    quiet = bench.accept(tell=False)
    again = make_bench()
    again.turn()
    sent = {mail_id for task in again.tasks.sent for mail_id in task[2]}
    assert sent == {waiting, quiet}
    again.clock.now += 10
    again.turn()
    assert deferred in {mail_id for task in again.tasks.sent for mail_id in task[2]}


def test_a_damaged_file_goes_to_corrupt_and_its_neighbours_go_on(bench):
    damaged, good = bench.accept(), bench.accept()
    path = bench.incoming.path(damaged, State.ACTIVE)
    path.write_bytes(path.read_bytes()[:-5])
    bench.turn()
    assert bench.states(bench.incoming) == {"active": {good}, "corrupt": {damaged}}
    assert [task[2] for task in bench.tasks.sent] == [(good,)]
    assert "corrupt" in {event.step for event in bench.sink.events}


def test_a_full_disk_keeps_the_original_when_the_final_form_cannot_be_written(bench, monkeypatch):
    mail_id = bench.accept()
    bench.turn()
    delivery = bench.delivery(mail_id)
    write = os.write

    def full(fd, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    bench.manager.outcomes([Scanned(mail_id, (delivery.id,)), DeliveryDeferred(mail_id, delivery, "Z")])
    monkeypatch.setattr(os, "write", write)
    assert bench.states(bench.incoming) == {"deferred": {mail_id}}
    assert bench.states(bench.outgoing) == {}


def test_only_old_temporary_files_are_removed(bench):
    old = bench.incoming.root / State.INCOMING / "old"
    new = bench.incoming.root / State.INCOMING / "new"
    for path in (old, new):
        path.write_bytes(b"half a message")
    now = bench.clock.now
    os.utime(old, (now - 37 * 3600, now - 37 * 3600))
    os.utime(new, (now, now))
    bench.turn()
    assert bench.states(bench.incoming) == {"incoming": {"new"}}


def test_every_step_of_a_message_is_told(bench):
    mail_id = bench.accept()
    bench.turn()
    bench.manager.outcomes([Scanned(mail_id, ())])
    bench.turn()
    steps = [str(event.step) for event in bench.sink.events if event.mail_id == mail_id]
    assert steps == ["accepted", "enqueued", "finished"]
    assert bench.sink.events[0].queue_id == "4cXyZ1"


@pytest.mark.parametrize("restarted", [False, True])
def test_a_message_is_only_finished_when_its_kept_delivery_is(bench, make_bench, restarted):
    mail_id = bench.accept()
    bench.turn()
    delivery = bench.delivery(mail_id)
    bench.manager.outcomes([Scanned(mail_id, (delivery.id,)), DeliveryDeferred(mail_id, delivery, "Z")])
    bench.turn()
    assert "finished" not in {event.step for event in bench.sink.events}
    if restarted:
        bench = make_bench()
    bench.clock.now += 6
    bench.turn()
    bench.manager.outcomes([Delivered(mail_id, delivery.id, "ok")])
    bench.turn()
    assert [event.mail_id for event in bench.sink.events if event.step == "finished"] == [mail_id]


def test_a_delivery_that_a_worker_holds_is_asked_for_again_when_the_claim_has_ended(bench):
    mail_id = bench.accept()
    bench.turn()
    delivery = bench.delivery(mail_id)
    bench.manager.outcomes([Scanned(mail_id, (delivery.id,)), DeliveryHeld(mail_id, delivery.id, 30.0)])
    assert bench.turn() <= 31
    assert len(bench.tasks.sent) == 1
    bench.clock.now += 31
    bench.tasks.down = True
    bench.turn()
    bench.tasks.down = False
    bench.clock.now += 2
    bench.turn()
    assert bench.tasks.sent[1:] == [("deliver", "edge1", (delivery.id,))]
    bench.clock.now += 31
    bench.turn()
    assert len(bench.tasks.sent) == 2


def test_a_delivery_that_ended_meanwhile_is_not_asked_for(bench):
    mail_id = bench.accept()
    bench.turn()
    one, two = bench.delivery(mail_id, ("0",)), bench.delivery(mail_id, ("1",))
    bench.manager.outcomes(
        [
            Scanned(mail_id, (one.id, two.id)),
            DeliveryHeld(mail_id, one.id, 1.0),
            DeliveryHeld("01HZZZZZZZABCDEFGH-4XyZ", "01HZZZZZZZABCDEFGH-4XyZ.x", 1.0),
            Delivered(mail_id, one.id, "ok"),
        ]
    )
    bench.clock.now += 2
    bench.turn()
    assert len(bench.tasks.sent) == 1


def test_what_one_of_two_deliveries_confirmed_is_on_the_disk_before_its_outcome_is_removed(bench):
    mail_id = bench.accept()
    bench.turn()
    one, two = bench.delivery(mail_id, ("0",)), bench.delivery(mail_id, ("1",))
    bench.manager.outcomes(
        [Scanned(mail_id, (one.id, two.id)), Delivered(mail_id, one.id, "ok", covers=("0",))]
    )
    bench.make_marks().restore([Name(mail_id, Queue.INCOMING)])
    assert bench.restored == [(mail_id, ("0",))]
    bench.manager.outcomes([Delivered(mail_id, two.id, "ok", covers=("1",))])
    assert list((bench.incoming.root / "confirmed").iterdir()) == []


def test_what_was_confirmed_before_a_message_is_sent_again_is_put_back_first(bench):
    mail_id = bench.accept()
    bench.manager.hold()
    bench.turn()
    bench.manager.outcomes([Delivered(mail_id, bench.delivery(mail_id).id, "ok", covers=("0",))])
    bench.manager.resume(lost=False)
    bench.turn()
    assert bench.restored == [(mail_id, ("0",))]
    assert len(bench.tasks.sent) == 1


def defer_untried(bench, mail_id):
    delivery = bench.delivery(mail_id)
    bench.manager.outcomes(
        [Scanned(mail_id, (delivery.id,)), DeliveryDeferred(mail_id, delivery, "open", tried=False)]
    )
    return delivery


def test_nothing_waiting_is_sent_while_the_relay_is_held_and_new_mail_is_still_scanned(bench):
    mail_id = bench.accept()
    bench.turn()
    bench.manager.relay(held=True)
    defer_untried(bench, mail_id)
    bench.clock.now += 600
    new = bench.accept()
    bench.turn()
    assert bench.tasks.sent[1:] == [("scan", "edge1", (new,))]
    assert bench.turn() > 0.5


def test_mail_that_was_not_tried_goes_oldest_first_and_slowly_when_the_relay_is_back(bench):
    ids = []
    for _ in range(8):
        ids.append(bench.accept())
        bench.clock.now += 1
    bench.turn()
    bench.manager.relay(held=True)
    bench.clock.now += 1000
    kept = [defer_untried(bench, mail_id).id for mail_id in reversed(ids)][::-1]
    bench.clock.now += 5
    bench.turn()
    bench.tasks.sent.clear()
    bench.manager.relay(held=False)
    bench.turn()
    assert [name for task in bench.tasks.sent for name in task[2]] == kept[:2]
    bench.manager.outcomes([Delivered(ids[0], kept[0], "ok")])
    bench.turn()
    assert [name for task in bench.tasks.sent for name in task[2]] == kept[:4]


def test_leases_are_short_after_redis_was_away(bench):
    mail_id = bench.accept()
    bench.turn()
    bench.manager.redis_was_away()
    bench.clock.now += 61
    bench.turn()
    assert bench.tasks.sent == [("scan", "edge1", (mail_id,))] * 2
