"""A sender whose mail waits is told of it once, and the mail arrives once all the same."""

import email
import email.policy
import time

import pytest

from mailmill_local.load import Letter
from mailmill_local.probes import wait_until
from watched_relay import WatchedRelay

pytestmark = pytest.mark.system

OPTIONS = {"Delay Warning Time": "5s", "Minimal Backoff Time": "1s", "Maximal Backoff Time": "2s"}


@pytest.fixture
def watched():
    relay = WatchedRelay()
    yield relay
    relay.down()


@pytest.fixture
def begin(start, watched):
    def begin(name):
        def changes(ports, directory):
            watched.upstream = ports.relay_qmqp
            return {"MSMail Relay Port": str(watched.port), **OPTIONS}

        return start(name, changes=changes)

    return begin


def letter(sender, recipient):
    return Letter(
        sender,
        (recipient,),
        b"From: author@example.org\nSubject: patience\nMessage-ID: <%d@example.org>\n\nhello\n"
        % time.monotonic_ns(),
    )


def in_outgoing(running):
    return sum(
        len(list((running.system.places.outgoing / state).iterdir())) for state in ("active", "deferred")
    )


def check_report(report, recipient):
    assert report.sender == ""
    message = email.message_from_bytes(report.data, policy=email.policy.default)
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    assert not message.defects
    _, status, original = message.iter_parts()
    _, about = status.iter_parts()
    assert about["Final-Recipient"] == f"rfc822; {recipient}"
    assert about["Action"] == "delayed"
    assert about["Status"].startswith("4.")
    assert about["Will-Retry-Until"]
    assert original.get_content_type() == "text/rfc822-headers"


def test_a_relay_that_is_out_for_long_leads_to_one_warning_and_one_copy(begin, watched):
    running = begin("delayed")  # nothing listens on the relay's port yet
    sent = [letter("author@example.org", "waits@example.com"), letter("", "bounced@example.com")]
    assert all(answer.accepted for answer in running.send(sent))
    # Two messages and one warning: that without a sender warns nobody.
    assert wait_until(lambda: in_outgoing(running) == 3, 60)
    notes = running.system.places.outgoing / "confirmed"
    assert wait_until(lambda: [path.read_text() for path in notes.glob("[!.]*")] == ["delay-warned\n"], 10)
    running.system.queue_manager.stop()
    running.system.queue_manager.start()
    running.system.queue_manager.wait_healthy()
    time.sleep(12)  # probes of the relay go on; a second warning would be another file
    assert in_outgoing(running) == 3
    watched.up()
    running.wait_until_empty(120)
    arrived = running.arrived()
    assert {recipient: len(copies) for recipient, copies in arrived.items()} == {
        "waits@example.com": 1,
        "bounced@example.com": 1,
        "author@example.org": 1,
    }
    check_report(arrived["author@example.org"][0], "waits@example.com")


def test_the_warning_arrives_while_the_message_still_waits(begin, watched):
    def hang_up_on_one(seen):
        if "waits@example.com" in seen.recipients:
            raise ConnectionError

    watched.arrived = hang_up_on_one
    watched.up()
    running = begin("warned")
    assert all(
        answer.accepted for answer in running.send([letter("author@example.org", "waits@example.com")])
    )
    assert wait_until(lambda: running.arrived()["author@example.org"], 90)
    assert "waits@example.com" not in running.arrived()
    assert running.waiting()
    watched.arrived = lambda seen: None
    running.wait_until_empty(120)
    arrived = running.arrived()
    assert [len(arrived[name]) for name in ("author@example.org", "waits@example.com")] == [1, 1]
    check_report(arrived["author@example.org"][0], "waits@example.com")
