from __future__ import annotations

from pathlib import Path

import pytest

from mailmill_local.mailbox import Mailbox
from mailmill_local.results import Result, Results, table
from mailmill_local.samples import Fate, Sample, Sent, samples

MAIL = b"Message-ID: <1@example.com>\r\nSubject: x\r\n\r\nbody\r\n"
KEPT = MAIL.replace(b"\r\n", b"\n")
MAIL_ID = "01M8271HK2BN01X8N5-QID"


class World:
    """A mailbox and a quarantine in which things can be put."""

    def __init__(self, directory: Path) -> None:
        self.maildir = directory / "mail"
        self.quarantine = directory / "quarantine"
        (self.maildir / "new").mkdir(parents=True)
        self.results = Results(Mailbox(self.maildir), self.quarantine, "pm@example.net", clock=lambda: 12.5)

    def deliver(self, recipient: str, data: bytes) -> None:
        count = len(list((self.maildir / "new").iterdir()))
        head = f"Return-Path: <s@example.com>\nX-Original-To: {recipient}\nDelivered-To: x\nReceived: y\n"
        (self.maildir / "new" / str(count)).write_bytes(head.encode() + data)

    def stop(self) -> None:
        directory = self.quarantine / "20260101" / MAIL_ID
        directory.mkdir(parents=True)
        (directory / "message").write_bytes(KEPT)

    def look(self, fate: Fate, *recipients: str, queue_id: str = "QID") -> Result:
        sample = Sample("name", "<1@example.com>", recipients, MAIL, fate)
        return self.results.look([Sent(sample, "450 later", queue_id, 10.0)])[0]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_message_with_headers_on_top_is_delivered(world: World) -> None:
    world.deliver("a@example.org", b"X-New: 1\n" + KEPT)
    result = world.look(Fate.DELIVERED, "a@example.org")
    assert (result.words, result.right, result.seconds) == ("delivered to 1/1", True, 2.5)


def test_a_changed_byte_is_wrong(world: World) -> None:
    world.deliver("a@example.org", KEPT.replace(b"body", b"Body"))
    result = world.look(Fate.DELIVERED, "a@example.org")
    assert (result.words, result.right) == ("delivered to 1/1, BYTES CHANGED", False)


def test_a_missing_recipient_is_wrong(world: World) -> None:
    world.deliver("a@example.org", KEPT)
    result = world.look(Fate.DELIVERED, "a@example.org", "b@example.org")
    assert (result.words, result.right) == ("delivered to 1/2", False)


def test_a_duplicate_is_wrong(world: World) -> None:
    world.deliver("a@example.org", KEPT)
    world.deliver("a@example.org", KEPT)
    result = world.look(Fate.DELIVERED, "a@example.org")
    assert (result.words, result.right) == ("delivered to 1/1, 1 twice", False)


def test_spam_must_be_marked(world: World) -> None:
    world.deliver("a@example.org", b"X-Spam-Status: Yes\n" + KEPT)
    assert world.look(Fate.MARKED, "a@example.org").right


def test_clean_mail_must_not_be_marked(world: World) -> None:
    world.deliver("a@example.org", b"X-Spam-Status: Yes\n" + KEPT)
    assert not world.look(Fate.DELIVERED, "a@example.org").right


def test_quarantined_mail_needs_its_own_notice(world: World) -> None:
    world.stop()
    world.deliver("pm@example.net", b"Message-ID: <01M8271HK2BN01X8N5-OTHER.notice@edge>\n\n")
    assert not world.look(Fate.QUARANTINED, "a@example.org").right
    world.deliver("pm@example.net", f"Message-ID: <{MAIL_ID}.notice@edge>\n\n".encode())
    result = world.look(Fate.QUARANTINED, "a@example.org")
    assert (result.words, result.right) == ("quarantined, notice sent", True)


def test_mail_that_is_quarantined_and_delivered_is_wrong(world: World) -> None:
    world.stop()
    world.deliver("a@example.org", KEPT)
    world.deliver("pm@example.net", f"Message-ID: <{MAIL_ID}.notice@edge>\n\n".encode())
    assert not world.look(Fate.QUARANTINED, "a@example.org").right


def test_what_was_not_accepted_is_told_with_the_reply(world: World) -> None:
    result = world.look(Fate.DELIVERED, "a@example.org", queue_id="")
    assert (result.words, result.right) == ("not accepted: 450 later", False)


def test_the_table_says_what_was_expected_where_it_is_wrong(world: World) -> None:
    lines = table([world.look(Fate.DELIVERED, "a@example.org")])
    assert len(lines) == 3
    assert "still on its way" in lines[2]
    assert lines[2].endswith("WRONG (expected: delivered)")


def test_samples_of_two_runs_differ_and_have_crlf_only() -> None:
    first, second = samples("aa"), samples("bb")
    assert not {s.message_id for s in first} & {s.message_id for s in second}
    for sample in first:
        assert sample.message_id.encode() in sample.data
        assert sample.data.count(b"\n") == sample.data.count(b"\r\n") == sample.data.count(b"\r")
