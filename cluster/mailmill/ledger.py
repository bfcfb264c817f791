"""The ledger: which deliveries are being submitted and which the relay has confirmed, for all workers to see.

A mark that was confirmed is never submitted again, whoever crashes afterwards; a delivery that one worker
holds is not begun by another. Every method raises `redis.RedisError` when Redis cannot be used.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Final

import redis

from mailmill.delivery import Delivery
from mailmill.keys import claim_key, done_key

#: Seconds for which confirmed marks are kept: the longest life of a message in a queue (Postfix:
#: maximal_queue_lifetime, 5 d) and a day more.
DONE_LIFETIME: Final = 6 * 86_400


class Claim(enum.Enum):
    """The answer to a worker that wants to submit a delivery."""

    GRANTED = "granted"
    #: Granted, and some of what it covers is confirmed already: `confirmed` says what.
    PART = "part"
    #: Another worker holds it.
    HELD = "held"
    #: All that it covers is confirmed already.
    DONE = "done"


class Ledger:
    """The ledger in Redis."""

    def __init__(self, client: redis.Redis, owner: str) -> None:
        """Use `client`; `owner` names this worker process in claims."""
        self._client = client
        self._owner = owner

    def claim(self, delivery: Delivery, seconds: int) -> Claim:
        """Ask for the right to submit a delivery for at most `seconds`."""
        with self._client.pipeline(transaction=True) as pipe:
            pipe.smismember(done_key(delivery.mail_id), list(delivery.covers))
            pipe.set(claim_key(delivery.id), self._owner, nx=True, ex=seconds)
            marks, granted = pipe.execute()
        if all(marks):
            if granted:
                self._client.delete(claim_key(delivery.id))
            return Claim.DONE
        if not granted:
            return Claim.HELD
        return Claim.PART if any(marks) else Claim.GRANTED

    def confirm(self, delivery: Delivery) -> None:
        """Record that the relay has confirmed a delivery, and let go of it."""
        key = done_key(delivery.mail_id)
        with self._client.pipeline(transaction=True) as pipe:
            pipe.sadd(key, *delivery.covers)
            pipe.expire(key, DONE_LIFETIME)
            pipe.delete(claim_key(delivery.id))
            pipe.execute()

    def release(self, delivery: Delivery) -> None:
        """Let go of a delivery that was not confirmed."""
        self._client.delete(claim_key(delivery.id))

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
