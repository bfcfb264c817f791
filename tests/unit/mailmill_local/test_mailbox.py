from __future__ import annotations

from pathlib import Path

from mailmill_local.mailbox import Mailbox

RELAY = (
    b"Return-Path: <s@example.com>\n"
    b"X-Original-To: A@example.org\n"
    b"Delivered-To: a@example.org\n"
    b"Received: from x\n\tby relay.example.net; now\n"
)
MAIL = b"Received: by edge\nSubject: a\n b\n\nReceived: in the body\n"


def _deliver(directory: Path, name: str, data: bytes) -> Mailbox:
    (directory / "new").mkdir(exist_ok=True)
    (directory / "new" / name).write_bytes(data)
    return Mailbox(directory)


def test_the_relays_own_headers_are_taken_off_and_nothing_else(tmp_path: Path) -> None:
    [received] = _deliver(tmp_path, "1", RELAY + MAIL).messages()
    assert (received.recipient, received.sender) == ("A@example.org", "s@example.com")
    assert received.data == MAIL


def test_a_header_is_unfolded_and_its_name_has_no_case(tmp_path: Path) -> None:
    [received] = _deliver(tmp_path, "1", RELAY + MAIL).messages()
    assert received.header("SUBJECT") == "a b"
    assert received.header("X-None") is None


def test_a_header_is_not_looked_for_in_the_body(tmp_path: Path) -> None:
    [received] = _deliver(tmp_path, "1", RELAY + b"A: b\n\nSubject: no\n").messages()
    assert received.header("Subject") is None


def test_a_message_without_end_of_header_is_read(tmp_path: Path) -> None:
    [received] = _deliver(tmp_path, "1", b"Return-Path: <>").messages()
    assert (received.sender, received.recipient, received.data) == ("", "", b"")


def test_an_absent_maildir_is_empty(tmp_path: Path) -> None:
    assert Mailbox(tmp_path / "absent").messages() == []


def test_clear_removes_all_messages(tmp_path: Path) -> None:
    mailbox = _deliver(tmp_path, "1", RELAY + MAIL)
    mailbox.clear()
    assert mailbox.messages() == []
