from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from delivery_fakes import deferred, make_delivery, refused, sent
from mailmill_workers.deliver.parts import marks, part_of, parts, unconfirmed
from mailmill_workers.deliver.replies import Result


@given(st.lists(st.sampled_from([sent(), deferred(), refused()]), min_size=1, max_size=8))
def test_every_recipient_is_in_the_one_part_of_its_result(replies: list):
    delivery = make_delivery(*(f"r{index}@example.org" for index in range(len(replies))))
    found = parts(delivery, replies)
    together = [
        (recipient, mark, reply)
        for part in found.values()
        for recipient, mark, reply in zip(
            part.delivery.recipients, part.delivery.covers, part.replies, strict=True
        )
    ]
    expected = zip(delivery.recipients, delivery.covers, replies, strict=True)
    assert sorted(together, key=lambda one: one[1]) == list(expected)
    assert all(reply.result is result for result, part in found.items() for reply in part.replies)


def test_a_part_with_all_recipients_is_the_delivery_itself():
    delivery = make_delivery("a@example.org", "b@example.org")
    assert parts(delivery, [deferred(), deferred("other")])[Result.DEFERRED].delivery is delivery


def test_parts_have_ids_of_their_own_that_are_the_same_at_every_try():
    delivery = make_delivery("a@example.org", "b@example.org", "c@example.org")
    ids = {part_of(delivery, indexes).id for indexes in ([0], [1], [0, 1], [0, 1, 2])}
    assert len(ids) == 4
    assert part_of(delivery, [0, 1]) == part_of(delivery, [0, 1])
    assert part_of(part_of(delivery, [0, 1]), [1]) == part_of(delivery, [1])


def test_a_delivery_with_one_mark_for_several_recipients_can_be_split():
    notice = make_delivery("a@example.org", "b@example.org", covers=("postmaster:x",))
    assert len(set(marks(notice))) == 2
    assert part_of(notice, [1]).covers == (marks(notice)[1],)


def test_only_recipients_without_a_mark_are_left():
    delivery = make_delivery("a@example.org", "b@example.org", "c@example.org")
    assert unconfirmed(delivery, {"0", "2", "7"}) == [1]
