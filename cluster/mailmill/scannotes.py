"""Notes of what is being scanned, in Redis, so that a scan that came to no end shows at the next try.

A worker notes the messages of a batch before it looks at any of them and removes each note when the result is
handed on. When a process dies, its parent adds how. Whoever gets the messages next finds the notes: the
messages with one are suspects. A suspect is not scanned together with others again, and only a failure of a
scan that it had to itself counts as an attempt, so that nobody is blamed for a neighbour.

Two hashes for each edge, field by Mailmill id: `scanning` holds the notes, `suspects` what is known of
messages whose scan has failed. Losing them costs more tries, never a message.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

import redis
from msgspec import Struct
from msgspec.structs import replace

from mailmill.errors import RecordError
from mailmill.keys import scanning_key, suspects_key
from mailmill.outcomes import ScanFailed
from mailmill.records import decode, encode

T = TypeVar("T")

#: Seconds by which a note must be older than `Scan Time Limit` before it counts as left behind although
#: nobody saw the process end: its parent, or the whole host, has gone too. Covers clocks that differ.
MARGIN: Final = 30.0
#: Seconds after the last change for which the hashes are kept; longer than a message can be tried
#: (Postfix: maximal_queue_lifetime, 5 d).
LIFETIME: Final = 6 * 86_400
#: Seconds after its last heartbeat for which a worker counts as alive.
ALIVE_SECONDS: Final = 15


class Note(Struct, frozen=True):
    """A scan that has begun and whose result is not handed on."""

    #: Celery's id of the task: the same when the task is handed out again.
    task: str
    node: str
    #: The heartbeat of the process that began it, see `alive_key`.
    worker: str
    #: Seconds since the epoch.
    since: float
    #: How many messages the process had in hand with it.
    neighbours: int
    #: What was being done; known only of a suspect.
    steps: str = ""
    #: How the process ended, as its parent saw it.
    exit: str = ""


class Suspicion(Struct, frozen=True):
    """What is known of a message whose scan has failed."""

    #: How many scans failed that the message had to itself.
    attempts: int
    #: How the last one failed.
    reason: str


@dataclass(frozen=True)
class Begun:
    """A batch that has been noted."""

    edge: str
    task: str
    #: What to scan now.
    wanted: tuple[str, ...]
    #: What an earlier scan did not survive; not to be scanned in this task.
    failed: tuple[ScanFailed, ...]
    #: The messages that are known for failing.
    suspects: Mapping[str, Suspicion]

    @property
    def alone(self) -> bool:
        """Whether there is only one message: what happens now is its own doing."""
        return len(self.wanted) == 1

    def failure(self, mail_id: str, reason: str) -> ScanFailed:
        """Return the outcome of a scan that fails now."""
        return _failure(mail_id, reason, self.suspects.get(mail_id), alone=self.alone)


class ScanNotes:
    """The notes of one worker. Every method raises `redis.RedisError` when Redis cannot be used."""

    def __init__(
        self,
        client: redis.Redis,
        node: str,
        worker: str,
        limit: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Note scans of `worker` on `node`, none of which may take longer than `limit` seconds."""
        self._client = client
        self._node = node
        self._worker = worker
        self._over = limit + MARGIN
        self._clock = clock

    def begin(self, edge: str, task: str, mail_ids: Sequence[str]) -> Begun:
        """Note that a task begins with these messages, in one round trip; tell what earlier notes say."""
        now = self._clock()
        note = encode(Note(task, self._node, self._worker, now, len(mail_ids) - 1))
        key = scanning_key(edge)
        with self._client.pipeline(transaction=True) as pipe:
            pipe.hmget(key, list(mail_ids))
            pipe.hmget(suspects_key(edge), list(mail_ids))
            pipe.hset(key, mapping=dict.fromkeys(mail_ids, note))
            pipe.expire(key, LIFETIME)
            notes, known, *_ = pipe.execute()
        found = _records(mail_ids, notes, Note)
        suspects = _records(mail_ids, known, Suspicion)
        failed = tuple(
            _failure(mail_id, _reason(note, now), suspects.get(mail_id), alone=note.neighbours == 0)
            for mail_id, note in found.items()
            if note.exit or now - note.since > self._over
        )
        unwanted = {outcome.mail_id for outcome in failed}
        if any(note.exit and note.task == task for note in found.values()):
            # The task has been here before: what it has no note of any more was handed on.
            unwanted.update(mail_id for mail_id in mail_ids if mail_id not in found)
        wanted = tuple(mail_id for mail_id in mail_ids if mail_id not in unwanted)
        return Begun(edge, task, wanted, failed, suspects)

    def at(self, begun: Begun, mail_id: str, steps: str) -> None:
        """Add to the note of a message that is alone with its process what is being done."""
        note = Note(begun.task, self._node, self._worker, self._clock(), 0, steps)
        self._client.hset(scanning_key(begun.edge), mail_id, cast("Any", encode(note)))

    def remember(self, edge: str, failures: Iterable[ScanFailed]) -> None:
        """Take messages whose scan failed as suspects; see `remember`."""
        remember(self._client, edge, failures)

    def end(self, edge: str, mail_ids: Sequence[str], cleared: Sequence[str] = ()) -> None:
        """Remove the notes of messages whose result was handed on, and the suspicion of those `cleared`."""
        with self._client.pipeline(transaction=False) as pipe:
            if mail_ids:
                pipe.hdel(scanning_key(edge), *mail_ids)
            if cleared:
                pipe.hdel(suspects_key(edge), *cleared)
            pipe.execute()


