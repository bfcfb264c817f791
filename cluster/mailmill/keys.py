"""Every key that Mailmill uses in Redis, in one place. Celery's own queues are `scan` and `deliver`."""

from __future__ import annotations

from typing import Final

_PREFIX: Final = "mailmill:"

#: A random value, set when it is missing. Another value than before means that Redis has lost its data.
MARKER: Final = _PREFIX + "marker"

#: The marker for which all deliver processes have said what they know. While it is not the present one,
#: nothing is submitted: Redis may not know any more what was confirmed.
SETTLED: Final = _PREFIX + "settled"

#: Stream of the message log's events, read by the recorder.
EVENTS: Final = _PREFIX + "events"

#: Hash of the deliver processes with a journal: their names, and the marker for which each has published it.
JOURNALS: Final = _PREFIX + "journals"

#: Exists while no address of the relay may be tried; its life is the time until one may.
RELAY_HELD: Final = _PREFIX + "relay-held"

#: The publication of the configuration that is in force for the cluster, as JSON.
CONFIGURATION: Final = _PREFIX + "configuration"

#: Sorted set of the last publications, by their numbers.
CONFIGURATIONS: Final = _PREFIX + "configurations"


def configuration_key(version: str) -> str:
    """Return the key of the packed files of a version of the configuration (a string)."""
    return f"{_PREFIX}configuration:{version}"


def contents_key(key: str) -> str:
    """Return the key of one item of the contents store (a string)."""
    return f"{_PREFIX}contents:{key}"


def outcomes_key(edge: str) -> str:
    """Return the key of the stream of outcomes for one edge."""
    return f"{_PREFIX}outcomes:{edge}"


def done_key(mail_id: str) -> str:
    """Return the key of the set of marks (`Delivery.covers`) of a message that the relay has confirmed."""
    return f"{_PREFIX}done:{mail_id}"


def scanning_key(edge: str) -> str:
    """Return the key of the hash of scans that have begun and are not handed on, by Mailmill id."""
    return f"{_PREFIX}scanning:{edge}"


def alive_key(worker: str) -> str:
    """Return the key that a scan worker keeps alive (a string that expires)."""
    return f"{_PREFIX}alive:{worker}"


def suspects_key(edge: str) -> str:
    """Return the key of the hash of messages whose scan has failed, by Mailmill id."""
    return f"{_PREFIX}suspects:{edge}"


def claim_key(delivery_id: str) -> str:
    """Return the key that a worker holds while it submits a delivery (a string: who)."""
    return f"{_PREFIX}claim:{delivery_id}"


def unconfirmed_key(delivery_id: str) -> str:
    """Return the key of the number of tries of a delivery that were submitted and not answered (R15)."""
    return f"{_PREFIX}unconfirmed:{delivery_id}"


def relay_key(address: str) -> str:
    """Return the key of the circuit breaker of one relay address (a hash)."""
    return f"{_PREFIX}relay:{address}"


def probe_key(address: str) -> str:
    """Return the key that the one worker holds that tries an address whose breaker was open."""
    return f"{_PREFIX}relay-probe:{address}"


def verdict_key(engine: str, question: str) -> str:
    """Return the key of what an engine said (a string that expires).

    `question` is a digest of what was asked.
    """
    return f"{_PREFIX}verdict:{engine}:{question}"
