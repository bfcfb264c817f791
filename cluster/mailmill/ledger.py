"""The ledger: which deliveries are being submitted and which the relay has confirmed, for all workers to see.

A mark that was confirmed is never submitted again, whoever crashes afterwards; a delivery that one worker
holds is not begun by another. A claim is short and its holder renews it, so that what a killed worker held
is free again soon. Every method raises `redis.RedisError` when Redis cannot be used.
"""

from __future__ import annotations

import enum
import threading
from collections.abc import Iterable, Sequence
from typing import Any, Final

import redis

from mailmill.delivery import Delivery
from mailmill.errors import MailmillError
from mailmill.keys import MARKER, SETTLED, claim_key, done_key, unconfirmed_key
from mailmill.marker import SERVER, marker_of

#: Seconds for which confirmed marks are kept: the longest life of a message in a queue (Postfix:
#: maximal_queue_lifetime, 5 d) and a day more.
DONE_LIFETIME: Final = 6 * 86_400
#: Seconds that a claim lasts when nobody renews it: long enough for Redis to be restarted under a running
#: submission (`connection.SOCKET_TIMEOUT` and some tries), and for a killed worker to be started again and
#: read its journal before another one submits.
CLAIM_SECONDS: Final = 60
#: Seconds between renewals: a claim survives two that fail.
RENEW_SECONDS: Final = 15

#: Renew a claim that is ours, or that Redis has lost. KEYS: the claim. ARGV: owner, milliseconds.
_RENEW: Final = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
#: Let go of a claim if it is ours. KEYS: the claim. ARGV: owner.
_RELEASE: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""
#: Keep marks and let go of what they mark. KEYS: the marks, the claim, the count of unanswered tries.
#: ARGV: owner, seconds to keep the marks, and the marks.
_CONFIRM: Final = """
for i = 3, #ARGV do redis.call('SADD', KEYS[1], ARGV[i]) end
redis.call('EXPIRE', KEYS[1], ARGV[2])
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
redis.call('DEL', KEYS[3])
return 1
"""


class Claim(enum.Enum):
    """The answer to a worker that wants to submit a delivery."""

    GRANTED = "granted"
    #: Granted, and some of what it covers is confirmed already: `confirmed` says what.
    PART = "part"
    #: Another worker holds it: `held_for` says how long at least.
    HELD = "held"
    #: All that it covers is confirmed already.
    DONE = "done"


class UnsettledError(MailmillError):
    """Redis may have lost marks, and not all that the workers know is there again: claims say nothing."""

    def __init__(self, marker: str) -> None:
        super().__init__("what was confirmed is not known again yet")
        #: The marker of the Redis that is not settled.
        self.marker = marker


