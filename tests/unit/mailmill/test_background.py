import os

from mailmill.background import yield_to_others


def test_a_process_asks_for_batch_scheduling(monkeypatch):
    asked = []
    monkeypatch.setattr(os, "sched_setscheduler", lambda *arguments: asked.append(arguments[:2]))
    yield_to_others()
    assert asked == [(0, os.SCHED_BATCH)]


def test_a_system_that_refuses_changes_nothing(monkeypatch):
    def refuse(*_):
        raise PermissionError

    before = os.sched_getscheduler(0)
    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    yield_to_others()
    assert os.sched_getscheduler(0) == before
