"""From a relay's replies to what is reported: which outcomes the edge hears, which events the log gets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mailmill.delivery import Delivery
from mailmill.messagelog.events import Event, Step
from mailmill.outcomes import Delivered, DeliveryDeferred, DeliveryRefused, Outcome
from mailmill_workers.deliver.parts import Part
from mailmill_workers.deliver.replies import Reply, Result

#: Recipients that one event names; of more it gives the number.
NAMED: Final = 10
#: Different replies that one reason quotes.
QUOTED: Final = 5

_STEPS: Final = {
    Result.CONFIRMED: Step.DELIVERED,
    Result.DEFERRED: Step.DEFERRED,
    Result.REFUSED: Step.REFUSED,
}


def outcomes_of(
    delivery: Delivery, ends: Mapping[Result, Part], answer: Delivery | None
) -> tuple[Outcome, ...]:
    """Return what the edge hears of a delivery whose recipients ended in these ways.

    A delivery that is deferred whole goes on under its own id. Otherwise it ends here, and others go on
    `instead` of it: the recipients that wait for another try, and the `answer` to those that were refused.
    """
    waiting = ends.get(Result.DEFERRED)
    if waiting and waiting.delivery.id == delivery.id:
        tried = any(reply.tried for reply in waiting.replies)
        return (DeliveryDeferred(delivery.mail_id, delivery, reason_of(waiting), tried),)
    instead = tuple(one.id for one in (answer, waiting.delivery if waiting else None) if one)
    outcomes: list[Outcome] = []
    if Result.REFUSED in ends:
        reason = reason_of(ends[Result.REFUSED])
        outcomes.append(DeliveryRefused(delivery.mail_id, delivery.id, reason, instead))
    else:
        taken = ends[Result.CONFIRMED]
        covers = taken.delivery.covers
        outcomes.append(Delivered(delivery.mail_id, delivery.id, reason_of(taken), instead, covers))
    if waiting:
        outcomes.append(DeliveryDeferred(delivery.mail_id, waiting.delivery, reason_of(waiting)))
    return tuple(outcomes)


def events_of(
    ends: Mapping[Result, Part], *, relay: str, reduced: str, node: str, now: float
) -> tuple[Event, ...]:
    """Return an event for each way in which recipients ended."""
    left_out = f", reduced: {reduced}" if reduced else ""
    return tuple(
        Event(
            time=now,
            mail_id=part.delivery.mail_id,
            step=_STEPS[result],
            node=node,
            detail=f"{recipients_of(part.delivery)}, relay={relay}, status={result.value}"
            f" ({reason_of(part)}){left_out}",
        )
        for result, part in ends.items()
    )


def reason_of(part: Part) -> str:
    """Return the different replies of a part as one line."""
    texts = list(dict.fromkeys(_said(reply) for reply in part.replies))
    more = f"; and {len(texts) - QUOTED} other replies" if len(texts) > QUOTED else ""
    return ("; ".join(texts[:QUOTED]) or "no recipients") + more


def recipients_of(delivery: Delivery) -> str:
    """Return the recipients as the log shows them, `to=<a@example.com>, <b@example.com>`."""
    addresses = [recipient.address for recipient in delivery.recipients]
    more = f" and {len(addresses) - NAMED} more" if len(addresses) > NAMED else ""
    return "to=" + ", ".join(f"<{address}>" for address in addresses[:NAMED]) + more


def _said(reply: Reply) -> str:
    return reply.text or "no text"
