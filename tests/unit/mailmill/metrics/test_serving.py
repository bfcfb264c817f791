"""When and where metrics are served."""

import logging
import threading

import pytest

from mailmill.metrics import serving
from mailmill.settings import Settings
from mailmill.settings.options.metrics import METRICS_PORT, RECORDER_METRICS_PORT


@pytest.fixture
def served(monkeypatch):
    calls = []
    monkeypatch.setattr(serving, "start_http_server", lambda *arguments: calls.append(arguments))
    return calls


def serve(values, port=METRICS_PORT):
    registry = serving.new_registry()
    serving.serve(registry, Settings.of(values), port)
    for thread in threading.enumerate():
        if thread.name == "metrics":
            thread.join()
    return registry


def test_metrics_are_off_unless_a_port_is_given(served):
    serve({})
    serve({"Recorder Metrics Port": "9629"})
    assert served == []


def test_each_process_has_a_port_of_its_own(served, caplog):
    caplog.set_level(logging.INFO)
    values = {"Metrics Port": "9628", "Recorder Metrics Port": "9629", "Metrics Bind": "::1"}
    registries = [serve(values), serve(values, RECORDER_METRICS_PORT)]
    assert served == [(9628, "::1", registries[0]), (9629, "::1", registries[1])]
    assert "metrics: http://[::1]:9628/metrics" in caplog.text


def test_a_port_that_cannot_be_had_is_told_and_stops_nothing(monkeypatch, caplog):
    def refuse(*_):
        raise OSError(98, "Address already in use")

    monkeypatch.setattr(serving, "start_http_server", refuse)
    serve({"Metrics Port": "9628"})
    assert "no metrics: Metrics Port 9628 on 127.0.0.1: Address already in use" in caplog.text
