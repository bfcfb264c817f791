from __future__ import annotations

import os
import signal
import threading

import pytest
from celery.signals import worker_shutting_down

from mailmill_workers.shutdown import bound_shutdown


@pytest.fixture
def killed(monkeypatch):
    told, calls = threading.Event(), []

    def kill(*call):
        calls.append(call)
        told.set()

    monkeypatch.setattr(os, "kill", kill)
    before = list(worker_shutting_down.receivers)
    yield told, calls
    worker_shutting_down.receivers[:] = before


def test_a_warm_shutdown_becomes_a_cold_one_when_tasks_do_not_end(killed):
    bound_shutdown(0.01)
    worker_shutting_down.send(sender="scan@host", sig="SIGTERM", how="Warm", exitcode=0)
    assert killed[0].wait(30)
    assert killed[1] == [(os.getpid(), signal.SIGQUIT)]


def test_a_cold_shutdown_is_bounded_already(killed):
    bound_shutdown(0.01)
    worker_shutting_down.send(sender="scan@host", sig="SIGQUIT", how="Cold", exitcode=1)
    assert not killed[0].wait(0.2)