def note_exit(client: redis.Redis, edge: str, task: str, mail_ids: Sequence[str], how: str) -> int:
    """Add to the notes of a task how its process ended; return how many there were.

    Raises:
        redis.RedisError: Redis cannot be used.
    """
    key = scanning_key(edge)
    notes = _records(mail_ids, cast("list[bytes | None]", client.hmget(key, list(mail_ids))), Note)
    changed = {m: encode(replace(note, exit=how)) for m, note in notes.items() if note.task == task}
    if changed:
        client.hset(key, mapping=cast("dict[Any, Any]", changed))
    return len(changed)


def remember(client: redis.Redis, edge: str, failures: Iterable[ScanFailed]) -> None:
    """Take messages whose scan failed as suspects and remove their notes, in one round trip.

    Raises:
        redis.RedisError: Redis cannot be used.
    """
    changed: dict[Any, Any] = {
        failure.mail_id: encode(Suspicion(failure.attempts, failure.reason)) for failure in failures
    }
    if not changed:
        return
    key = suspects_key(edge)
    with client.pipeline(transaction=True) as pipe:
        pipe.hset(key, mapping=changed)
        pipe.expire(key, LIFETIME)
        pipe.hdel(scanning_key(edge), *changed)
        pipe.execute()


def noted(client: redis.Redis, edge: str) -> dict[str, Note]:
    """Return the notes of all scans of an edge's messages, by Mailmill id.

    Raises:
        redis.RedisError: Redis cannot be used.
    """
    values = cast("dict[bytes, bytes]", client.hgetall(scanning_key(edge)))
    return _records([mail_id.decode() for mail_id in values], list(values.values()), Note)


def abandoned(client: redis.Redis, edge: str, notes: Mapping[str, Note], now: float) -> list[ScanFailed]:
    """Return the failures of scans whose worker has gone, and take their messages as suspects.

    Who had a process to itself and was no suspect is not blamed as long as another process of the worker had
    something in hand too: it may have been that.

    Raises:
        redis.RedisError: Redis cannot be used.
    """
    if not notes:
        return []
    known = cast("list[bytes | None]", client.hmget(suspects_key(edge), list(notes)))
    suspects = _records(list(notes), known, Suspicion)
    in_hand = Counter(note.worker for note in notes.values())
    failures = [
        _failure(
            mail_id,
            _reason(note, now),
            suspects.get(mail_id),
            alone=note.neighbours == 0 and (mail_id in suspects or in_hand[note.worker] == 1),
        )
        for mail_id, note in notes.items()
    ]
    remember(client, edge, failures)
    return failures


def _records(mail_ids: Sequence[str], values: Sequence[bytes | None], kind: type[T]) -> dict[str, T]:
    """Return the records that are there; one of another version is as good as none."""
    found: dict[str, T] = {}
    for mail_id, value in zip(mail_ids, values, strict=True):
        if value is not None:
            try:
                found[mail_id] = decode(value, kind)
            except RecordError:
                continue
    return found


def _failure(mail_id: str, reason: str, before: Suspicion | None, *, alone: bool) -> ScanFailed:
    attempts = before.attempts if before else 0
    return ScanFailed(mail_id, reason, alone=alone, attempts=attempts + alone)


def _reason(note: Note, now: float) -> str:
    how = note.exit or f"nothing heard of the worker for {now - note.since:.0f} s"
    steps = f" during {note.steps}" if note.steps else ""
    company = f", with {note.neighbours} others in hand" if note.neighbours else ""
    return f"{how}{steps}{company} ({note.node})"
