"""Sending messages to the workers: file, contents, task, window, in this order."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from msgspec.structs import replace

from mailmill.contents import ContentsStore
from mailmill.delaywarning import may_warn
from mailmill.delivery import Delivery, delivery_id
from mailmill.errors import BrokerError, ContentsError, DamagedSpoolFileError, SpoolError
from mailmill.messagelog.events import Step
from mailmill.records import encode
from mailmill.spool import Spool, State
from mailmill.spoolfile import SpoolHeader, unpack, unpack_named
from mailmill.tasks import Tasks
from mailmill_milter.queue_manager.item import Item, Name, Queue
from mailmill_milter.queue_manager.journal import Journal
from mailmill_milter.queue_manager.marks import Marks
from mailmill_milter.queue_manager.relaygate import RelayGate
from mailmill_milter.queue_manager.suspects import Suspects
from mailmill_milter.queue_manager.waiting import Waiting
from mailmill_milter.queue_manager.window import Window

log = logging.getLogger(__name__)

#: Messages in flight per message of a batch: batches grow with what the workers have in hand, so that an idle
#: cluster gets single messages at once and a busy one gets full batches.
IN_FLIGHT_PER_BATCHED: int = 8


@dataclass(frozen=True)
class Limits:
    """Bounds of one edge."""

    #: `Max Unscanned Messages Per Scan` and `Max Unscanned Bytes Per Scan`.
    batch_messages: int
    batch_bytes: int
    #: `Message Lease`, seconds.
    lease: float


@dataclass(frozen=True)
class Loaded:
    """A message read from the disk, ready to go."""

    name: Name
    header: SpoolHeader
    data: bytes


def final_key(delivery: str) -> str:
    """Return the contents key of the final form of a delivery that waited in the outgoing queue."""
    return f"{delivery}.final"


class Feeder:
    """Sends what waits, as far as the window allows."""

    def __init__(
        self,
        edge: str,
        spools: dict[Queue, Spool],
        contents: ContentsStore,
        tasks: Tasks,
        waiting: Waiting,
        window: Window,
        journal: Journal,
        limits: Limits,
        suspects: Suspects,
        marks: Marks,
        gate: RelayGate,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Feed the messages of `edge` from its two spools."""
        self._edge = edge
        self._spools = spools
        self._contents = contents
        self._tasks = tasks
        self._waiting = waiting
        self._window = window
        self._journal = journal
        self.limits = limits
        self._suspects = suspects
        self._marks = marks
        self._gate = gate
        self._monotonic = monotonic
        #: Messages that went to the workers once more, and those that were taken back, since the start.
        self.sent_again = 0
        self.taken_back = 0

    def feed(self) -> None:
        """Send all that may go now.

        Raises:
            ContentsError, BrokerError: Redis cannot be used; what did not go waits at the front again.
        """
        full = False
        while not full and self._waiting.can_go(self._gate.incoming, self._gate.outgoing):
            grown = 1 + len(self._window) // IN_FLIGHT_PER_BATCHED
            wanted = min(self.limits.batch_messages, grown)
            if self._window.lacks(wanted):
                return  # what is in flight makes room for a whole batch soon
            names = self._waiting.take(wanted, self._gate.incoming, self._gate.outgoing)
            batch, full = self._load(names)
            if not batch:
                continue
            try:
                self._send(batch)
            except (ContentsError, BrokerError) as exc:
                names = [loaded.name for loaded in batch]
                self._waiting.put_back(names)
                if isinstance(exc, ContentsError):
                    self._remove_contents(names)
                raise

    def send_again(self, items: list[Item]) -> None:
        """Let messages in flight go once more, before all others."""
        self.sent_again += len(items)
        for item in items:
            self._window.drop(item.name)
        self._waiting.put_back(item.name for item in items)

    def take_back(self, size: int) -> list[Item]:
        """Take the latest messages in flight back to the disk, `size` bytes of them, and return them.

        Their tasks stay in Redis and find no contents.
        """
        taken: list[Item] = []
        for item in reversed(list(self._window)):
            if size <= 0:
                break
            taken.append(item)
            size -= item.size
        self.taken_back += len(taken)
        self._remove_contents(item.name for item in taken)
        self.send_again(taken[::-1])
        return taken

    def ask(self, deliveries: list[str]) -> None:
        """Ask once more for deliveries that are in the contents store.

        Raises:
            BrokerError: it cannot be done now.
        """
        if deliveries:
            self._tasks.deliver(self._edge, deliveries)

    def bounce(self, item: Item, reason: str) -> None:
        """Ask for the return of a message in flight to its sender.

        Raises:
            ContentsError, BrokerError, SpoolError: it cannot be done now.
        """
        self._tasks.bounce(self._edge, [self._put_again(item)], reason)

    def warn(self, item: Item, reason: str, until: float) -> None:
        """Ask for a warning to the sender of a message in flight, which is tried `until` then.

        Raises:
            ContentsError, BrokerError, SpoolError: it cannot be done now.
        """
        self._tasks.warn(self._edge, self._put_again(item), reason, until)

    def _put_again(self, item: Item) -> str:
        """Put a message in flight into the store as one delivery, lease it anew and return the delivery."""
        data = self._spools[item.name.queue].read_bytes(item.name.text, State.ACTIVE)
        loaded = Loaded(item.name, unpack(data).header, data)
        contents, delivery = self._as_delivery(loaded)
        self._contents.put(contents)
        item.scanned = True
        item.expect((delivery.id,))
        item.lease_until = self._monotonic() + self.limits.lease
        self._window.add(item)  # at the end: its lease is the longest now
        return delivery.id

    def _remove_contents(self, names: Iterable[Name]) -> None:
        """Give a full store back what messages have taken of it: others need room to get rid of theirs."""
        texts = [name.text for name in names]
        with contextlib.suppress(ContentsError):
            self._contents.remove([*texts, *map(final_key, texts)])

    def _load(self, names: list[Name]) -> tuple[list[Loaded], bool]:
        """Read messages until the window or the batch is full, and say whether the window is.

        The others are put back.
        """
        batch: list[Loaded] = []
        size = 0
        for index, name in enumerate(names):
            loaded = self._read(name)
            if loaded is None:
                continue
            fits = self._window.has_room(len(batch) + 1, size + len(loaded.data))
            if not fits or (batch and size + len(loaded.data) > self.limits.batch_bytes):
                self._waiting.put_back(names[index:])
                return batch, not fits
            batch.append(loaded)
            size += len(loaded.data)
        return batch, False

    def _read(self, name: Name) -> Loaded | None:
        spool = self._spools[name.queue]
        try:
            data = spool.read_bytes(name.text, State.ACTIVE)
            return Loaded(name, unpack_named(name.text, data).header, data)
        except DamagedSpoolFileError as exc:
            self._set_aside(name, str(exc))
        except SpoolError as exc:
            # The next look into the directory finds it again: a disk may recover, a person may mend it.
            log.error("%s: skipped: %s", name.text, exc)  # noqa: TRY400 - no trace wanted
        return None

    def _set_aside(self, name: Name, damage: str) -> None:
        try:
            self._spools[name.queue].move(name.text, State.ACTIVE, State.CORRUPT)
        except SpoolError as exc:
            log.error("%s: damaged (%s), and stays where it is: %s", name.text, damage, exc)  # noqa: TRY400 - no trace wanted
            return
        log.error("%s: damaged, kept in %s: %s", name.text, State.CORRUPT, damage)
        self._journal.add(name.text, Step.CORRUPT, damage)

    def _send(self, batch: list[Loaded]) -> None:
        scans: dict[str, bytes] = {}
        deliveries: list[Delivery] = []
        contents: dict[str, bytes] = {}
        for loaded in batch:
            if loaded.name.queue is Queue.INCOMING:
                scans[loaded.name.text] = loaded.data
            else:
                more, delivery = self._as_delivery(loaded)
                contents.update(more)
                deliveries.append(delivery)
        self._contents.put(contents | scans)
        self._marks.restore(loaded.name for loaded in batch)
        lease = self._monotonic() + self.limits.lease
        if scans:
            self._send_scans([loaded.name for loaded in batch if loaded.name.queue is Queue.INCOMING])
            self._note(batch, Queue.INCOMING, lease)
        if deliveries:
            self._tasks.deliver(self._edge, [delivery.id for delivery in deliveries])
            self._note(batch, Queue.OUTGOING, lease)

    def _send_scans(self, names: list[Name]) -> None:
        """Send a scan of messages; suspects each in a task of its own."""
        innocent = [name.text for name in names if name not in self._suspects]
        if innocent:
            self._tasks.scan(self._edge, innocent)
        for name in names:
            if name in self._suspects:
                evidence = self._suspects.hopeless(name)
                if evidence:
                    self._tasks.give_up(self._edge, name.text, evidence)
                else:
                    self._tasks.scan(self._edge, [name.text])

    def _note(self, batch: list[Loaded], queue: Queue, lease: float) -> None:
        gone = [loaded for loaded in batch if loaded.name.queue is queue]
        for loaded in gone:
            item = Item(loaded.name, len(loaded.data), loaded.header.arrival, lease)
            if queue is Queue.OUTGOING:
                item.scanned = True
                item.expect((loaded.name.text,))
                item.warnable = loaded.header.delivery is not None and may_warn(loaded.header.delivery)
            self._window.add(item)
            log.debug(
                "%s: %d bytes sent to %s in a batch of %d", item.name.text, item.size, queue.value, len(gone)
            )
            self._journal.enqueued(loaded.header, len(gone))

    def _as_delivery(self, loaded: Loaded) -> tuple[dict[str, bytes], Delivery]:
        """Return a message as one delivery of what is in its file, and the contents that it needs."""
        header = loaded.header
        if header.delivery is not None:
            # The edge of its own: an adopted message was another's.
            delivery = replace(header.delivery, edge=self._edge, head=b"", content=final_key(header.id))
        else:
            covers = tuple(str(index) for index in range(len(header.envelope.recipients)))
            delivery = Delivery(
                id=delivery_id(header.id, covers),
                mail_id=header.id,
                edge=self._edge,
                sender=header.envelope.sender,
                recipients=header.envelope.recipients,
                sender_args=header.envelope.sender_args,
                head=b"",
                content=header.id,
                covers=covers,
                arrival=header.arrival,
                verdict="not scanned",
            )
        return {delivery.content: loaded.data, delivery.id: encode(delivery)}, delivery
