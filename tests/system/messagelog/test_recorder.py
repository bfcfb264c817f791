"""The writer and the recorder against a real Redis, with deaths and restarts at the worst moments."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from math import ceil

import pytest
import redis

from mailmill.connection import connect
from mailmill.errors import MessageLogError
from mailmill.keys import EVENTS
from mailmill.mailids import new_mail_id
from mailmill.messagelog import recorder as recorder_module
from mailmill.messagelog import schema, writer
from mailmill.messagelog.entries import PACK
from mailmill.messagelog.events import Event, Step
from mailmill.messagelog.history import look_up
from mailmill.messagelog.recorder import GROUP, Recorder
from mailmill.messagelog.store import MessageLog
from mailmill.messagelog.writer import EventWriter
from mailmill_local.probes import free_port, wait_until
from mailmill_local.servers.redis import RedisServer

pytestmark = pytest.mark.system

NOW = 1_700_000_000.0

#: A recorder that dies after the database has committed and before Redis knows.
DIES_BEFORE_ACK = """
import os, signal, sys
from mailmill.connection import connect
from mailmill.messagelog.recorder import Recorder
from mailmill.messagelog.store import MessageLog

class Dying(Recorder):
    def _forget(self, entry_ids):
        os.kill(os.getpid(), signal.SIGKILL)

