import pytest

from benchmarks import meter
from benchmarks.meter import Costs, Meter


class Server:
    def __init__(self, pid):
        self.process = self if pid else None
        self.pid = pid

    @property
    def started(self):
        return self.process is not None


@pytest.fixture
def clocks(monkeypatch):
    """Processor seconds by session, and of the whole machine."""
    sessions, machine = {}, [0.0]
    monkeypatch.setattr(meter, "cpu_by_session", lambda pids: {pid: sessions.get(pid, 0.0) for pid in pids})
    monkeypatch.setattr(meter, "busy", lambda: machine[0])
    monkeypatch.setattr(meter, "_ours", lambda: 0.0)
    return sessions, machine


def test_costs_are_those_between_start_and_stop(clocks):
    sessions, machine = clocks
    sessions.update({1: 10.0, 2: 20.0})
    watch = Meter({"scan": [Server(1), Server(2)]})
    watch.start()
    sessions.update({1: 11.0, 2: 22.0})
    machine[0] = 7.0
    costs = watch.stop()
    assert costs.stages == {"scan": 3.0}
    assert costs.elsewhere == 4.0


def test_a_server_that_is_started_meanwhile_counts_from_its_beginning(clocks):
    sessions, _ = clocks
    server = Server(0)
    watch = Meter({"queue manager": [server]})
    watch.start()
    server.process, server.pid = server, 5
    sessions[5] = 1.5
    assert watch.stop().stages == {"queue manager": 1.5}


def test_the_driver_is_a_stage_of_its_own(clocks):
    watch = Meter({})
    watch.start()
    assert watch.stop(driver=2.0).stages == {"driver": 2.0}


def test_costs_of_a_message_are_milliseconds():
    assert Costs(1, {"scan": 0.5}, 0).per_message(100) == {"scan": 5.0}


def test_what_others_had_is_a_number_of_cores():
    assert Costs(4, {}, 2).others == 0.5
