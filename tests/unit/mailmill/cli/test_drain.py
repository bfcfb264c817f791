from __future__ import annotations

import pytest
from click.testing import CliRunner

from mailmill.cli import drain as drain_module
from mailmill.cli import main
from mailmill.drainflag import is_draining
from mailmill.spool import Spool, State


@pytest.fixture
def spools(tmp_path, monkeypatch):
    both = Spool(tmp_path / "in"), Spool(tmp_path / "out")
    for spool in both:
        for state in State:
            (spool.root / state).mkdir(parents=True)
    conf = tmp_path / "MailScanner.conf"
    conf.write_text(f"Incoming Queue Dir = {both[0].root}\nOutgoing Queue Dir = {both[1].root}\n")
    monkeypatch.setenv("MAILMILL_CONF", str(conf))
    return both


def run(*arguments):
    return CliRunner().invoke(main, ["drain", *arguments])


def test_the_edge_is_drained_until_it_is_switched_back(spools):
    spools[0].path("a", State.ACTIVE).touch()
    spools[1].path("b", State.DEFERRED).touch()
    result = run()
    assert result.exit_code == 0
    assert "milterin active: 1, milterout deferred: 1" in result.output
    assert is_draining(spools[0].root)
    assert run("--off").exit_code == 0
    assert not is_draining(spools[0].root)
    assert run("--off").exit_code == 0


def test_waiting_ends_when_two_looks_in_a_row_find_nothing(spools, monkeypatch):
    path = spools[1].path("a", State.ACTIVE)
    path.touch()
    spools[0].path("kept", State.CORRUPT).touch()
    looks = iter([path.unlink, path.touch, path.unlink, lambda: None])

    class Time:
        @staticmethod
        def sleep(seconds):
            next(looks)()

    monkeypatch.setattr(drain_module, "time", Time)
    result = run("--wait")
    assert result.exit_code == 0, result.output
    assert next(looks, None) is None
    lines = result.output.splitlines()[1:]
    assert lines == ["milterout active: 1", "The queues are empty."] * 2


def test_wait_and_off_exclude_each_other(spools):
    assert run("--wait", "--off").exit_code == 2
