from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery_fakes import MAIL_ID, MESSAGE, NOW, MemoryQuarantine, make_bouncer, make_delivery, refused
from mailmill.delivery import Delivery
from mailmill.envelope import Recipient
from mailmill_workers.deliver.bounce import RETURN_LIMIT, Answer, is_last_resort
from mailmill_workers.deliver.parts import Part, part_of
from mailmill_workers.deliver.replies import Reply, Result
from mailmill_workers.scan.quarantine import QuarantineError

RELAY = "inet:relay.example.net:628"


def answer(delivery: Delivery, *replies: Reply, message: bytes = MESSAGE, expired: bool = False) -> Delivery:
    part = Part(delivery, replies or (refused(),) * len(delivery.recipients))
    made = make_bouncer().answer(part, message, RELAY, expired=expired).delivery
    assert made is not None
    return made


def parse(delivery: Delivery) -> tuple[EmailMessage, list[EmailMessage], list[EmailMessage]]:
    """The notification, its parts, and the groups of its delivery status."""
    assert delivery.content == ""
    assert b"\r" not in delivery.head
    message = email.message_from_bytes(delivery.head, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    parts = list(message.iter_parts())
    assert all(not part.defects for part in parts)
    return message, parts, list(parts[1].iter_parts()) if parts[1].is_multipart() else []


def test_a_bounce_is_a_delivery_status_report_to_the_sender():
    delivery = make_delivery("a@example.org", "b@example.org")
    bounce = answer(delivery, refused("550 5.1.1 unknown user"), refused("policy says no"))
    message, parts, (about, first, second) = parse(bounce)
    assert (bounce.sender, bounce.recipients) == ("", (Recipient("s@example.com"),))
    assert (bounce.mail_id, bounce.edge, bounce.arrival) == (MAIL_ID, delivery.edge, NOW)
    assert message["From"] == "Mail delivery <MAILER-DAEMON@mill.example.net>"
    assert message["To"] == "s@example.com"
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["Message-ID"] == f"<{bounce.id}@mill.example.net>"
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    assert [part.get_content_type() for part in parts] == [
        "text/plain",
        "message/delivery-status",
        "message/rfc822",
    ]
    assert "<a@example.org>: 550 5.1.1 unknown user" in parts[0].get_content()
    assert about["Reporting-MTA"] == "dns; mill.example.net"
    assert (first["Final-Recipient"], first["Action"], first["Status"]) == (
        "rfc822; a@example.org",
        "failed",
        "5.1.1",
    )
    assert first["Diagnostic-Code"] == "smtp; 550 5.1.1 unknown user"
    assert first["Remote-MTA"] == "dns; relay.example.net"
    assert (second["Status"], second["Diagnostic-Code"]) == ("5.0.0", "x-qmqp; policy says no")
    assert MESSAGE in bounce.head


def test_the_same_failure_gets_the_same_bounce_and_another_gets_another():
    delivery = make_delivery("a@example.org", "b@example.org")
    assert answer(delivery).id == answer(delivery, refused("x"), refused("y")).id
    assert answer(delivery).id != answer(part_of(delivery, [0])).id
    assert answer(delivery).id != delivery.id


@pytest.mark.parametrize(
    ("ret", "size", "whole"),
    [("", 100, True), ("RET=FULL", 100, True), ("RET=HDRS", 100, False), ("", RETURN_LIMIT + 1, False)],
)
def test_the_message_comes_back_whole_or_its_headers_do(ret: str, size: int, whole: bool):  # noqa: FBT001 - a case
    message = MESSAGE + b"x" * (size - len(MESSAGE))
    bounce = answer(make_delivery("a@example.org", sender_args=(ret,) if ret else ()), message=message)
    _, parts, _ = parse(bounce)
    assert parts[2].get_content_type() == ("message/rfc822" if whole else "text/rfc822-headers")
    assert b"Subject: hello\n" in bounce.head
    assert (message in bounce.head) is whole


def test_what_the_sender_called_message_and_recipients_is_named():
    recipient = Recipient("a@example.org", ("ORCPT=rfc822;first+2Blast@example.org",))
    delivery = make_delivery("x", recipients=(recipient,), sender_args=("ENVID=order+2042",))
    _, _, (about, first) = parse(answer(delivery))
    assert about["Original-Envelope-Id"] == "order 42"
    assert first["Original-Recipient"] == "rfc822; first+last@example.org"


def test_recipients_whose_sender_does_not_want_to_know_are_left_out():
    delivery = make_delivery(
        "a@example.org",
        "b@example.org",
        "c@example.org",
        recipients=(
            Recipient("a@example.org", ("NOTIFY=NEVER",)),
            Recipient("b@example.org", ("NOTIFY=SUCCESS",)),
            Recipient("c@example.org", ("notify=success,failure",)),
        ),
    )
    _, _, groups = parse(answer(delivery))
    assert [group["Final-Recipient"] for group in groups[1:]] == ["rfc822; c@example.org"]
    silent = part_of(delivery, [0, 1])
    assert make_bouncer().answer(Part(silent, (refused(),) * 2), MESSAGE, RELAY) == Answer()


@pytest.mark.parametrize(
    ("changes", "reply"),
    [
        ({"sender": ""}, refused()),
        ({"sender": "MAILER-DAEMON@mill.example.net"}, refused()),
        ({"verdict": "spam"}, refused()),
        ({"verdict": "high scoring spam"}, refused()),
        ({"verdict": "infected"}, refused()),
        ({"verdict": "forbidden attachment"}, refused()),
        ({}, Reply(Result.REFUSED, "never answered", unconfirmed=True)),
    ],
)
def test_what_must_not_be_returned_is_kept_and_the_postmaster_hears_where(
    changes: dict[str, str], reply: Reply
):
    quarantine = MemoryQuarantine()
    delivery = make_delivery("a@example.org", **changes)
    answer = make_bouncer(quarantine).answer(Part(delivery, (reply,)), MESSAGE, RELAY)
    ((mail, record),) = quarantine.stored
    assert (mail.content, mail.id, mail.queue_id) == (MESSAGE, delivery.id, "4XyZ")
    assert record.envelope.recipients == delivery.recipients
    assert record.reasons == (reply.text,)
    notice = answer.delivery
    assert notice is not None
    _, parts, _ = parse(notice)
    assert (notice.sender, notice.recipients) == ("", (Recipient("postmaster@example.net"),))
    assert parts[2].get_content_type() == "text/rfc822-headers"
    assert answer.place in parts[0].get_content()
    assert is_last_resort(notice)


def test_what_was_never_scanned_comes_back_without_its_content():
    bounce = answer(make_delivery("a@example.org", verdict="not scanned"))
    assert bounce.recipients == (Recipient("s@example.com"),)
    assert parse(bounce)[1][2].get_content_type() == "text/rfc822-headers"


def test_what_cannot_be_kept_is_an_error():
    quarantine = MemoryQuarantine()
    quarantine.full = True
    with pytest.raises(QuarantineError):
        make_bouncer(quarantine).answer(
            Part(make_delivery("a@example.org", sender=""), (refused(),)), MESSAGE, RELAY
        )


def test_a_refused_bounce_goes_to_the_postmaster_and_a_refused_notice_nowhere():
    bounce = answer(make_delivery("a@example.org"))
    assert not is_last_resort(bounce)
    notice = answer(bounce)
    assert is_last_resort(notice)
    assert make_bouncer().answer(Part(notice, (refused(),)), MESSAGE, RELAY) == Answer()


def test_a_message_without_recipients_goes_to_the_postmaster():
    notice = answer(make_delivery(covers=("0",)))
    assert notice.recipients == (Recipient("postmaster@example.net"),)


def test_an_expired_delivery_says_so():
    late = Reply(Result.DEFERRED, "451 4.3.0 later")
    _, parts, (_, first) = parse(answer(make_delivery("a@example.org"), late, expired=True))
    assert first["Status"] == "4.4.7"
    assert "too long" in parts[0].get_content()


def test_a_sender_outside_ascii_gets_its_bounce():
    bounce = answer(make_delivery("grün@example.org", sender="jürgen@example.com"))
    assert bounce.sender_args == ("SMTPUTF8",)
    assert "To: jürgen@example.com\n".encode() in bounce.head
    assert rb"Final-Recipient: utf-8; gr\x{FC}n@example.org" in bounce.head


@given(st.binary(max_size=60), st.text(max_size=30), st.text(max_size=40), st.text(max_size=20))
def test_nothing_of_a_message_or_a_reply_breaks_the_report(
    message: bytes, recipient: str, text: str, envid: str
):
    line = "".join(char for char in text if char.isprintable())  # as `printable` leaves it
    delivery = make_delivery(recipient, sender_args=(f"ENVID={envid}",))
    bounce = answer(delivery, Reply(Result.REFUSED, line), message=message)
    headers, _, _ = bounce.head.partition(b"\n\n")
    assert len(headers.split(b"\n")) in {9, 10}
    parsed = email.message_from_bytes(bounce.head)
    assert [part.get_content_type() for part in parsed.get_payload()] == [
        "text/plain",
        "message/delivery-status",
        "message/rfc822",
    ]
    assert len(parsed.get_payload()[1].get_payload()) == 2


@pytest.mark.parametrize("mark", ["notice:sender:0", "notice:recipient:2"])
def test_a_letter_about_a_message_that_is_refused_is_lost(mark):
    letter = make_delivery("a@example.org", sender="", covers=(mark,))
    bouncer = make_bouncer()
    assert bouncer.answer(Part(letter, (refused(),)), MESSAGE, RELAY) == Answer()


def test_the_sender_does_not_hear_of_a_copy_that_was_forwarded():
    copy = make_delivery("archive@example.org", covers=("forward:archive@example.org",), verdict="clean")
    quarantine = MemoryQuarantine()
    answered = make_bouncer(quarantine=quarantine).answer(Part(copy, (refused(),)), MESSAGE, RELAY)
    assert answered.place
    assert answered.delivery.verdict == "notice"
    assert answered.delivery.recipients != (Recipient(copy.sender),)
