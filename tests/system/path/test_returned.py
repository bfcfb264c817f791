"""Mail that the relay refuses for good: a proper bounce, or the quarantine and a notice."""

import email
import email.policy
import json
import subprocess
import time

import pytest

from mailmill_local.load import Letter
from mailmill_local.probes import wait_until
from mailmill_local.samples import GTUBE
from mailmill_local.servers.base import program

pytestmark = pytest.mark.system

#: What the relay says of what it refuses.
REASON = "not wanted here"


@pytest.fixture(scope="module")
def refusing(running, servers_dir):
    """The shared system, with a relay that refuses by subject."""
    relay = running.system.relay
    checks = relay.directory / "header_checks"
    checks.write_text(f"/^Subject: refuse/ REJECT {REASON}\n")
    checks.chmod(0o644)
    conf = str(relay.configuration)
    settings = [f"header_checks=regexp:{checks}", "nested_header_checks="]
    subprocess.run([program("postconf"), "-c", conf, "-e", *settings], check=True, timeout=20)
    subprocess.run([program("postfix"), "-c", conf, "reload"], check=True, timeout=20, capture_output=True)
    time.sleep(1)  # its processes end by themselves
    return running


def letter(sender, recipient, body=b"hello"):
    return Letter(
        sender,
        (recipient,),
        b"From: author@example.org\nSubject: refuse this\nMessage-ID: <%d@example.org>\n\n%s\n"
        % (time.monotonic_ns(), body),
    )


def in_mailbox(running, recipient):
    return [m for m in running.system.relay.mailbox.messages() if m.recipient == recipient]


def kept(running, sender):
    """The quarantine's records about undeliverable mail of a sender."""
    records = []
    for path in running.system.places.quarantine.glob("*/*/envelope"):
        record = json.loads(path.read_text())
        if record["verdict"].startswith("undeliverable") and record["envelope"]["sender"] == sender:
            records.append((path.with_name("message"), record))
    return records


def test_a_refusal_comes_back_to_the_sender_as_a_delivery_status_notification(refusing):
    sent = letter("author@example.org", "nobody@example.com")
    (answer,) = refusing.send([sent])
    assert answer.accepted
    refusing.wait_until_empty(60)
    assert wait_until(lambda: in_mailbox(refusing, "author@example.org"), 20)
    (bounce,) = in_mailbox(refusing, "author@example.org")
    assert bounce.sender == ""
    message = email.message_from_bytes(bounce.data, policy=email.policy.default)
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    assert not message.defects
    text, status, original = message.iter_parts()
    assert REASON in text.get_content()
    _, recipient = status.iter_parts()
    assert recipient["Final-Recipient"] == "rfc822; nobody@example.com"
    assert recipient["Action"] == "failed"
    assert recipient["Status"].startswith("5.")
    assert REASON in recipient["Diagnostic-Code"]
    assert original.get_content_type() == "message/rfc822"
    assert b"Subject: refuse this" in bounce.data
    assert not in_mailbox(refusing, "nobody@example.com")
    assert kept(refusing, "author@example.org") == []


@pytest.mark.parametrize(
    ("sender", "body"), [("", b"hello"), ("spammer@example.org", GTUBE.encode())], ids=["no sender", "spam"]
)
def test_what_must_not_be_returned_is_kept_and_the_postmaster_hears_of_it(refusing, sender, body):
    refusing.system.relay.mailbox.clear()
    sent = letter(sender, "nobody@example.com", body)
    (answer,) = refusing.send([sent])
    assert answer.accepted
    refusing.wait_until_empty(60)
    assert wait_until(lambda: in_mailbox(refusing, "postmaster@example.net"), 20)
    (notice,) = in_mailbox(refusing, "postmaster@example.net")
    ((path, record),) = kept(refusing, sender)
    assert notice.sender == ""
    assert str(path).encode() in notice.data.replace(b"=\n", b"")
    assert REASON.encode() in notice.data
    assert path.read_bytes().endswith(body + b"\n")
    assert [r["address"] for r in record["envelope"]["recipients"]] == ["nobody@example.com"]
    assert {m.recipient for m in refusing.system.relay.mailbox.messages()} == {"postmaster@example.net"}
