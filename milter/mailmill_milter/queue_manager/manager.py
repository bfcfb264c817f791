"""The queue manager's decisions, all on one thread. The spool is the truth, Redis a hint."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Container, Iterable
from typing import Final

from msgspec.structs import replace

from mailmill.delivery import Delivery
from mailmill.errors import MailmillError, SpoolError
from mailmill.mailids import MAIL_ID
from mailmill.messagelog.events import Step
from mailmill.outcomes import (
    ContentsMissing,
    Delivered,
    DeliveryDeferred,
    DeliveryHeld,
    DeliveryRefused,
    Outcome,
    ScanDeferred,
    ScanFailed,
    Scanned,
)
from mailmill.spool import Spool, State
from mailmill.spoolfile import SpoolHeader
from mailmill_milter.queue_manager.asks import Asks
from mailmill_milter.queue_manager.backoff import Backoff
from mailmill_milter.queue_manager.delaywarning import DelayWarnings
from mailmill_milter.queue_manager.feed import Feeder, final_key
from mailmill_milter.queue_manager.item import Item, Name, Queue
from mailmill_milter.queue_manager.journal import Journal
from mailmill_milter.queue_manager.marks import Marks
from mailmill_milter.queue_manager.relaygate import RelayGate
from mailmill_milter.queue_manager.stranded import Stranded
from mailmill_milter.queue_manager.suspects import Suspects
from mailmill_milter.queue_manager.waiting import Waiting
from mailmill_milter.queue_manager.window import Window

log = logging.getLogger(__name__)

#: Seconds between tries while Redis cannot be used.
REDIS_PAUSE: Final = 1.0
#: Seconds between looks into the directories, for what inotify did not tell.
RESCAN_INTERVAL: Final = 60.0
#: Seconds after which a message is sent again that was in flight while Redis could not be reached: enough for
#: the workers' own patience (`PAUSES` of a deliver task) and for a scan to end.
AWAY_LEASE: Final = 60.0
#: Seconds after which a file that was never committed is removed (qmail-queue: 36 h).
STALE_TEMPORARY: Final = 36 * 3600.0

FinishedCallback = Callable[[list[Item]], None]


class QueueManager:
    """Takes every message of an edge to its end."""

    def __init__(
        self,
        spools: dict[Queue, Spool],
        waiting: Waiting,
        window: Window,
        feeder: Feeder,
        journal: Journal,
        backoff: Backoff,
        suspects: Suspects,
        marks: Marks,
        gate: RelayGate,
        warnings: DelayWarnings,
        forget: FinishedCallback,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Manage the messages in `spools`; `forget` removes what Redis holds of finished ones."""
        self._spools = spools
        self._waiting = waiting
        self._window = window
        self._feeder = feeder
        self._journal = journal
        self.backoff = backoff
        self._suspects = suspects
        self._stranded = Stranded()
        self._marks = marks
        self._gate = gate
        self._warnings = warnings
        self._asks = Asks()
        self._holding = False
        self._forget = forget
        self._clock = clock
        self._monotonic = monotonic
        self._owners: dict[str, Name] = {}
        self._finished: list[Item] = []
        #: How many deliveries of a message are in the outgoing queue; by Mailmill id.
        self._kept: Counter[str] = Counter()
        self._paused_until = 0.0
        self._redis_fails = False
        self._ends_fail = False
        self._rescan_at = 0.0

    def appeared(self, names: Iterable[str]) -> None:
        """New messages were accepted."""
        found = (Name(name, Queue.INCOMING) for name in names if MAIL_ID.match(name))
        self._waiting.add(name for name in found if self._window.get(name) is None)

    def took_in(self, segments: list[str]) -> None:
        """New messages were accepted into segments of the intake."""
        spool = self._spools[Queue.INCOMING]
        begun = not all(map(spool.intake.knows, segments))
        self.appeared(spool.intake.look_at(segments))
        if begun:
            # Those before it may be complete, and finished.
            self.appeared(spool.intake.look())
            self._sweep(spool)

    def rescan(self) -> None:
        """Look into all directories for messages that nobody told of; also the start."""
        self._rescan_at = self._monotonic() + RESCAN_INTERVAL
        # Nothing is deferred for longer: beyond it, the clock was set back meanwhile.
        latest = self._clock() + self.backoff.maximum
        self._waiting.hasten(latest)
        self._marks.look()
        for queue, spool in self._spools.items():
            self._settle(spool)
            names = (Name(text, queue) for text in sorted(spool.names(State.ACTIVE)))
            self._waiting.add(name for name in names if self._window.get(name) is None)
            for text in spool.names(State.DEFERRED):
                name = Name(text, queue)
                if name not in self._waiting:
                    try:
                        self._waiting.defer(name, min(spool.due(text), latest))
                    except SpoolError:
                        continue  # it has just gone
            self._remove_stale(spool)
            self._sweep(spool)
        outgoing = self._spools[Queue.OUTGOING]
        names_kept = (*outgoing.names(State.ACTIVE), *outgoing.names(State.DEFERRED))
        self._kept = Counter(Name(text, Queue.OUTGOING).mail_id for text in names_kept)

    def outcomes(self, outcomes: Iterable[Outcome]) -> None:
        """Act on what the workers report."""
        for outcome in outcomes:
            self._outcome(outcome)
        self._marks.flush()
        self._write_ends()

    def hold(self) -> None:
        """Send nothing: Redis has lost its data, or may have while nobody looked; workers tell it anew."""
        self._holding = True
        self._marks.look()

    def resume(self, *, lost: bool) -> None:
        """The workers have told all they know; if data was `lost`, what is still in flight goes again."""
        self._holding = False
        if lost:
            items = list(self._window)
            log.warning("Redis has lost its data: %d messages in flight are sent again", len(items))
            self._feeder.send_again(items)

    def redis_was_away(self) -> None:
        """Redis could not be reached for a while: tasks may have failed with nobody to tell it to."""
        self._window.shorten(self._monotonic() + AWAY_LEASE)

    def take_back(self, size: int) -> None:
        """Redis stays full: take `size` bytes of mail back from it, so that the rest can be worked on."""
        taken = self._feeder.take_back(size)
        if taken:
            log.warning("Redis is full: %d messages in flight are taken back to the disk", len(taken))

    def relay(self, *, held: bool) -> None:
        """Whether the circuit breakers of all addresses of the relay are open."""
        if held and not self._gate.held:
            log.warning("the relay is not tried for now: its mail waits in the outgoing queue")
            self._gate.hold()
        elif self._gate.held and not held:
            log.warning("the relay is tried again, %d messages wait for it", self._kept.total())
            self._gate.release()

    def scanning(self, begun: Container[str], *, queue_empty: bool) -> None:
        """Hear what workers are scanning; send again what is with nobody."""
        lost = self._stranded.look(self._window, begun, queue_empty=queue_empty)
        for item in lost:
            log.warning("%s: its task is in no queue and with no worker, sent again", item.name.text)
        self._feeder.send_again(lost)

    def turn(self) -> float:
        """Do what is due and return the seconds until the next turn is needed at the latest."""
        if self._monotonic() >= self._rescan_at:
            self.rescan()
        self._promote()
        self._end_leases()
        self._ask()
        self._gate.kept = self._kept.total()
        self._feed()
        finished, self._finished = self._finished, []
        if finished:
            self._suspects.forget(finished)
            self._forget(finished)
        self._journal.flush()
        self._write_ends()
        return self._idle_time()

    @property
    def in_flight(self) -> int:
        """How many messages are in flight."""
        return len(self._window)

    @property
    def sending(self) -> bool:
        """Whether mail can be sent to the workers: Redis answers, and what it may have lost is known."""
        return not (self._holding or self._redis_fails)

    def _feed(self) -> None:
        if self._holding or self._monotonic() < self._paused_until:
            return
        try:
            self._feeder.feed()
        except MailmillError as exc:
            if not self._redis_fails:
                log.warning("mail waits on the disk: %s", exc)
            self._redis_fails = True
            self._paused_until = self._monotonic() + REDIS_PAUSE
            return
        if self._redis_fails:
            log.warning("mail goes to the workers again")
        self._redis_fails = False

    def _promote(self) -> None:
        for name in self._waiting.due(self._clock()):
            try:
                self._spools[name.queue].move(name.text, State.DEFERRED, State.ACTIVE)
            except SpoolError as exc:
                log.warning("%s: %s", name.text, exc)
                continue
            self._waiting.add([name])

    def _end_leases(self) -> None:
        late = self._window.overdue(self._monotonic())
        for item in late:
            log.warning("%s: nothing heard in time, sent to the workers again", item.name.text)
        self._feeder.send_again(late)

    def _ask(self) -> None:
        """Ask again for deliveries whose claims have ended, if nothing was heard of them meanwhile."""
        now = self._monotonic()
        due = self._asks.take(now)
        wanted = [
            delivery
            for delivery in due
            if (item := self._owner(delivery.rpartition(".")[0], delivery)) and delivery not in item.ended
        ]
        try:
            self._feeder.ask(wanted)
        except MailmillError:
            for delivery in wanted:
                self._asks.add(delivery, now + REDIS_PAUSE)

    def _outcome(self, outcome: Outcome) -> None:
        log.debug("%s: %s", outcome.mail_id, type(outcome).__name__)
        match outcome:
            case Scanned() | ScanDeferred() | ScanFailed():
                self._scan_outcome(outcome)
            case ContentsMissing(mail_id):
                self._contents_missing(mail_id)
            case Delivered(mail_id, delivery_id, _, instead, covers):
                self._delivered(mail_id, delivery_id, instead, covers)
            case DeliveryRefused(mail_id, delivery_id, _, instead):
                self._delivery_ended(mail_id, delivery_id, instead)
            case DeliveryDeferred(_, delivery, reason, tried):
                self._delivery_deferred(delivery, reason, tried=tried)
            case DeliveryHeld(mail_id, delivery_id, seconds):
                if self._owner(mail_id, delivery_id) is not None:
                    self._asks.add(delivery_id, self._monotonic() + seconds)

    def _scan_outcome(self, outcome: Scanned | ScanDeferred | ScanFailed) -> None:
        item = self._window.get(Name(outcome.mail_id, Queue.INCOMING))
        if item is None:
            return
        match outcome:
            case Scanned(_, deliveries):
                item.scanned = True
                self._expect(item, deliveries)
            case ScanDeferred(_, reason):
                self._defer(item, reason)
            case ScanFailed():
                self._scan_failed(item, outcome)

    def _scan_failed(self, item: Item, failure: ScanFailed) -> None:
        """Have a suspect scanned alone: at once when it was not alone, else later; or give up on it."""
        self._suspects.add(failure)
        if failure.alone and not self._suspects.hopeless(item.name):
            self._defer(item, self._suspects.told(item.name))
        else:
            self._feeder.send_again([item])

    def _expect(self, item: Item, deliveries: tuple[str, ...]) -> None:
        item.expect(deliveries)
        for delivery in deliveries:
            self._owners[delivery] = item.name
        self._end_if_finished(item)

    def _owner(self, mail_id: str, delivery_id: str) -> Item | None:
        """Return the message in flight that a delivery belongs to; None when it was finished or restarted."""
        outgoing = self._window.get(Name(delivery_id, Queue.OUTGOING))
        if outgoing is not None:
            return outgoing
        name = self._owners.get(delivery_id, Name(mail_id, Queue.INCOMING))
        return self._window.get(name)

    def _contents_missing(self, mail_id: str) -> None:
        lost = [
            item
            for item in self._window
            if item.name.text == mail_id or item.name.text.startswith(f"{mail_id}.")
        ]
        if lost:
            log.warning("%s: not in the contents store any more, sent to the workers again", mail_id)
        self._feeder.send_again(lost)

    def _delivered(
        self, mail_id: str, delivery_id: str, instead: tuple[str, ...], covers: tuple[str, ...]
    ) -> None:
        item = self._owner(mail_id, delivery_id)
        if item is not None and item.name.queue is Queue.OUTGOING:
            self._gate.delivered()
        self._delivery_ended(mail_id, delivery_id, instead)
        names = [item.name] if item else [Name(delivery_id, Queue.OUTGOING), Name(mail_id, Queue.INCOMING)]
        for name in names:
            if name in self._waiting or self._window.get(name) is not None:
                self._marks.heard(name, covers)

    def _delivery_ended(self, mail_id: str, delivery_id: str, instead: tuple[str, ...]) -> None:
        item = self._owner(mail_id, delivery_id)
        if item is not None:
            item.end(delivery_id)
            self._expect(item, instead)

    def _delivery_deferred(self, delivery: Delivery, reason: str, *, tried: bool) -> None:
        item = self._owner(delivery.mail_id, delivery.id)
        if item is None:
            return
        if item.name == Name(delivery.id, Queue.OUTGOING):
            self._defer(item, reason, tried=tried)
            return
        try:
            self._keep_final_form(item, delivery, tried=tried)
        except SpoolError as exc:
            # The message is still whole in its own file: try all of it again later.
            log.error("%s: %s", delivery.id, exc)  # noqa: TRY400 - no trace wanted
            self._defer(item, f"{reason}; {exc}")
            return
        self._warnings.inherit(item, Name(delivery.id, Queue.OUTGOING))
        self._journal.add(delivery.id, Step.DEFERRED, reason)
        self._delivery_ended(delivery.mail_id, delivery.id, ())

    def _keep_final_form(self, item: Item, delivery: Delivery, *, tried: bool) -> None:
        """Write a delivery that the relay did not take into the outgoing queue, in its final form."""
        outgoing = self._spools[Queue.OUTGOING]
        name = Name(delivery.id, Queue.OUTGOING)
        if name not in self._waiting:
            original = self._spools[item.name.queue].read(item.name.text, State.ACTIVE)
            header = SpoolHeader(
                id=delivery.id,
                edge=original.header.edge,
                arrival=delivery.arrival,
                queue_id=original.header.queue_id,
                envelope=replace(
                    original.header.envelope,
                    sender=delivery.sender,
                    sender_args=delivery.sender_args,
                    recipients=delivery.recipients,
                ),
                message_id=original.header.message_id,
                delivery=replace(delivery, head=b"", tail=b"", skip=0, content=final_key(delivery.id)),
            )
            with outgoing.create(header) as writer:
                writer.write(delivery.head)
                if delivery.content:
                    writer.write(original.content[delivery.skip :])
                writer.write(delivery.tail)
                writer.commit()
            until = self._next_attempt(delivery.arrival, tried=tried)
            outgoing.defer(name.text, State.ACTIVE, until)
            self._waiting.defer(name, until)
            self._count_kept(name, 1)

    def _next_attempt(self, arrival: float, *, tried: bool) -> float:
        """Return when to try again; what was not tried at all goes as soon as the relay gate lets it."""
        now = self._clock()
        return self.backoff.next_attempt(arrival if tried else now, now)

    def _defer(self, item: Item, reason: str, *, tried: bool = True) -> None:
        """Let a message in flight wait for its next attempt, or return it when its time is over."""
        now = self._clock()
        if self.backoff.expired(item.arrival, now):
            try:
                self._feeder.bounce(item, f"not delivered in time; last reason: {reason}")
            except MailmillError as exc:
                log.warning("%s: cannot be returned now: %s", item.name.text, exc)
            else:
                for delivery in item.pending:
                    self._owners[delivery] = item.name
                self._journal.add(item.name.text, Step.EXPIRED, reason)
                return
        if tried and self._warnings.begin(item, reason, now):
            self._owners[item.warning] = item.name
            return
        until = self._next_attempt(item.arrival, tried=tried)
        spool = self._spools[item.name.queue]
        self._release(item)
        try:
            spool.defer(item.name.text, State.ACTIVE, until)
        except SpoolError as exc:
            log.warning("%s: %s", item.name.text, exc)
            return
        self._waiting.defer(item.name, until)
        log.info("%s: deferred for %.0f s: %s", item.name.text, until - now, reason)
        self._journal.add(item.name.text, Step.DEFERRED, reason)

    def _end_if_finished(self, item: Item) -> None:
        if not item.finished:
            return
        try:
            self._spools[item.name.queue].remove(item.name.text, State.ACTIVE)
        except SpoolError as exc:
            log.warning("%s", exc)
        self._release(item)
        self._finished.append(item)
        self._marks.forget(item.name)
        if item.name.queue is Queue.OUTGOING:
            self._count_kept(item.name, -1)
        if not self._kept[item.name.mail_id]:
            self._journal.finished(item.name.text, max(0.0, self._clock() - item.arrival))

    def _count_kept(self, name: Name, change: int) -> None:
        mail_id = name.mail_id
        self._kept[mail_id] += change
        if self._kept[mail_id] <= 0:
            del self._kept[mail_id]

    def _release(self, item: Item) -> None:
        self._window.drop(item.name)
        for delivery in item.pending | item.ended | {item.warning}:
            self._owners.pop(delivery, None)

    def _remove_stale(self, spool: Spool) -> None:
        oldest = self._clock() - STALE_TEMPORARY
        for text in spool.names(State.INCOMING):
            path = spool.path(text, State.INCOMING)
            try:
                if path.stat().st_mtime < oldest:
                    path.unlink()
                    log.warning("%s: never completed, removed", path)
            except OSError:
                continue  # it has just been committed

    def _write_ends(self) -> None:
        try:
            self._spools[Queue.INCOMING].flush()
        except SpoolError as exc:
            if not self._ends_fail:
                log.warning("%s", exc)
            self._ends_fail = True
        else:
            self._ends_fail = False

    def _settle(self, spool: Spool) -> None:
        try:
            spool.settle()
        except SpoolError as exc:
            log.warning("%s", exc)

    def _sweep(self, spool: Spool) -> None:
        try:
            spool.sweep()
        except SpoolError as exc:
            log.warning("%s", exc)

    def _idle_time(self) -> float:
        now = self._monotonic()
        times = [self._rescan_at - now]
        due = self._waiting.next_due()
        if due is not None:
            times.append(due - self._clock())
        asked = self._asks.next_due()
        if asked is not None:
            times.append(asked - now)
        if self._waiting.ready and self._paused_until > now:
            times.append(self._paused_until - now)
        first = next(iter(self._window), None)
        if first is not None:
            times.append(first.lease_until - now)
        return max(0.0, min(times))
