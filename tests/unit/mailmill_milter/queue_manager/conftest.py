from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mailmill.delivery import Delivery, delivery_id
from mailmill.envelope import Client, Envelope, Recipient
from mailmill.errors import BrokerError, ContentsError
from mailmill.mailids import new_mail_id
from mailmill.spool import Spool, State
from mailmill.spoolfile import SpoolHeader
from mailmill_milter.queue_manager.backoff import Backoff
from mailmill_milter.queue_manager.delaywarning import DelayWarnings
from mailmill_milter.queue_manager.feed import Feeder, Limits
from mailmill_milter.queue_manager.item import Queue
from mailmill_milter.queue_manager.journal import Journal
from mailmill_milter.queue_manager.manager import QueueManager
from mailmill_milter.queue_manager.marks import Marks
from mailmill_milter.queue_manager.relaygate import RelayGate
from mailmill_milter.queue_manager.suspects import Suspects
from mailmill_milter.queue_manager.waiting import Waiting
from mailmill_milter.queue_manager.window import Window

CONTENT = b"Subject: hello\n\nA body.\n"


@dataclass
class FakeContents:
    items: dict[str, bytes] = field(default_factory=dict)
    down: bool = False

    def put(self, items):
        if self.down:
            raise ContentsError("down")
        self.items.update(items)

    def get(self, keys):
        return {key: self.items[key] for key in keys if key in self.items}

    def remove(self, keys):
        for key in keys:
            self.items.pop(key, None)


@dataclass
class FakeTasks:
    sent: list[tuple] = field(default_factory=list)
    down: bool = False

    def _send(self, *task):
        if self.down:
            raise BrokerError("down")
        self.sent.append(task)

    def scan(self, edge, mail_ids):
        self._send("scan", edge, tuple(mail_ids))

    def give_up(self, edge, mail_id, reason):
        self._send("give up", edge, mail_id, reason)

    def deliver(self, edge, delivery_ids):
        self._send("deliver", edge, tuple(delivery_ids))

    def bounce(self, edge, delivery_ids, reason):
        self._send("bounce", edge, tuple(delivery_ids), reason)

    def warn(self, edge, delivery_id, reason, until):
        self._send("warn", edge, delivery_id, reason, until)


@dataclass
class FakeClock:
    """Both clocks: called it is the monotonic one, `wall` is the other, which a test may set."""

    now: float = 1_800_000_000.0
    offset: float = 0.0

    def __call__(self):
        return self.now

    def wall(self):
        return self.now + self.offset


@dataclass
class Sink:
    events: list = field(default_factory=list)

    def write(self, events):
        self.events.extend(events)


class Bench:
    """A queue manager with a real spool and everything else in memory."""

    def __init__(
        self,
        root: Path,
        max_messages=100,
        max_bytes=10_000_000,
        batch=30,
        batch_bytes=1_000_000,
        warn_after=0.0,
    ):
        self.spools = {Queue.INCOMING: Spool(root / "in"), Queue.OUTGOING: Spool(root / "out")}
        for spool in self.spools.values():
            for state in State:
                (spool.root / state).mkdir(parents=True, exist_ok=True)
        self.incoming, self.outgoing = self.spools[Queue.INCOMING], self.spools[Queue.OUTGOING]
        self.clock = FakeClock()
        self.contents, self.tasks, self.sink = FakeContents(), FakeTasks(), Sink()
        self.forgotten: list = []
        self.window = Window(max_messages, max_bytes)
        self.waiting = Waiting()
        journal = Journal("edge1", self.sink, self.clock.wall)
        limits = Limits(batch, batch_bytes, lease=900)
        suspects = Suspects(attempts=3)
        self.restored: list = []
        self.marks = self.make_marks()
        self.gate = RelayGate(max_messages, lambda: self.window.outgoing)
        self.feeder = Feeder(
            "edge1",
            self.spools,
            self.contents,
            self.tasks,
            self.waiting,
            self.window,
            journal,
            limits,
            suspects,
            self.marks,
            self.gate,
            self.clock,
        )
        self.manager = QueueManager(
            self.spools,
            self.waiting,
            self.window,
            self.feeder,
            journal,
            Backoff(5, 300, 5 * 86_400),
            suspects,
            self.marks,
            self.gate,
            DelayWarnings(warn_after, 5 * 86_400, self.feeder, self.marks),
            self.forgotten.extend,
            self.clock.wall,
            self.clock,
        )

    def make_marks(self) -> Marks:
        """The marks as a queue manager that is started now finds them."""
        return Marks(self.spools, self.restored.extend)

    def accept(self, content=CONTENT, recipients=("a@example.com", "b@example.com"), *, tell=True) -> str:
        mail_id = new_mail_id(self.clock.wall(), "4cXyZ1")
        header = SpoolHeader(
            id=mail_id,
            edge="edge1",
            arrival=self.clock.wall(),
            queue_id="4cXyZ1",
            envelope=Envelope(
                "s@example.org",
                tuple(Recipient(r) for r in recipients),
                Client("host", "192.0.2.1", 1, "helo"),
            ),
        )
        with self.incoming.create(header) as writer:
            writer.write(content)
            writer.commit()
        if tell:
            self.manager.appeared([mail_id])
        return mail_id

    def delivery(self, mail_id: str, covers=("0", "1"), head=b"X-Checked: yes\n", content=None) -> Delivery:
        return Delivery(
            id=delivery_id(mail_id, covers),
            mail_id=mail_id,
            edge="edge1",
            sender="s@example.org",
            recipients=tuple(Recipient(f"r{mark}@example.com") for mark in covers),
            sender_args=(),
            head=head,
            content=mail_id if content is None else content,
            covers=covers,
            arrival=self.clock.wall(),
        )

    def states(self, spool: Spool) -> dict[str, set[str]]:
        return {str(state): set(spool.names(state)) for state in State if set(spool.names(state))}

    def turn(self):
        return self.manager.turn()


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


@pytest.fixture
def make_bench(tmp_path):
    def make(**limits):
        return Bench(tmp_path, **limits)

    return make
