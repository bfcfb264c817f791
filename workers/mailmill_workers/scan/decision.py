"""From the report on one message to what is done: deliveries, quarantine, notices, and what is told of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mailmill.delivery import Delivery, delivery_id
from mailmill.envelope import Recipient
from mailmill.messagelog.events import Event, Step
from mailmill.messagelog.measured import EngineAnswer, Measured
from mailmill.outcomes import Outcome, ScanDeferred, Scanned
from mailmill.settings import Settings
from mailmill_workers.mail import Mail
from mailmill_workers.scan.correspondence import Correspondence
from mailmill_workers.scan.forwarding import forwarded_args, forwards
from mailmill_workers.scan.headers import header_block
from mailmill_workers.scan.judgement import Folder, Judgement, NoticeTo
from mailmill_workers.scan.notice import Stopped, postmaster_notice
from mailmill_workers.scan.policy import Deferral, judge, poison
from mailmill_workers.scan.quarantine import Quarantine, QuarantinedEnvelope, QuarantineError
from mailmill_workers.scan.report import Report


@dataclass(frozen=True)
class Decision:
    """What became of one message in the scan."""

    outcome: Outcome
    deliveries: tuple[Delivery, ...]
    events: tuple[Event, ...]

    @property
    def ended(self) -> bool:
        """Whether the scan is done with the message."""
        return isinstance(self.outcome, Scanned)


@dataclass(frozen=True)
class Group:
    """Recipients, by their index in the envelope, with one judgement."""

    judgement: Judgement
    indexes: tuple[int, ...]


class Decider:
    """Applies policy and does what has to be done on this node's disk."""

    def __init__(
        self,
        settings: Settings,
        quarantine: Quarantine,
        node: str,
        clock: Callable[[], float] = time.time,
        *,
        host: str = "",
    ) -> None:
        """Decide by `settings`, store in `quarantine`, speak as `node`, write mail as `host`."""
        self._settings = settings
        self._quarantine = quarantine
        self._node = node
        self._clock = clock
        self._correspondence = Correspondence(settings, host or node.rpartition("@")[2], clock)

    def decide(self, mail: Mail, report: Report, done: frozenset[str], seconds: float) -> Decision:
        """Decide about a message whose marks in `done` are confirmed and whose scan took `seconds`.

        What was stored stays when the message is deferred after all: storing again replaces it.
        """
        events = [self._event(mail, Step.SCANNED, "")]
        try:
            groups = self._groups(mail, report, done)
            how = f"{_answers(report)}; {seconds:.3f} s"
            return self._conclude(mail, groups, done, events, how, seconds, report.measured())
        except (Deferral, QuarantineError) as exc:
            return self._deferred(mail, exc, Measured((), round(seconds, 4), report.measured()))

    def give_up(self, mail: Mail, reason: str, done: frozenset[str]) -> Decision:
        """Quarantine a message that no scan survives, for all recipients whose marks are not in `done`."""
        try:
            groups = _grouped(mail, done, lambda recipient: poison(self._settings, mail, recipient, reason))
            return self._conclude(mail, groups, done, [self._event(mail, Step.SCANNED, "")], "given up on")
        except QuarantineError as exc:
            return self._deferred(mail, exc)

    def _deferred(self, mail: Mail, exc: Exception, measured: Measured | None = None) -> Decision:
        reason = str(exc)
        events = (self._event(mail, Step.DEFERRED, reason, measured),)
        return Decision(ScanDeferred(mail.header.id, reason), (), events)

    def _conclude(
        self,
        mail: Mail,
        groups: list[Group],
        done: frozenset[str],
        events: list[Event],
        how: str,
        seconds: float = 0.0,
        answers: tuple[EngineAnswer, ...] = (),
    ) -> Decision:
        """Store what has to be stored and return all that goes on; `events` begins with the scan's own."""
        stopped = self._store(mail, groups, events)
        judged = [(group.judgement, group.indexes) for group in groups]
        deliveries = [self._delivery(mail, group) for group in groups if group.judgement.deliver]
        forwarded = [self._forward(mail, *forward) for forward in forwards(mail.envelope, judged, done)]
        deliveries += forwarded
        deliveries += self._correspondence.letters(mail, judged, done)
        for number, what in enumerate(stopped):
            notice = postmaster_notice(mail, what, number)
            if not done.issuperset(notice.covers):
                deliveries.append(notice)
        verdicts = tuple(dict.fromkeys(str(group.judgement.verdict) for group in groups))
        told = f"{', '.join(verdicts) or 'delivered before'}; {how}; configuration {self._settings.version}"
        if forwarded:
            told += f"; forwarded to {', '.join(one.recipients[0].address for one in forwarded)}"
        events[0] = self._event(mail, Step.SCANNED, told, Measured(verdicts, round(seconds, 4), answers))
        outcome = Scanned(mail.header.id, tuple(delivery.id for delivery in deliveries))
        return Decision(outcome, tuple(deliveries), tuple(events))

    def _groups(self, mail: Mail, report: Report, done: frozenset[str]) -> list[Group]:
        return _grouped(mail, done, lambda recipient: judge(self._settings, mail, report, recipient))

    def _store(self, mail: Mail, groups: list[Group], events: list[Event]) -> list[Stopped]:
        """Quarantine what has to be, once per folder; return what the postmaster is told of."""
        stopped: list[Stopped] = []
        places: dict[tuple[Folder, str], list[Group]] = {}
        for group in groups:
            if group.judgement.store is not None:
                key = (group.judgement.store, group.judgement.quarantine)
                places.setdefault(key, []).append(group)
        for (folder, quarantine), kept in places.items():
            recipients = tuple(sorted(index for group in kept for index in group.indexes))
            reasons = tuple(dict.fromkeys(reason for group in kept for reason in group.judgement.reasons))
            verdict = kept[0].judgement.verdict
            record = QuarantinedEnvelope(
                id=mail.header.id,
                edge=mail.header.edge,
                arrival=mail.header.arrival,
                queue_id=mail.header.queue_id,
                envelope=mail.header.envelope.only(recipients),
                verdict=str(verdict),
                reasons=reasons,
                configuration=self._settings.version,
            )
            place = self._quarantine.at(Path(quarantine)).store(mail, folder, record)
            events.append(self._event(mail, Step.QUARANTINED, f"{verdict}: {'; '.join(reasons)}; {place}"))
            stopped += _to_tell(mail, kept, str(place))
        for group in groups:
            judgement = group.judgement
            if not judgement.deliver and judgement.store is None and not judgement.forward:
                count = len(group.indexes)
                events.append(
                    self._event(
                        mail, Step.DELETED, f"{group.judgement.verdict}, for {count} recipients, by rule"
                    )
                )
        return stopped

    def _delivery(self, mail: Mail, group: Group) -> Delivery:
        envelope = mail.header.envelope
        covers = tuple(str(index) for index in group.indexes)
        whole = self._whole(mail, group.judgement, group.indexes)
        head, tail, skip = (
            (whole, b"", 0) if whole is not None else self._around(mail, group.judgement, group.indexes)
        )
        return Delivery(
            id=delivery_id(mail.header.id, covers),
            mail_id=mail.header.id,
            edge=mail.header.edge,
            sender=envelope.sender,
            recipients=tuple(envelope.recipients[index] for index in group.indexes),
            sender_args=envelope.sender_args,
            head=head,
            tail=tail,
            skip=skip,
            content=mail.header.id if whole is None else "",
            covers=covers,
            arrival=mail.header.arrival,
            verdict=str(group.judgement.verdict),
        )

    def _whole(self, mail: Mail, judgement: Judgement, indexes: tuple[int, ...]) -> bytes | None:
        """Return all that recipients get, where it is not the message as it came; else None."""
        if judgement.replacement is not None:
            return self._correspondence.replace(mail, judgement.replacement, judgement, indexes)
        signed = self._correspondence.sign(mail, judgement, indexes)
        return None if signed is None else header_block(judgement.headers) + signed

    def _forward(
        self, mail: Mail, judgement: Judgement, indexes: tuple[int, ...], mark: str, recipient: Recipient
    ) -> Delivery:
        """Return the delivery of the copy of recipients to somebody else."""
        head, tail, skip = self._around(mail, judgement, indexes)
        return Delivery(
            id=delivery_id(mail.id, (mark,)),
            mail_id=mail.id,
            edge=mail.header.edge,
            sender=mail.envelope.sender,
            recipients=(recipient,),
            sender_args=forwarded_args(mail.envelope.sender_args, recipient),
            head=head,
            tail=tail,
            skip=skip,
            content=mail.id,
            covers=(mark,),
            arrival=mail.header.arrival,
            verdict=str(judgement.verdict),
        )

    def _around(self, mail: Mail, judgement: Judgement, indexes: tuple[int, ...]) -> tuple[bytes, bytes, int]:
        """Return what stands in front of the message, behind it, and how much of it is left out."""
        headers = header_block(judgement.headers)
        return self._correspondence.wrap(mail, judgement, indexes, headers)

    def _event(self, mail: Mail, step: Step, detail: str, measured: Measured | None = None) -> Event:
        return Event(self._clock(), mail.header.id, step, self._node, detail, measured=measured)