Dying(connect(sys.argv[1]), MessageLog.open(sys.argv[2]), lifetime=1e9).turn()
"""


@pytest.fixture
def server(require, server_dir):
    require(*RedisServer.programs)
    with RedisServer(server_dir / "redis", port=free_port()) as server:
        yield server


@pytest.fixture
def client(server):
    client = connect(server.url)
    yield client
    client.close()


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/messages.db"


@pytest.fixture
def log(url):
    log = MessageLog.open(url)
    yield log
    log.close()


@pytest.fixture
def recorder(client, log, monkeypatch):
    monkeypatch.setattr(recorder_module, "BLOCK", 50)
    return Recorder(client, log, lifetime=1e9, claim_after=0)


def events(count, queue_id="A1", step=Step.SCANNED):
    return [
        Event(time=NOW + number, mail_id=new_mail_id(NOW + number, queue_id), step=step, node="edge1")
        for number in range(count)
    ]


def rows(tmp_path):
    """Return how often each message has an event in the database."""
    path = tmp_path / "messages.db"
    if not path.exists():
        return Counter()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        try:
            return Counter(row[0] for row in connection.execute("SELECT mail_id FROM events"))
        except sqlite3.OperationalError:
            return Counter()


def once(written):
    return Counter(event.mail_id for event in written)


def drain(recorder):
    while recorder.turn():
        pass


@contextlib.contextmanager
def running(recorder):
    stop = threading.Event()
    thread = threading.Thread(target=recorder.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_events_move_from_the_stream_to_the_database(client, recorder, tmp_path, monkeypatch):
    monkeypatch.setattr(recorder_module, "BATCH", 3)
    written = events(30)
    EventWriter(client, "edge1").write(written)
    drain(recorder)
    assert rows(tmp_path) == once(written)
    assert client.xlen(EVENTS) == 0
    assert client.xpending(EVENTS, GROUP)["pending"] == 0


def test_a_recorder_killed_between_commit_and_acknowledgement_records_nothing_twice(
    client, server, recorder, url, tmp_path
):
    written = events(20)
    EventWriter(client, "edge1").write(written)
    died = subprocess.run(
        [sys.executable, "-c", DIES_BEFORE_ACK, server.url, url], check=False, timeout=60, capture_output=True
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert rows(tmp_path) == once(written)
    assert client.xlen(EVENTS) == ceil(20 / PACK)
    drain(recorder)
    assert rows(tmp_path) == once(written)
    assert client.xlen(EVENTS) == 0


def test_entries_of_a_live_recorder_are_left_alone(client, log, recorder, tmp_path):
    EventWriter(client, "edge1").write(events(3))
    drain(recorder)
    EventWriter(client, "edge1").write(events(3))
    client.xreadgroup(GROUP, "somebody", {EVENTS: ">"})
    assert Recorder(client, log, lifetime=1e9, claim_after=60).turn() == 0
    assert client.xlen(EVENTS) == 1


def test_a_flush_between_turns_loses_only_what_it_flushed(client, recorder, tmp_path):
    before, flushed, after = events(3), events(3), events(3)
    EventWriter(client, "edge1").write(before)
    drain(recorder)
    EventWriter(client, "edge1").write(flushed)
    client.flushall()
    EventWriter(client, "edge1").write(after)
    with running(recorder):
        assert wait_until(lambda: rows(tmp_path) == once(before + after), 20)
    assert client.xlen(EVENTS) == 0


def test_a_flush_while_the_recorder_waits_does_not_stop_it(client, recorder, tmp_path, monkeypatch):
    monkeypatch.setattr(recorder_module, "BLOCK", 2_000)
    with running(recorder):
        assert wait_until(lambda: client.exists(EVENTS), 20)
        client.flushall()
        written = events(3)
        EventWriter(client, "edge1").write(written)
        assert wait_until(lambda: rows(tmp_path) == once(written), 20)
        monkeypatch.setattr(recorder_module, "BLOCK", 50)


def test_what_was_read_before_a_flush_is_still_recorded(client, url, tmp_path, monkeypatch):
    monkeypatch.setattr(schema, "BUSY_TIMEOUT", 0.01)
    monkeypatch.setattr(recorder_module, "BLOCK", 50)
    log = MessageLog.open(url)
    recorder = Recorder(client, log, lifetime=1e9)
    drain(recorder)
    written = events(3)
    EventWriter(client, "edge1").write(written)
    with contextlib.closing(sqlite3.connect(tmp_path / "messages.db")) as lock:
        lock.execute("BEGIN IMMEDIATE")
        with pytest.raises(MessageLogError):
            recorder.turn()
        client.flushall()
        lock.rollback()
    recorder.turn()
    assert rows(tmp_path) == once(written)
    log.close()


def test_events_are_counted_once_they_are_stored_and_only_then(client, url, tmp_path, monkeypatch):
    monkeypatch.setattr(schema, "BUSY_TIMEOUT", 0.01)
    monkeypatch.setattr(recorder_module, "BLOCK", 50)
    counted = []
    log = MessageLog.open(url)
    recorder = Recorder(client, log, lifetime=1e9, recorded=counted.extend)
    drain(recorder)
    written = events(3)
    EventWriter(client, "edge1").write(written)
    client.xadd(EVENTS, {b"0": b"not an event"})
    with contextlib.closing(sqlite3.connect(tmp_path / "messages.db")) as lock:
        lock.execute("BEGIN IMMEDIATE")
        for _ in range(2):
            with pytest.raises(MessageLogError):
                recorder.turn()
        assert counted == []
        lock.rollback()
    drain(recorder)
    assert counted == written
    log.close()


def test_a_locked_database_delays_and_drops_nothing(client, url, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(schema, "BUSY_TIMEOUT", 0.01)
    monkeypatch.setattr(recorder_module, "BLOCK", 50)
    log = MessageLog.open(url)
    log.create()
    written = events(5)
    EventWriter(client, "edge1").write(written)
    with contextlib.closing(sqlite3.connect(tmp_path / "messages.db", check_same_thread=False)) as lock:
        lock.execute("BEGIN IMMEDIATE")
        # Nothing claims them again here: what was read must have been kept.
        with running(Recorder(client, log, lifetime=1e9, claim_after=3600)):
            assert wait_until(lambda: "locked" in caplog.text, 20)
            assert client.xlen(EVENTS) == 1
            lock.rollback()
            assert wait_until(lambda: client.xlen(EVENTS) == 0, 20)
    assert rows(tmp_path) == once(written)
    log.close()


def test_a_restart_of_redis_is_survived(client, server, recorder, tmp_path):
    first, second = events(3), events(3)
    with running(recorder):
        EventWriter(client, "edge1").write(first)
        assert wait_until(lambda: rows(tmp_path) == once(first), 20)
        server.stop()
        EventWriter(client, "edge1").write(events(1))
        server.start()
        server.wait_healthy()
        EventWriter(client, "edge1").write(second)
        assert wait_until(lambda: rows(tmp_path) == once(first + second), 20)


def test_an_entry_that_is_no_event_is_logged_and_dropped(client, recorder, tmp_path, caplog):
    written = events(2)
    EventWriter(client, "edge1").write(written[:1])
    bad = client.xadd(EVENTS, {"x": "y"})
    client.xadd(EVENTS, {"0": b"\xff{"})
    EventWriter(client, "edge1").write(written[1:])
    drain(recorder)
    assert rows(tmp_path) == once(written)
    assert client.xlen(EVENTS) == 0
    assert bad.decode() in caplog.text


def test_the_stream_stays_bounded_while_no_recorder_runs(client, monkeypatch):
    monkeypatch.setattr(writer, "MAX_ENTRIES", 100)
    for _ in range(10):
        EventWriter(client, "edge1").write(events(100 * PACK))
    # Redis trims whole nodes of its tree, which hold 100 entries each by default.
    assert client.xlen(EVENTS) <= 200


def test_events_that_were_trimmed_while_they_were_pending_do_not_hold_the_recorder_up(
    client, recorder, tmp_path
):
    drain(recorder)
    EventWriter(client, "edge1").write(events(3))
    client.xreadgroup(GROUP, GROUP, {EVENTS: ">"})
    client.xtrim(EVENTS, maxlen=0, approximate=False)
    written = events(2)
    EventWriter(client, "edge1").write(written)
    with running(Recorder(recorder._client, recorder._store, lifetime=1e9, claim_after=0)):
        assert wait_until(lambda: rows(tmp_path) == once(written), 20)
    assert client.xpending(EVENTS, GROUP)["pending"] == 0


def test_what_is_too_old_is_removed(client, log, tmp_path, monkeypatch):
    monkeypatch.setattr(recorder_module, "BLOCK", 50)
    EventWriter(client, "edge1").write(events(3))
    drain(Recorder(client, log, lifetime=1e9))
    assert len(rows(tmp_path)) == 3
    # The stream's clock is the one that counts: by it, the events are as old as this test.
    drain(Recorder(client, log, lifetime=-3600))
    assert rows(tmp_path) == Counter({})


def test_the_process_ends_cleanly_on_sigterm_and_has_recorded_all(client, server, url, tmp_path):
    written = events(500)
    EventWriter(client, "edge1").write(written)
    process = subprocess.Popen(
        [sys.executable, "-c", "from mailmill.cli import main; main()", "recorder"],
        env={
            **os.environ,
            "MAILMILL_CONF": "/dev/null",
            "MAILMILL_REDIS_URL": server.url,
            "MAILMILL_MESSAGE_LOG_URL": url,
        },
        stderr=subprocess.PIPE,
    )
    try:
        assert wait_until(lambda: len(rows(tmp_path)) == 500, 30)
        process.terminate()
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, said
    assert said.rstrip().endswith(b"recorder: stopped")
    assert b"Traceback" not in said
    assert rows(tmp_path) == once(written)


def test_recorders_that_are_killed_again_and_again_record_every_event_once(
    client, server, recorder, url, tmp_path
):
    written = events(3_000)
    done = threading.Event()

    def write():
        own = EventWriter(client, "edge1")
        for start in range(0, len(written), 50):
            own.write(written[start : start + 50])
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    for _ in range(4):
        died = subprocess.run(
            [sys.executable, "-c", DIES_BEFORE_ACK, server.url, url],
            check=False,
            timeout=60,
            capture_output=True,
        )
        assert died.returncode in {0, -signal.SIGKILL}, died.stderr
    thread.join()
    drain(recorder)
    assert rows(tmp_path) == once(written)
    assert client.xlen(EVENTS) == 0


def test_a_trace_shows_what_is_not_recorded_yet(client, log, recorder):
    mail_id = new_mail_id(NOW, "A1")
    own = EventWriter(client, "edge1")
    own.write([Event(NOW, mail_id, Step.ACCEPTED, "edge1", queue_id="A1", message_id="<a@b>")])
    answer = look_up(log, client, "a@b")
    assert [event.step for event in answer.histories[0].events] == [Step.ACCEPTED]
    drain(recorder)
    own.write([Event(NOW + 1, mail_id, Step.SCANNED, "w1"), Event(NOW + 2, mail_id, Step.FINISHED, "edge1")])
    for wanted in ("a@b", "A1", mail_id):
        answer = look_up(log, client, wanted)
        [history] = answer.histories
        assert [event.step for event in history.events] == [Step.ACCEPTED, Step.SCANNED, Step.FINISHED]
        assert (answer.not_recorded, history.finished, history.message.edge) == (2, NOW + 2, "edge1")


def test_a_trace_without_redis_shows_what_is_recorded(client, server, log, recorder):
    EventWriter(client, "edge1").write(events(1))
    drain(recorder)
    server.stop()
    answer = look_up(log, client, "A1")
    assert len(answer.histories) == 1
    assert answer.not_recorded is None
    assert len(answer.failures) == 1


def test_the_writer_raises_nothing_when_redis_is_full(client):
    client.config_set("maxmemory", "1")
    with pytest.raises(redis.RedisError):
        client.set("x", "y")
    EventWriter(client, "edge1").write(events(1))
    assert client.xlen(EVENTS) == 0
