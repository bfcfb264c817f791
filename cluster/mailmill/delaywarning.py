"""Delay warnings: what edges and workers agree on about the delivery that warns a sender of a delay."""

from __future__ import annotations

from typing import Final

from mailmill.delivery import Delivery, delivery_id, is_forwarded

#: What a delay warning covers, before the label of the delivery that it warns of.
_DELAY: Final = "delay:"
#: What bounces, notices and delay warnings cover begins with one of these: nobody waits for them.
_REPORTS: Final = ("bounce:", "notice:", "postmaster:", _DELAY)


def warning_covers(delayed: str) -> tuple[str, ...]:
    """Return what the warning of the delay of the delivery with this id covers."""
    return (_DELAY + delayed.rpartition(".")[2],)


def warning_id(delayed: str) -> str:
    """Return the id of the warning of the delay of the delivery with this id: always the same."""
    return delivery_id(delayed.rpartition(".")[0], warning_covers(delayed))


def may_warn(delivery: Delivery) -> bool:
    """Return whether anybody can be told that a delivery is delayed.

    No sender of a report is, nor one whose message was forwarded to somebody else.
    """
    if is_forwarded(delivery):
        return False
    return delivery.sender != "" and not any(mark.startswith(_REPORTS) for mark in delivery.covers)
