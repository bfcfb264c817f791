"""Comparing what the senders were told with what arrived."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from faults.row import Row
from mailmill_local.load import Answer, Letter


@dataclass
class Found:
    """All that was found, by recipient of the letter that it comes from."""

    #: The bodies of the copies in the inbox.
    inbox: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    #: The bodies in quarantine.
    quarantine: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    #: Why they are in quarantine.
    reasons: dict[str, str] = field(default_factory=dict)
    #: How many bounces its sender got.
    bounces: Counter[str] = field(default_factory=Counter)
    #: Whose copy in the inbox does not say what the spam engine found.
    unscanned: set[str] = field(default_factory=set)
    #: What is still in a spool.
    waiting: set[str] = field(default_factory=set)
    #: How many replies of the relay were cut off after the last byte.
    cuts: Counter[str] = field(default_factory=Counter)


def expected_body(letter: Letter) -> bytes:
    """Return the body as it must arrive.

    Postfix makes a blank of each stray CR before any milter sees it (cleanup_replace_stray_cr_lf).
    """
    return letter.body.replace(b"\r", b" ")


def account(
    fault: str,
    answers: Collection[Answer],
    found: Found,
    *,
    recovery: float,
    hits: int,
    cuts_edge: bool,
    notes: Collection[str] = (),
) -> tuple[Row, Mapping[str, list[str]]]:
    """Return the row, and by what is wrong the recipients concerned."""
    wrong: dict[str, list[str]] = defaultdict(list)
    totals: Counter[str] = Counter()
    for answer in answers:
        (recipient,) = answer.letter.recipients
        copies, kept = found.inbox.get(recipient, []), found.quarantine.get(recipient, [])
        ends = len(copies) + len(kept) + found.bounces[recipient]
        waits = recipient in found.waiting
        told = "accepted" if answer.accepted else "refused" if answer.code else "broken"
        totals[told] += 1
        if answer.accepted:
            totals["inbox"] += bool(copies)
            totals["quarantined"] += bool(kept)
            totals["bounced"] += bool(found.bounces[recipient])
            if not ends and not waits:
                wrong["lost"].append(recipient)
        if waits:
            wrong["stuck"].append(recipient)
        if told == "refused" and (ends or waits):
            wrong["unasked"].append(recipient)
        more = max(0, ends - 1)
        explained = min(more, found.cuts[recipient])
        totals["explained"] += explained
        wrong["duplicated"] += [recipient] * (more - explained)
        if any(body != expected_body(answer.letter) for body in (*copies, *kept)):
            wrong["altered"].append(recipient)
    row = Row(
        fault=fault,
        accepted=totals["accepted"],
        refused=totals["refused"],
        broken=totals["broken"],
        inbox=totals["inbox"],
        quarantined=totals["quarantined"],
        bounced=totals["bounced"],
        lost=len(wrong["lost"]),
        duplicated=len(wrong["duplicated"]),
        explained=totals["explained"],
        altered=len(wrong["altered"]),
        stuck=len(wrong["stuck"]),
        unasked=len(wrong["unasked"]),
        recovery=recovery,
        hits=hits,
        cuts_edge=cuts_edge,
        notes=tuple(notes),
    )
    return row, {what: names for what, names in wrong.items() if names}
