"""Every process ends when it is told to, under load too, and what it had in hand comes to its end."""

import os
import signal
import threading
from pathlib import Path

import pytest
import redis

from mailmill.tasks import SCAN_QUEUE
from mailmill_local.probes import wait_until
from mailmill_workers.shutdown import GRACE

pytestmark = pytest.mark.system

#: Letters that are on their way while a process is told to stop.
COUNT = 120
#: Seconds after which a process is killed that was told to stop.
PATIENCE = GRACE + 30.0


def terminate(server):
    """Return the exit status of a process that is told to stop."""
    try:
        return server.process.stop(PATIENCE)
    finally:
        server.stop()


@pytest.mark.parametrize("name", ["milter", "queue_manager", "scan", "deliver", "recorder"])
def test_a_process_that_is_told_to_stop_under_load_ends_and_loses_nothing(running, letters, name):
    server = getattr(running.system, name)
    answers, quarantined = [], len(running.quarantined())
    prefix = f"stop-{name.replace('_', '')}-"
    thread = threading.Thread(target=lambda: answers.extend(running.send(letters(COUNT, prefix))))
    thread.start()
    lines = len(running.lines)
    while thread.is_alive() and len(running.lines) < lines + 40:
        thread.join(0.05)
    status = terminate(server)
    server.start()
    server.wait_healthy()
    thread.join()
    running.wait_until_empty()
    assert status == 0
    taken = [answer for answer in answers if answer.accepted]
    arrived = {k: v for k, v in running.arrived().items() if k.startswith(prefix)}
    assert {len(copies) for copies in arrived.values()} == {1}
    assert len(arrived) + len(running.quarantined()) - quarantined == len(taken)


def test_a_scan_that_hangs_is_handed_back_when_its_worker_is_told_to_stop(running, letters):
    system = running.system
    clamd = system.clamd.process.pid
    client = redis.Redis(port=system.ports.redis)
    system.clamd.process.signal_group(signal.SIGSTOP)
    try:
        answers = running.send(letters(10, "hang-"))
        assert all(answer.accepted for answer in answers)
        status = terminate(system.scan)
        held, queued = client.hlen("unacked"), client.llen(SCAN_QUEUE)
    finally:
        system.clamd.process.signal_group(signal.SIGCONT)
    assert Path(f"/proc/{clamd}").exists()
    assert (status, held) == (0, 0)
    assert queued > 0
    system.scan.start()
    system.scan.wait_healthy()
    running.wait_until_empty()
    arrived = {k: v for k, v in running.arrived().items() if k.startswith("hang-")}
    assert {len(copies) for copies in arrived.values()} <= {1}


def test_all_processes_end_while_redis_is_silent_and_nothing_is_lost(running, letters):
    system = running.system
    names = ["milter", "queue_manager", "recorder", "scan", "deliver"]
    servers = [getattr(system, name) for name in names]
    system.redis.process.signal_group(signal.SIGSTOP)
    try:
        answers = running.send(letters(10, "silent-"))
        for server in servers:
            os.kill(server.process.pid, signal.SIGTERM)
        ended = wait_until(lambda: all(s.process.exit_status is not None for s in servers), PATIENCE)
    finally:
        system.redis.process.signal_group(signal.SIGCONT)
    for server in servers:
        server.stop()
        server.start()
    for server in servers:
        server.wait_healthy()
    assert ended
    assert all(answer.accepted for answer in answers)
    running.wait_until_empty()
    arrived = {k: v for k, v in running.arrived().items() if k.startswith("silent-")}
    assert {len(copies) for copies in arrived.values()} <= {1}
