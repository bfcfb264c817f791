from __future__ import annotations

import pytest
from click.testing import CliRunner

from mailmill.cli import context
from mailmill.cli import recorder as recorder_module
from mailmill.cli.context import Cli
from mailmill.cli.recorder import recorder


@pytest.fixture
def ran(monkeypatch):
    """How often the recorder has run; none of it happens here."""
    runs = []
    monkeypatch.setattr(recorder_module.Recorder, "run", lambda *_: runs.append(1))
    monkeypatch.setattr(recorder_module.signal, "signal", lambda *_: None)
    monkeypatch.setattr(recorder_module, "yield_to_others", lambda: None)
    monkeypatch.setattr(context, "setup_logging", lambda **_: None)
    monkeypatch.setenv("MAILMILL_CONF", "")
    return runs


@pytest.fixture
def cli(tmp_path):
    conf = tmp_path / "MailScanner.conf"
    conf.write_text(f"Message Log URL = sqlite:///{tmp_path}/messagelog/messages.db\n")
    return Cli(conf, tmp_path / "defaults")


def run(cli):
    return CliRunner().invoke(recorder, [], obj=cli)


def test_it_makes_the_directory_of_its_database_and_runs(cli, ran, tmp_path):
    assert run(cli).exit_code == 0
    assert (tmp_path / "messagelog").is_dir()
    assert ran == [1]


def test_a_directory_that_it_cannot_write_is_a_fault_of_the_configuration(cli, ran, monkeypatch):
    monkeypatch.setattr(recorder_module.os, "access", lambda *_: False)
    result = run(cli)
    assert "is not writable" in str(result.exception)
    assert ran == []


def test_a_directory_that_it_cannot_make_is_a_fault_of_the_configuration(cli, ran, tmp_path):
    (tmp_path / "messagelog").symlink_to("nowhere/at/all")
    result = run(cli)
    assert str(tmp_path) in str(result.exception)
    assert ran == []


def test_it_does_not_start_where_mailscanner_is_switched_off(cli, ran, tmp_path):
    (tmp_path / "defaults").write_text("run_mailscanner=0\n")
    assert "run_mailscanner" in str(run(cli).exception)
    assert ran == []
