"""What the relay has confirmed is never submitted again, whoever dies at whatever moment afterwards."""

import os
import threading
import time
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP

import pytest
import redis

from mailmill.keys import outcomes_key
from mailmill.outcomes import DeliveryHeld
from mailmill.records import encode
from mailmill.reporter import FIELD
from mailmill_local.load import Letter
from mailmill_local.probes import wait_until
from mailmill_local.samples import GTUBE
from watched_relay import WatchedRelay

pytestmark = pytest.mark.system

#: Seconds in which mail must have come back to somebody who delivers it; `Message Lease` is 15 minutes.
SOON = 100.0
#: A claim that nobody renews lasts 60 s.
CLAIM = 60.0


@pytest.fixture
def watched():
    relay = WatchedRelay()
    relay.up()
    yield relay
    relay.down()


@pytest.fixture
def begin(start, watched):
    """Start a system whose mail goes through the watched relay."""

    def begin(name, **options):
        def changes(ports, directory):
            watched.upstream = ports.relay_qmqp
            return {"MSMail Relay Port": str(watched.port), **options}

        return start(name, changes=changes)

    return begin


def letter(*recipients, body=b"hello"):
    head = b"From: sender@example.org\nSubject: once\nMessage-ID: <%d@example.org>\n\n"
    return Letter("sender@example.org", recipients, head % time.monotonic_ns() + body + b"\n")


def children(pid):
    """The pool processes of a worker."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def client(running):
    return redis.Redis(port=running.system.ports.redis)


def kill_children(running):
    for pid in children(running.system.deliver.process.pid):
        os.kill(pid, SIGKILL)


def journalled(running):
    """Whether the delivery journal holds a confirmation."""
    return any(b'"confirmed"' in path.read_bytes() for path in running.system.places.journal.iterdir())


def copies(running, recipient):
    return len(running.arrived().get(recipient, []))


@pytest.mark.parametrize("flushed", [False, True])
@pytest.mark.parametrize("victim", ["pool process", "whole worker"])
def test_a_worker_that_dies_between_k_and_redis(begin, watched, victim, flushed):
    running = begin(f"k{victim[0]}{flushed:d}")
    system = running.system
    stopped = threading.Event()

    def stop_redis(seen):
        if not stopped.is_set():
            system.redis.process.signal_group(SIGSTOP)
            stopped.set()

    watched.answered = stop_redis
    (answer,) = running.send([letter("one@example.com")])
    assert answer.accepted
    assert stopped.wait(30)
    try:
        assert wait_until(lambda: journalled(running), 10)
        if victim == "pool process":
            kill_children(running)
        else:
            system.deliver.process.signal_group(SIGKILL)
    finally:
        system.redis.process.signal_group(SIGCONT)
    if flushed:
        with client(running) as connection:
            connection.flushall()
    if victim == "whole worker":
        system.deliver.stop()
        system.deliver.start()
    running.wait_until_empty(SOON)
    assert watched.confirmed("one@example.com") == 1
    assert len(watched.asked("one@example.com")) == 1
    assert copies(running, "one@example.com") == 1


def test_a_redis_that_loses_all_before_the_edge_has_read_the_outcome(begin, watched):
    running = begin("unread")
    system = running.system
    replied = threading.Event()

    def stop_edge(seen):
        system.queue_manager.process.signal_group(SIGSTOP)
        replied.set()

    watched.answered = stop_edge
    running.send([letter("two@example.com")])
    assert replied.wait(30)
    with client(running) as connection:
        assert wait_until(lambda: connection.keys("mailmill:done:*"), 10)
        connection.flushall()
    system.queue_manager.process.signal_group(SIGCONT)
    running.wait_until_empty(SOON)
    assert len(watched.asked("two@example.com")) == 1


def test_an_edge_that_is_killed_when_redis_and_the_worker_forget(begin, watched, server_dir):
    """Only the edge's own disk remembers that one of two deliveries has ended."""
    rules = server_dir / "friends.rules"
    rules.write_text("To: three@example.com yes\nFromOrTo: default no\n")
    running = begin("edge", **{"Is Definitely Not Spam": str(rules), "Delivery Timeout": "30"})
    system = running.system
    release = threading.Event()

    def hold(seen):
        if "four@example.com" in seen.recipients:
            release.wait(60)

    watched.arrived = hold
    running.send([letter("three@example.com", "four@example.com", body=GTUBE.encode())])
    noted = system.places.incoming / "confirmed"
    assert wait_until(lambda: noted.is_dir() and any(noted.iterdir()), 30)
    system.queue_manager.process.signal_group(SIGKILL)
    system.deliver.process.signal_group(SIGKILL)
    with client(running) as connection:
        connection.flushall()
    for path in system.places.journal.iterdir():
        path.unlink()
    watched.arrived = lambda seen: None
    for server in (system.queue_manager, system.deliver):
        server.stop()
        server.start()
    running.wait_until_empty(SOON)
    release.set()
    assert len(watched.asked("three@example.com")) == 1
    assert copies(running, "four@example.com") >= 1
    assert not any(noted.iterdir())


def test_what_a_killed_process_was_submitting_goes_again_at_once(begin, watched):
    running = begin("held")
    first = threading.Event()

    def hold(seen):
        if not first.is_set():
            first.set()
            time.sleep(CLAIM / 2)
            raise ValueError("never passed on")

    watched.arrived = hold
    running.send([letter("five@example.com")])
    assert first.wait(30)
    kill_children(running)
    # Long before the claim would have ended (seen: 0.5 s).
    assert wait_until(lambda: len(watched.asked("five@example.com")) == 2, CLAIM / 3)
    running.wait_until_empty(SOON)
    assert copies(running, "five@example.com") == 1


def test_a_claim_that_nobody_can_release_ends_by_itself(begin, watched):
    """The host of a deliver worker is gone, with its journal: another one takes over when the claim ends."""
    running = begin("gone")
    system = running.system
    first = threading.Event()

    def hold(seen):
        if not first.is_set():
            first.set()
            time.sleep(CLAIM)
            raise ValueError("never passed on")

    watched.arrived = hold
    running.send([letter("six@example.com")])
    assert first.wait(30)
    system.deliver.process.signal_group(SIGKILL)
    for path in system.places.journal.iterdir():
        path.unlink()
    system.deliver.stop()
    system.deliver.start()
    with client(running) as connection:
        (claim,) = connection.keys("mailmill:claim:*")
        delivery = claim.decode().partition(":claim:")[2]
        # Celery would hand the task out again later, and its worker would see the claim.
        held = DeliveryHeld(delivery.partition(".")[0], delivery, 0.0)
        connection.xadd(outcomes_key("edge1"), {FIELD: encode(held)})
    running.wait_until_empty(SOON)
    assert copies(running, "six@example.com") == 1
