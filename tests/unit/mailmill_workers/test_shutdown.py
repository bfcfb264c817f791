from __future__ import annotations

import os
import signal
import threading
import time

import pytest
from celery.signals import worker_shutting_down

from mailmill_workers.shutdown import bound_shutdown

#: Seconds that no run of the tests lasts: the real end of the process would come with them.
NEVER = 1e6


def wait_for(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def killed(monkeypatch):
    told, calls = threading.Event(), []

    def kill(*call):
        calls.append(call)
        told.set()

    monkeypatch.setattr(os, "kill", kill)
    monkeypatch.setattr(os, "_exit", lambda status: kill("exit", status))
    before = list(worker_shutting_down.receivers)
    yield told, calls
    worker_shutting_down.receivers[:] = before


def test_a_warm_shutdown_becomes_a_cold_one_when_tasks_do_not_end(killed):
    bound_shutdown(0.01, NEVER)
    worker_shutting_down.send(sender="scan@host", sig="SIGTERM", how="Warm", exitcode=0)
    assert killed[0].wait(30)
    assert killed[1] == [(os.getpid(), signal.SIGQUIT)]


@pytest.mark.parametrize("how", ["Warm", "Cold"])
def test_a_worker_that_cannot_hand_its_tasks_back_ends_all_the_same(killed, how):
    bound_shutdown(NEVER if how == "Cold" else 0.0, 0.01)
    worker_shutting_down.send(sender="scan@host", sig="SIGTERM", how=how, exitcode=0)
    wait_for(lambda: ("exit", 1) in killed[1])
    assert ((os.getpid(), signal.SIGQUIT) in killed[1]) is (how == "Warm")
