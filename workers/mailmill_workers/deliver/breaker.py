"""The circuit breaker of a relay address, shared by all workers through Redis.

It counts failures in a row. When there are too many it opens: nobody tries the address for a while. Then one
worker at a time may try it with one message; if that is taken the breaker closes, if not it stays open for
twice as long as before. When no address of the relay may be tried, `keys.RELAY_HELD` tells the edges.
Without Redis every address may be tried.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import redis

from mailmill.keys import RELAY_HELD, probe_key, relay_key

log = logging.getLogger(__name__)

#: What a failure counts: a relay that cannot be reached or loses a message is a worse sign ...
BROKEN: Final = 2
#: ... than one that says Z (4xx): that may be about the message.
BUSY: Final = 1
#: Count at which the breaker opens: 5 broken connections or 10 Z without a success in between (rspamd's
#: upstreams: max_errors, 4).
LIMIT: Final = 10
#: Seconds for which failures are remembered when none follows.
MEMORY: Final = 600
#: Seconds before the first probe (`Minimal Backoff Time`).
FIRST_PAUSE: Final = 5.0
#: Seconds between probes at most (rspamd's upstreams: revive_time, 60 s).
LONGEST_PAUSE: Final = 60.0
#: Seconds after which another worker may probe when the first one has not told how it ended.
PROBE_SECONDS: Final = 30.0
#: Seconds for which a process takes an address that had no failures to be still good, without asking Redis.
CACHE: Final = 1.0

#: KEYS: breaker, probe. ARGV: milliseconds of a probe. Returns milliseconds to wait, and the count.
#: While somebody probes it is worth asking again soon.
_PERMIT: Final = """
local count = tonumber(redis.call('HGET', KEYS[1], 'count') or 0)
local open_until = tonumber(redis.call('HGET', KEYS[1], 'until') or 0)
if open_until == 0 then return {0, count} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now < open_until then return {open_until - now, count} end
if redis.call('SET', KEYS[2], 1, 'NX', 'PX', ARGV[1]) then return {0, count} end
return {1000, count}
"""
#: KEYS: breaker, probe. ARGV: what it counts, limit, memory (s), first and longest pause (ms). Returns the
#: milliseconds for which the breaker has just been opened, or 0.
_FAILED: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local count = redis.call('HINCRBY', KEYS[1], 'count', ARGV[1])
local open_until = tonumber(redis.call('HGET', KEYS[1], 'until') or 0)
local pause = 0
if open_until == 0 then
  if count >= tonumber(ARGV[2]) then pause = tonumber(ARGV[4]) end
elseif now >= open_until then
  pause = math.min(2 * tonumber(redis.call('HGET', KEYS[1], 'pause')), tonumber(ARGV[5]))
end
if pause > 0 then
  redis.call('HSET', KEYS[1], 'until', now + pause, 'pause', pause)
  redis.call('DEL', KEYS[2])
end
redis.call('EXPIRE', KEYS[1], ARGV[3])
return pause
"""


class Breaker(Protocol):
    """Says which addresses may be tried. Its methods block, and never raise."""

    def wait(self, address: str) -> float:
        """Return 0 if an address may be tried now, else the seconds until it is worth asking again."""

    def failed(self, address: str, weight: int) -> None:
        """An address was tried and failed (`BROKEN` or `BUSY`)."""

    def succeeded(self, address: str) -> None:
        """An address has done its work."""

    def hold(self, seconds: float) -> None:
        """No address of the relay may be tried for that long."""

    def known_good(self, address: str) -> bool:
        """Tell whether `wait` and `succeeded` have nothing to do now: then they need not be called."""


class NoBreaker:
    """Lets everything be tried, for one process alone."""

    def wait(self, address: str) -> float:
        """See `Breaker`."""
        del address
        return 0.0

    def failed(self, address: str, weight: int) -> None:
        """See `Breaker`."""

    def succeeded(self, address: str) -> None:
        """See `Breaker`."""

    def hold(self, seconds: float) -> None:
        """See `Breaker`."""

    def known_good(self, address: str) -> bool:
        """See `Breaker`."""
        return bool(address)


@dataclass(frozen=True)
class _Known:
    """What a process knows of an address without asking."""

    checked: float
    failing: bool


class RedisBreaker:
    """The breakers of all addresses, in Redis; the clock is that of Redis."""

    def __init__(self, client: redis.Redis, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._monotonic = monotonic
        self._known: dict[str, _Known] = {}

    def known_good(self, address: str) -> bool:
        """See `Breaker`."""
        known = self._known.get(address)
        return known is not None and not known.failing and self._monotonic() - known.checked < CACHE

    def wait(self, address: str) -> float:
        """See `Breaker`."""
        answer = self._eval(_PERMIT, address, _milliseconds(PROBE_SECONDS))
        if answer is None:
            return 0.0
        milliseconds, count = answer
        self._known[address] = _Known(self._monotonic(), failing=bool(count))
        return float(milliseconds) / 1000

    def failed(self, address: str, weight: int) -> None:
        """See `Breaker`."""
        self._known[address] = _Known(self._monotonic(), failing=True)
        pauses = _milliseconds(FIRST_PAUSE), _milliseconds(LONGEST_PAUSE)
        pause = self._eval(_FAILED, address, weight, LIMIT, MEMORY, *pauses)
        if pause:
            log.error("%s: fails again and again, not tried for %.0f s", address, pause / 1000)

    def succeeded(self, address: str) -> None:
        """See `Breaker`."""
        self._known[address] = _Known(self._monotonic(), failing=False)
        try:
            with self._client.pipeline(transaction=True) as pipe:
                pipe.hget(relay_key(address), "until")
                pipe.delete(relay_key(address), probe_key(address), RELAY_HELD)
                was_open, _ = pipe.execute()
        except redis.RedisError as exc:
            log.warning("%s: its success is not told: %s", address, exc)
            return
        if was_open:
            log.warning("%s: works again", address)

    def hold(self, seconds: float) -> None:
        """See `Breaker`."""
        try:
            self._client.set(RELAY_HELD, 1, px=max(1, _milliseconds(seconds)))
        except redis.RedisError as exc:
            log.warning("the edges do not hear that the relay is out: %s", exc)

    def _eval(self, script: str, address: str, *arguments: int) -> Any:
        """Return what a script returns, or None when Redis cannot be used."""
        try:
            return self._client.eval(script, 2, relay_key(address), probe_key(address), *map(str, arguments))
        except redis.RedisError as exc:
            log.warning("%s: tried without asking Redis: %s", address, exc)
            return None


def _milliseconds(seconds: float) -> int:
    return math.ceil(seconds * 1000)
