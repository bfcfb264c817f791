from __future__ import annotations

import pytest
from click.testing import CliRunner

from mailmill.cli import main
from mailmill.envelope import Client, Envelope, Recipient
from mailmill.intake import IntakeWriter, directories
from mailmill.mailids import new_mail_id
from mailmill.spool import Spool, State
from mailmill.spoolfile import SpoolHeader, pack

MAIL = b"Subject: x\n\nbody \xff\r\x00\n"


@pytest.fixture
def milterin(tmp_path):
    for queue in ("milterin", "milterout"):
        for name in (*State, *directories.ALL):
            (tmp_path / queue / name).mkdir(parents=True, exist_ok=True)
    return Spool(tmp_path / "milterin")


@pytest.fixture
def cat(tmp_path):
    conf = tmp_path / "MailScanner.conf"
    conf.write_text(f"Incoming Queue Dir = {tmp_path}/milterin\nOutgoing Queue Dir = {tmp_path}/milterout\n")
    return lambda wanted: CliRunner().invoke(main, ["--conf", str(conf), "queue", "cat", wanted])


def header(queue_id="A1"):
    client = Client("unknown", "", 0, "")
    envelope = Envelope("s@example.org", (Recipient("r@example.com"),), client)
    return SpoolHeader(new_mail_id(1_795_370_504.0, queue_id), "edge1", 1_795_370_504.0, queue_id, envelope)


def test_a_message_of_the_intake_is_written_byte_for_byte(milterin, cat):
    message = header()
    IntakeWriter(milterin.root).append(message.id, pack(message, MAIL))
    for wanted in (message.id, "A1"):
        assert (cat(wanted).exit_code, cat(wanted).stdout_bytes) == (0, MAIL)


def test_a_message_with_a_file_of_its_own_is_written_byte_for_byte(milterin, cat):
    message = header()
    milterin.store(message.id, pack(message, MAIL), State.DEFERRED)
    assert cat("A1").stdout_bytes == MAIL


def test_a_message_that_is_being_written_is_not_here(milterin, cat):
    message = header()
    with milterin.create(message) as writer:
        writer.write(MAIL)
        answer = cat(message.id)
    assert (answer.exit_code, answer.stdout_bytes) == (1, b"")
    assert f"{message.id}: not in the queues of this edge" in answer.stderr


def test_a_damaged_message_is_an_error_that_names_it(milterin, cat):
    message = header()
    milterin.store(message.id, pack(message, MAIL)[:-3], State.CORRUPT)
    answer = cat("A1")
    assert (answer.exit_code, answer.stdout_bytes) == (1, b"")
    assert message.id in answer.stderr
    assert "truncated" in answer.stderr
