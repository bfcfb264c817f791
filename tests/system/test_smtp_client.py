"""The SMTP client against a real smtpd."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from delivery_fakes import make_delivery
from mailmill.delivery import Delivery
from mailmill.envelope import Recipient
from mailmill_local.probes import HOST, free_port, wait_until
from mailmill_local.servers.relay import PostfixRelay
from mailmill_workers.deliver.address import Inet
from mailmill_workers.deliver.relay import RelayPool
from mailmill_workers.deliver.replies import Submission
from mailmill_workers.deliver.smtp import SmtpClient

pytestmark = pytest.mark.system

MAIL = (
    b"X-Mailmill: yes\nFrom: a@example.com\nTo: b@example.org\nSubject:  two spaces\n"
    b"Date: Mon, 01 Jan 2024 00:00:00 +0000\nMessage-ID: <1@example.com>\n"
    b"\n  body\n.\n..dots\n.\n\n\xc3\xbc \xff\xfe 8 bit\ntrailing \t \n\n"
)


def submit(port: int, delivery: Delivery, message: bytes = MAIL) -> Submission:
    pool = RelayPool(
        [Inet(HOST, port)], SmtpClient("mill.example.net"), concurrency=2, timeout=30, longest=90
    )
    return asyncio.run(pool.submit(delivery, message))


def results(submission: Submission) -> list[str]:
    return [reply.result.name for reply in submission.replies]


def test_postfix_stores_what_was_sent_byte_for_byte(relay: PostfixRelay):
    submission = submit(
        relay.smtp_port, make_delivery("b@example.org", "c@example.org", sender="a@example.com")
    )
    assert results(submission) == ["CONFIRMED", "CONFIRMED"]
    assert submission.reduced == ""
    assert wait_until(lambda: len(relay.mailbox.messages()) == 2, 20)
    assert {one.data for one in relay.mailbox.messages()} == {MAIL}
    assert {one.recipient for one in relay.mailbox.messages()} == {"b@example.org", "c@example.org"}


def test_only_the_recipient_that_was_to_be_confirmed_is(relay: PostfixRelay):
    recipients = (
        Recipient("b@example.org", ("NOTIFY=SUCCESS", "ORCPT=rfc822;b@example.org")),
        Recipient("c@example.org", ("NOTIFY=NEVER",)),
    )
    delivery = make_delivery(
        "b@example.org",
        "c@example.org",
        sender="a@example.com",
        recipients=recipients,
        sender_args=("RET=HDRS", "ENVID=order+2B42"),
    )
    assert results(submit(relay.smtp_port, delivery)) == ["CONFIRMED", "CONFIRMED"]
    assert wait_until(lambda: len(relay.mailbox.messages()) == 3, 20)
    (report,) = [one for one in relay.mailbox.messages() if one.recipient == "a@example.com"]
    assert report.sender == ""
    assert b"Original-Envelope-Id: order+42" in report.data
    assert b"Final-Recipient: rfc822; b@example.org" in report.data
    assert b"c@example.org" not in report.data


def test_an_address_outside_ascii_reaches_postfix(relay: PostfixRelay):
    submission = submit(relay.smtp_port, make_delivery("jürgen@example.org"))
    assert results(submission) == ["CONFIRMED"]
    assert wait_until(lambda: len(relay.mailbox.messages()) == 1, 20)
    assert relay.mailbox.messages()[0].recipient == "jürgen@example.org"


def test_recipients_that_postfix_refuses_do_not_hold_up_the_others(
    require: Callable[..., None], server_dir: Path
):
    require(*PostfixRelay.programs, root=True)
    access = "inline:{ {never@example.org = 550 5.1.1 unknown} {later@example.org = 450 4.2.0 later} }"
    extra = {"smtpd_recipient_restrictions": f"check_recipient_access {access}", "message_size_limit": "3000"}
    with PostfixRelay(
        server_dir / "relay", qmqp_port=free_port(), smtp_port=free_port(), extra=extra
    ) as server:
        addresses = ("never@example.org", "good@example.org", "later@example.org")
        submission = submit(server.smtp_port, make_delivery(*addresses))
        too_big = submit(server.smtp_port, make_delivery("good@example.org"), MAIL + b"x\n" * 3000)
        assert wait_until(lambda: len(server.mailbox.messages()) == 1, 20)
        assert [one.recipient for one in server.mailbox.messages()] == ["good@example.org"]
    assert results(submission) == ["REFUSED", "CONFIRMED", "DEFERRED"]
    assert submission.replies[0].status == "5.1.1"
    assert results(too_big) == ["REFUSED"]
    assert too_big.replies[0].status == "5.3.4"
