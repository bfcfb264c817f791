"""What tests of delivery share: deliveries, relays in memory, and stand-ins for the stores of the cluster."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec
import redis

from mailmill.delivery import Delivery, delivery_id
from mailmill.envelope import Client, Envelope, Recipient
from mailmill.ledger import Claim, UnsettledError
from mailmill.messagelog.events import Event
from mailmill.outcomes import Outcome
from mailmill.records import encode
from mailmill.spoolfile import SpoolHeader, pack
from mailmill_workers.deliver.bounce import Bouncer
from mailmill_workers.deliver.journal import Confirmed
from mailmill_workers.deliver.replies import Reply, Result, Submission
from mailmill_workers.deliver.services import Services
from mailmill_workers.mail import Mail
from mailmill_workers.scan.judgement import Folder
from mailmill_workers.scan.quarantine import QuarantinedEnvelope, QuarantineError

MAIL_ID = "01HZZZZZZZABCDEFGH-4XyZ"
EDGE = "edge-1"
NOW = 1_800_000_000.0
MESSAGE = b"Subject: hello\nFrom: s@example.com\n\n.dot\nbody\n"


def make_delivery(*addresses: str, **changes: object) -> Delivery:
    """A delivery of MESSAGE to these recipients, with nothing in the contents store."""
    recipients = tuple(Recipient(address) for address in addresses)
    covers = tuple(str(index) for index in range(len(addresses)))
    delivery = Delivery(
        id=delivery_id(MAIL_ID, covers),
        mail_id=MAIL_ID,
        edge=EDGE,
        sender="s@example.com",
        recipients=recipients,
        sender_args=(),
        head=MESSAGE,
        content="",
        covers=covers,
        arrival=NOW - 60,
        verdict="clean",
    )
    return msgspec.structs.replace(delivery, **changes)


def spool_file(content: bytes, mail_id: str = MAIL_ID) -> bytes:
    """The bytes of a spool file."""
    envelope = Envelope(
        "s@example.com", (Recipient("a@example.org"),), Client("unknown", "192.0.2.1", 1, "x")
    )
    return pack(SpoolHeader(mail_id, EDGE, NOW - 60, "4XyZ", envelope), content)


def sent(text: str = "250 2.0.0 ok") -> Reply:
    return Reply(Result.CONFIRMED, text)


def deferred(text: str = "451 4.3.0 later") -> Reply:
    return Reply(Result.DEFERRED, text)


def refused(text: str = "550 5.1.1 unknown") -> Reply:
    return Reply(Result.REFUSED, text)


class MemoryTransport(asyncio.Transport):
    """Takes what is written and shows it to a server, which answers through the reader."""

    def __init__(self, received: Callable[[bytes], None]) -> None:
        super().__init__()
        self._received = received
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._received(bytes(data))

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    abort = close


def memory_streams(
    received: Callable[[asyncio.StreamReader, bytes], None],
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Streams whose other end is `received(reader, data)`, called for each write. Needs a running loop."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(loop=loop)
    transport = MemoryTransport(lambda data: received(reader, data))
    writer = asyncio.StreamWriter(transport, asyncio.StreamReaderProtocol(reader, loop=loop), reader, loop)
    return reader, writer


class MemoryContents:
    """A contents store."""

    def __init__(self, items: Mapping[str, bytes] | None = None) -> None:
        self.items = dict(items or {})
        self.trips = 0

    def put(self, items: Mapping[str, bytes]) -> None:
        self.items.update(items)

    def get(self, keys: Iterable[str]) -> dict[str, bytes]:
        self.trips += 1
        return {key: self.items[key] for key in keys if key in self.items}

    def remove(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.items.pop(key, None)


class MemoryLedger:
    """A ledger that notes what was done, in order, in `steps`."""

    def __init__(self, steps: list[str] | None = None) -> None:
        self.done: dict[str, set[str]] = {}
        self.claims: set[str] = set()
        self.steps = steps if steps is not None else []
        self.failures = 0
        #: The marker of a Redis that has not heard all that is known; empty when it has.
        self.unsettled = ""
        self.abandoned: set[str] = set()
        self.unconfirmed: Counter[str] = Counter()

    def claim(self, delivery: Delivery, seconds: int = 60) -> Claim:
        marks = self.done.get(delivery.mail_id, set())
        if marks.issuperset(delivery.covers):
            return Claim.DONE
        if delivery.id in self.claims:
            return Claim.HELD
        self.claims.add(delivery.id)
        return Claim.PART if marks.intersection(delivery.covers) else Claim.GRANTED

    def claim_settled(self, deliveries: Sequence[Delivery]) -> list[Claim]:
        if self.unsettled:
            raise UnsettledError(self.unsettled)
        return self.claim_all(deliveries)

    def claim_all(self, deliveries: Sequence[Delivery]) -> list[Claim]:
        return [self.claim(delivery) for delivery in deliveries]

    def confirm(self, deliveries: Sequence[Delivery]) -> None:
        if self.failures:
            self.failures -= 1
            raise redis.ConnectionError("down")
        for delivery in deliveries:
            self.steps.append(f"confirm {delivery.id}")
            self.done.setdefault(delivery.mail_id, set()).update(delivery.covers)
            self.claims.discard(delivery.id)

    def release(self, delivery: Delivery) -> None:
        self.claims.discard(delivery.id)

    def confirmed(self, mail_ids: Iterable[str]) -> dict[str, frozenset[str]]:
        return {mail_id: frozenset(self.done.get(mail_id, ())) for mail_id in mail_ids}

    def abandon(self, delivery: Delivery) -> None:
        self.abandoned.add(delivery.id)

    def held_for(self, delivery: Delivery) -> float:
        return 42.0 if delivery.id in self.claims else 0.0

    def count_unconfirmed(self, delivery: Delivery) -> int:
        self.unconfirmed[delivery.id] += 1
        return self.unconfirmed[delivery.id]


class MemoryJournal:
    """A journal that notes what was done in `steps`."""

    def __init__(self, steps: list[str]) -> None:
        self.steps = steps

    def batch(self) -> contextlib.nullcontext[None]:
        return contextlib.nullcontext()

    def began(self, delivery: Delivery) -> None:
        self.steps.append(f"began {delivery.id}")

    def ended(self, delivery: Delivery) -> None:
        self.steps.append(f"ended {delivery.id}")

    def confirmed(self, record: Confirmed) -> None:
        self.steps.append(f"journal {delivery_id(record.mail_id, record.covers)}")

    def sync(self) -> None:
        self.steps.append("synced")


class MemoryReporter:
    """Keeps what was reported."""

    def __init__(self, steps: list[str] | None = None) -> None:
        self.outcomes: list[Outcome] = []
        self.events: list[Event] = []
        self.calls = 0
        self.reported = threading.Event()
        self.steps = steps if steps is not None else []

    def report(self, edge: str, outcomes: Sequence[Outcome], events: Sequence[Event]) -> None:
        assert edge == EDGE
        self.calls += 1
        self.steps.append("report")
        self.outcomes += outcomes
        self.events += events
        self.reported.set()


class MemoryTasks:
    """Keeps what deliver tasks were asked for."""

    def __init__(self, steps: list[str]) -> None:
        self.delivers: list[str] = []
        self.steps = steps

    def scan(self, edge: str, mail_ids: Sequence[str]) -> None:
        raise AssertionError("delivery never asks for a scan")

    def deliver(self, edge: str, delivery_ids: Sequence[str]) -> None:
        self.steps.append("enqueue")
        self.delivers += delivery_ids

    def bounce(self, edge: str, delivery_ids: Sequence[str], reason: str) -> None:
        raise AssertionError("delivery never asks for an expiry")

    def warn(self, edge: str, delivery_id: str, reason: str, until: float) -> None:
        raise AssertionError("delivery never asks for a warning")


class FakeRelay:
    """Answers with a function of the delivery; keeps what was submitted."""

    longest = 10

    def __init__(self, answer: Callable[[Delivery], Sequence[Reply]], steps: list[str] | None = None) -> None:
        self._answer = answer
        self.submitted: list[tuple[Delivery, bytes]] = []
        self.steps = steps if steps is not None else []

    async def submit(self, delivery: Delivery, message: bytes) -> Submission:
        self.submitted.append((delivery, message))
        await asyncio.sleep(0)
        replies = tuple(self._answer(delivery))
        self.steps.append("submitted")
        return Submission(replies, "inet:192.0.2.9:628")


class Cluster:
    """All stand-ins together, sharing one list of steps."""

    def __init__(self, *deliveries: Delivery) -> None:
        self.steps: list[str] = []
        self.contents = MemoryContents({delivery.id: encode(delivery) for delivery in deliveries})
        self.ledger = MemoryLedger(self.steps)
        self.journal = MemoryJournal(self.steps)
        self.reporter = MemoryReporter(self.steps)
        self.tasks = MemoryTasks(self.steps)
        self.quarantine = MemoryQuarantine()
        self.bouncer = make_bouncer(self.quarantine)

    @property
    def services(self) -> Services:
        return Services(
            contents=self.contents,
            ledger=self.ledger,
            journal=self.journal,
            reporter=self.reporter,
            tasks=self.tasks,
            bouncer=self.bouncer,
            node="deliver@test",
            clock=lambda: NOW,
        )


class MemoryQuarantine:
    """Keeps what is stored."""

    def __init__(self) -> None:
        self.stored: list[tuple[Mail, QuarantinedEnvelope]] = []
        self.full = False

    def store(self, mail: Mail, folder: Folder, record: QuarantinedEnvelope) -> Path:
        if self.full:
            raise QuarantineError("full")
        self.stored.append((mail, record))
        return Path("/quarantine", folder, mail.id)


def make_bouncer(quarantine: MemoryQuarantine | None = None) -> Bouncer:
    return Bouncer(
        host="mill.example.net",
        bounce_from="MAILER-DAEMON",
        notices_to=("postmaster@example.net",),
        quarantine=quarantine or MemoryQuarantine(),
        clock=lambda: NOW,
    )
