import pytest

from mailmill.keys import alive_key
from mailmill.scannotes import ScanNotes, noted
from mailmill_milter.queue_manager.workerwatch import GRACE, WorkerWatch
from redis_hashes import FakeHashes


class Clock:
    now = 1_800_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def client():
    return FakeHashes()


@pytest.fixture
def begin(client, clock):
    """Begin scans as a worker of that name."""
    return lambda worker, *ids: ScanNotes(client, "scan@w", worker, 300, clock).begin("edge1", "t", ids)


@pytest.fixture
def heard():
    return []


@pytest.fixture
def watch(client, clock, heard):
    return WorkerWatch(client, "edge1", heard.extend, lambda begun, empty: None, clock, clock)


def test_what_a_living_worker_scans_is_left_alone(watch, client, begin, clock, heard):
    client.alive.add(alive_key("one"))
    begin("one", "a")
    for _ in range(5):
        watch.look()
        clock.now += GRACE
    assert heard == []
    assert set(noted(client, "edge1")) == {"a"}


def test_what_a_dead_worker_scanned_is_reported_once(watch, client, begin, clock, heard):
    client.alive.add(alive_key("one"))
    begin("one", "a")
    begin("two", "b", "c")
    watch.look()
    assert heard == []
    clock.now += GRACE
    watch.look()
    watch.look()
    assert [(failure.mail_id, failure.alone) for failure in heard] == [("b", False), ("c", False)]


def test_a_worker_whose_heartbeat_comes_back_was_not_dead(watch, client, begin, clock, heard):
    begin("one", "a")
    watch.look()
    clock.now += GRACE / 2
    client.alive.add(alive_key("one"))
    watch.look()
    client.alive.clear()
    clock.now += GRACE / 2
    watch.look()
    assert heard == []


def test_each_look_tells_what_is_scanned_and_whether_anything_waits(client, begin, clock):
    seen = []
    watch = WorkerWatch(
        client, "edge1", lambda _: None, lambda begun, empty: seen.append((set(begun), empty)), clock, clock
    )
    watch.look()
    begin("one", "a", "b")
    client.queued.append(b"task")
    watch.look()
    assert seen == [(set(), True), ({"a", "b"}, False)]
