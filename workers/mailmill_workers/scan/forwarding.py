"""The action forward: who else gets a message, and what Mailmill remembers that by."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from mailmill.delivery import forward_mark
from mailmill.envelope import Envelope, Recipient
from mailmill_workers.scan.judgement import Judgement

Judged = tuple[Judgement, tuple[int, ...]]


def forwards(
    envelope: Envelope, judged: Iterable[Judged], done: Collection[str]
) -> Iterator[tuple[Judgement, tuple[int, ...], str, Recipient]]:
    """Yield each judgement that forwards a message, for whom (by index), with the mark and the new recipient.

    Nobody gets a message twice: not when several recipients' copies are forwarded to one address, nor when
    that is a recipient who gets it anyway.

    Args:
        envelope: of the message.
        judged: judgements, and the recipients (by index) of each.
        done: marks that are confirmed.
    """
    groups = list(judged)
    reached = {
        recipient.address.lower()
        for index, recipient in enumerate(envelope.recipients)
        if str(index) in done or any(judgement.deliver and index in indexes for judgement, indexes in groups)
    }
    for judgement, indexes in groups:
        for address in judgement.forward:
            if address.lower() not in reached:
                reached.add(address.lower())
                if forward_mark(address) not in done:
                    yield judgement, indexes, forward_mark(address), Recipient(address)


def forwarded_args(sender_args: tuple[str, ...], recipient: Recipient) -> tuple[str, ...]:
    """Return the arguments of MAIL FROM for a copy that is forwarded, without those about reports."""
    kept = tuple(arg for arg in sender_args if arg.partition("=")[0].upper() not in {"RET", "ENVID"})
    if not recipient.address.isascii() and "SMTPUTF8" not in {arg.upper() for arg in kept}:
        kept += ("SMTPUTF8",)
    return kept