class Ledger:
    """The ledger in Redis. Its methods may be called from several threads."""

    def __init__(self, client: redis.Redis, owner: str) -> None:
        """Use `client`; `owner` is the name of this worker process in claims, like no other."""
        self._client = client
        self.owner = owner
        self._holding: set[str] = set()
        self._lock = threading.Lock()

    def claim(self, delivery: Delivery, seconds: int = CLAIM_SECONDS) -> Claim:
        """Ask for the right to submit a delivery, for `seconds` or for as long as `renew` is called."""
        return self.claim_all([delivery], seconds)[0]

    def claim_settled(self, deliveries: Sequence[Delivery]) -> list[Claim]:
        """Ask as `claim_all` does, but of a Redis that knows all that was confirmed.

        Raises:
            UnsettledError: it may not; nothing is claimed.
        """
        with self._client.pipeline(transaction=True) as pipe:
            pipe.get(MARKER)
            pipe.get(SETTLED)
            pipe.info(SERVER)
            self._ask(pipe, deliveries, CLAIM_SECONDS)
            value, settled, server, *answers = pipe.execute()
        marker = marker_of(value, server)
        if settled != marker.encode():
            granted = [one.id for one, got in zip(deliveries, answers[1::2], strict=True) if got]
            self.let_go(self.owner, granted)
            raise UnsettledError(marker)
        return self._claims(deliveries, answers)

    def claim_all(self, deliveries: Sequence[Delivery], seconds: int = CLAIM_SECONDS) -> list[Claim]:
        """Ask for the right to submit several deliveries, in one round trip; see `claim`."""
        with self._client.pipeline(transaction=True) as pipe:
            self._ask(pipe, deliveries, seconds)
            answers = pipe.execute()
        return self._claims(deliveries, answers)

    def _ask(self, pipe: Any, deliveries: Sequence[Delivery], seconds: int) -> None:
        for delivery in deliveries:
            pipe.smismember(done_key(delivery.mail_id), list(delivery.covers))
            pipe.set(claim_key(delivery.id), self.owner, nx=True, ex=seconds)

    def _claims(self, deliveries: Sequence[Delivery], answers: Sequence[Any]) -> list[Claim]:
        claims: list[Claim] = []
        unneeded: list[str] = []
        with self._lock:
            for delivery, marks, granted in zip(deliveries, answers[::2], answers[1::2], strict=True):
                if all(marks):
                    claims.append(Claim.DONE)
                    unneeded += [delivery.id] if granted else []
                elif not granted:
                    claims.append(Claim.HELD)
                else:
                    self._holding.add(delivery.id)
                    claims.append(Claim.PART if any(marks) else Claim.GRANTED)
        if unneeded:
            self._client.delete(*map(claim_key, unneeded))
        return claims

    def renew(self) -> None:
        """Hold all that this process holds for `CLAIM_SECONDS` from now, also what Redis has lost."""
        with self._lock:
            holding = list(self._holding)
        with self._client.pipeline(transaction=False) as pipe:
            for delivery in holding:
                pipe.eval(_RENEW, 1, claim_key(delivery), self.owner, str(CLAIM_SECONDS * 1000))
            pipe.execute()
        with self._lock:
            ended = [delivery for delivery in holding if delivery not in self._holding]
        self.let_go(self.owner, ended)  # it was let go while it was being renewed

    def held_for(self, delivery: Delivery) -> float:
        """Return for how many seconds a delivery is claimed if nobody renews that; 0 when it is not."""
        return max(0.0, self._client.pttl(claim_key(delivery.id)) / 1000)

    def confirm(self, deliveries: Sequence[Delivery]) -> None:
        """Record that the relay has confirmed deliveries, and let go of them, in one round trip."""
        for delivery in deliveries:
            self._forget_claim(delivery)
        with self._client.pipeline(transaction=False) as pipe:
            for delivery in deliveries:
                keys = (done_key(delivery.mail_id), claim_key(delivery.id), unconfirmed_key(delivery.id))
                pipe.eval(_CONFIRM, 3, *keys, self.owner, str(DONE_LIFETIME), *delivery.covers)
            pipe.execute()

    def restore(self, marks: Iterable[tuple[str, tuple[str, ...]]]) -> None:
        """Record marks again that a disk remembers, each with the Mailmill id of its message."""
        with self._client.pipeline(transaction=False) as pipe:
            for mail_id, covers in marks:
                self._mark(pipe, mail_id, covers)
            pipe.execute()

    def release(self, delivery: Delivery) -> None:
        """Let go of a delivery that was not confirmed."""
        self._forget_claim(delivery)
        self.let_go(self.owner, [delivery.id])

    def abandon(self, delivery: Delivery) -> None:
        """Renew a claim no more, without Redis: it ends by itself."""
        self._forget_claim(delivery)

    def let_go(self, owner: str, delivery_ids: Iterable[str]) -> None:
        """End the claims that a process of that name, dead or this one, has on these deliveries."""
        with self._client.pipeline(transaction=False) as pipe:
            for delivery in delivery_ids:
                pipe.eval(_RELEASE, 1, claim_key(delivery), owner)
            pipe.execute()

    def count_unconfirmed(self, delivery: Delivery) -> int:
        """Note that a delivery was submitted whole and not answered; return how often that was (R15)."""
        with self._client.pipeline(transaction=True) as pipe:
            pipe.incr(unconfirmed_key(delivery.id))
            pipe.expire(unconfirmed_key(delivery.id), DONE_LIFETIME)
            return int(pipe.execute()[0])

    def confirmed(self, mail_ids: Iterable[str]) -> dict[str, frozenset[str]]:
        """Return the confirmed marks of each message, in one round trip."""
        wanted = list(mail_ids)
        with self._client.pipeline(transaction=False) as pipe:
            for mail_id in wanted:
                pipe.smembers(done_key(mail_id))
            answers = pipe.execute()
        return {
            mail_id: frozenset(mark.decode() for mark in marks)
            for mail_id, marks in zip(wanted, answers, strict=True)
        }

    def forget(self, mail_ids: Iterable[str], seconds: int) -> None:
        """Let the marks of finished messages expire after `seconds`."""
        with self._client.pipeline(transaction=False) as pipe:
            for mail_id in mail_ids:
                pipe.expire(done_key(mail_id), seconds)
            pipe.execute()

    def _forget_claim(self, delivery: Delivery) -> None:
        with self._lock:
            self._holding.discard(delivery.id)

    def _mark(self, pipe: Any, mail_id: str, covers: tuple[str, ...]) -> None:
        pipe.sadd(done_key(mail_id), *covers)
        pipe.expire(done_key(mail_id), DONE_LIFETIME)
