"""Splitting a delivery whose recipients did not all end alike: each end becomes a delivery of its own."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import msgspec

from mailmill.delivery import Delivery, delivery_id
from mailmill_workers.deliver.replies import Reply, Result


@dataclass(frozen=True)
class Part:
    """Those recipients of a delivery that ended alike. A part that has all of them is the delivery itself."""

    delivery: Delivery
    #: A reply for each recipient of the part.
    replies: tuple[Reply, ...]


def marks(delivery: Delivery) -> tuple[str, ...]:
    """Return a mark for each recipient: what the delivery covers, or names made from it.

    Only a delivery with as many marks as recipients has one for each; a notice has one mark for all.
    """
    if len(delivery.covers) == len(delivery.recipients):
        return delivery.covers
    return tuple(f"{delivery.covers[0]}/{index}" for index in range(len(delivery.recipients)))


def part_of(delivery: Delivery, indexes: Sequence[int]) -> Delivery:
    """Return the delivery to only these recipients (by index); with all of them it is the same delivery."""
    if len(indexes) == len(delivery.recipients):
        return delivery
    covers = tuple(marks(delivery)[index] for index in indexes)
    return msgspec.structs.replace(
        delivery,
        id=delivery_id(delivery.mail_id, covers),
        recipients=tuple(delivery.recipients[index] for index in indexes),
        covers=covers,
    )


def unconfirmed(delivery: Delivery, confirmed: Collection[str]) -> list[int]:
    """Return the indexes of the recipients whose marks are not among the `confirmed` ones."""
    return [index for index, mark in enumerate(marks(delivery)) if mark not in confirmed]


def parts(delivery: Delivery, replies: Sequence[Reply]) -> dict[Result, Part]:
    """Return the part of each result that occurs in `replies`, which are one for each recipient."""
    found = {}
    for result in Result:
        indexes = [index for index, reply in enumerate(replies) if reply.result is result]
        if indexes:
            found[result] = Part(part_of(delivery, indexes), tuple(replies[index] for index in indexes))
    return found
