from __future__ import annotations

import json

import pytest
import redis
from click.testing import CliRunner

from mailmill.cli import main
from mailmill.cli import trace as trace_module
from mailmill.mailids import new_mail_id
from mailmill.messagelog.entries import Entry
from mailmill.messagelog.events import Event, Step
from mailmill.messagelog.store import MessageLog

NOW = 1_700_000_000.0


class NoRedis:
    def xrange(self, *_, **__):
        raise redis.ConnectionError("refused")

    def close(self):
        pass


class EmptyRedis(NoRedis):
    def xrange(self, *_, **__):
        return []


@pytest.fixture
def log(tmp_path):
    log = MessageLog.open(f"sqlite:///{tmp_path}/messages.db")
    log.create()
    yield log
    log.close()


@pytest.fixture
def run(log, tmp_path, monkeypatch):
    conf = tmp_path / "MailScanner.conf"
    conf.write_text(f"Message Log URL = sqlite:///{tmp_path}/messages.db\n")
    monkeypatch.setattr(trace_module, "connect", lambda _: EmptyRedis())
    return lambda *args: CliRunner().invoke(main, ["--conf", str(conf), "trace", *args])


def record(log, mail_id, *steps, detail="", message_id=""):
    log.add(
        [
            Entry(
                milliseconds=int(NOW * 1000) + number,
                sequence=0,
                event=Event(NOW + number * 0.25, mail_id, step, "edge1", detail, message_id=message_id),
            )
            for number, step in enumerate(steps)
        ]
    )


def test_every_step_is_shown_in_order_with_its_delay_and_the_end(log, run):
    mail_id = new_mail_id(NOW, "A1")
    record(log, mail_id, Step.ACCEPTED, Step.SCANNED, Step.DELIVERED, Step.FINISHED, message_id="<a@b>")
    result = run("<a@b>")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == mail_id
    assert lines[1] == "  Message-ID: <a@b>"
    assert [line.split()[2:4] for line in lines[2:6]] == [
        ["+0.000s", "accepted"],
        ["+0.250s", "scanned"],
        ["+0.500s", "delivered"],
        ["+0.750s", "finished"],
    ]
    assert lines[6] == "  Finished 0.750s after it arrived."


def test_a_message_that_has_not_ended_says_so(log, run):
    record(log, new_mail_id(NOW, "A1"), Step.ACCEPTED)
    assert "Not finished; it arrived" in run("A1").stdout


def test_every_message_with_the_queue_id_is_shown(log, run):
    first, second = new_mail_id(NOW, "A1"), new_mail_id(NOW + 1, "A1")
    record(log, first, Step.ACCEPTED)
    record(log, second, Step.ACCEPTED)
    lines = run("A1").stdout.splitlines()
    assert lines.index(first) < lines.index(second)


def test_an_unknown_id_says_so_and_fails(run):
    result = run("A1")
    assert result.exit_code == 1
    assert result.stdout == "A1: not in the message log (mailmill queue show may know it).\n"


def test_json_has_times_as_numbers(log, run):
    mail_id = new_mail_id(NOW, "A1")
    record(log, mail_id, Step.ACCEPTED, Step.FINISHED)
    answer = json.loads(run("A1", "--json").stdout)
    [history] = answer["histories"]
    assert history["message"]["mail_id"] == mail_id
    assert [event["step"] for event in history["events"]] == ["accepted", "finished"]
    assert history["finished"] == NOW + 0.25
    assert json.loads(run("B1", "--json").stdout)["histories"] == []
    assert run("B1", "--json").exit_code == 1


def test_what_strangers_wrote_does_not_reach_the_terminal_as_commands(log, run):
    record(log, new_mail_id(NOW, "A1"), Step.ACCEPTED, detail="\x1b[2Jx\r\ny", message_id="<\x1b@b>")
    shown = run("A1").stdout
    assert "\x1b" not in shown
    assert "\\x1b[2Jx\\r\\ny" in shown


def test_without_redis_the_log_is_shown_with_a_warning(log, run, monkeypatch):
    monkeypatch.setattr(trace_module, "connect", lambda _: NoRedis())
    record(log, new_mail_id(NOW, "A1"), Step.ACCEPTED)
    result = run("A1")
    assert result.exit_code == 0
    assert result.stderr == "mailmill: Redis does not answer: refused\n"


def test_a_database_that_cannot_work_is_a_fault_of_the_configuration(run, monkeypatch):
    monkeypatch.setenv("MAILMILL_MESSAGE_LOG_URL", "nonsense")
    assert run("A1").exit_code == 78