def _grouped(mail: Mail, done: frozenset[str], judge_one: Callable[[Recipient], Judgement]) -> list[Group]:
    """Judge for each recipient whose mark is not in `done`, and put those together who have the same."""
    indexes: dict[Judgement, list[int]] = {}
    for index, recipient in enumerate(mail.header.envelope.recipients):
        if str(index) not in done:
            indexes.setdefault(judge_one(recipient), []).append(index)
    return [Group(judgement, tuple(found)) for judgement, found in indexes.items()]


def _to_tell(mail: Mail, kept: list[Group], place: str) -> Iterator[Stopped]:
    """Yield what is told of groups that are kept in one place: to each who is to hear of it, once."""
    told: dict[NoticeTo, list[Group]] = {}
    for group in kept:
        if group.judgement.notice is not None:
            told.setdefault(group.judgement.notice, []).append(group)
    for notice, groups in told.items():
        indexes = sorted(index for group in groups for index in group.indexes)
        reasons = dict.fromkeys(reason for group in groups for reason in group.judgement.reasons)
        addresses = tuple(mail.header.envelope.recipients[index].address for index in indexes)
        yield Stopped(groups[0].judgement.verdict, tuple(reasons), addresses, place, notice)


def _answers(report: Report) -> str:
    answers = [(name, answer.__class__.__name__.lower()) for name, answer in report.viruses]
    if report.spam_scanner:
        score = getattr(report.spam, "score", None)
        answers.append((report.spam_scanner, "failed" if score is None else f"{score:g}"))
    told = (f"{name} {answer}{' (cached)' if name in report.cached else ''}" for name, answer in answers)
    return ", ".join(told) or "no scanner asked"
