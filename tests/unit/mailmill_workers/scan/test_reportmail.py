import email
import email.policy

from hypothesis import given
from hypothesis import strategies as st

from mailmill.reports.template import Values
from mailmill_workers.scan.reportmail import Frame, multipart, report_mail, text_part

FRAME = Frame('"Mailmill" <postmaster@example.com>', "s@example.org", "<1.2@host>", 1_800_000_000.0)
VALUES = Values(
    {"from": "s@example.org", "subject": "Grüße", "who": "Jürgen", "post": "p@example.com"}, {"org": "acme"}
)


def parsed(text, values=VALUES, returned=None):
    data = report_mail(text, values, FRAME, returned)
    assert b"\r" not in data
    return email.message_from_bytes(data, policy=email.policy.default)


def test_headers_of_the_file_and_what_every_report_has():
    message = parsed(
        'From: "$who" <$post>\nTo: $from\nSubject: Über $subject\nX-%org%-Scan: yes\n\nHallo $who\n'
    )
    assert str(message["From"]) == "Jürgen <p@example.com>"
    assert message["From"].addresses[0].addr_spec == "p@example.com"
    assert message["To"] == "s@example.org"
    assert message["Subject"] == "Über Grüße"
    assert message["X-acme-Scan"] == "yes"
    assert message["Date"] == "Fri, 15 Jan 2027 08:00:00 +0000"
    assert message["Message-ID"] == "<1.2@host>"
    assert message["Auto-Submitted"] == "auto-replied"
    assert message.get_content() == "Hallo Jürgen\n"


def test_a_file_without_headers_gets_them():
    message = parsed("Hello\n")
    assert (message["From"], message["To"]) == ("Mailmill <postmaster@example.com>", "s@example.org")
    assert message.get_content() == "Hello\n"


def test_what_the_file_may_not_decide():
    message = parsed(
        "Subject: x\nContent-Type: text/html\nMIME-Version: 9\nDate: never\nBcc: b@example.com\n"
        "Message-ID: <x>\nAuto-Submitted: no\n\nx\n"
    )
    assert message.get_content_type() == "text/plain"
    assert "Bcc" not in message
    assert [
        len(message.get_all(name)) for name in ("Date", "Message-ID", "Auto-Submitted", "MIME-Version")
    ] == [1] * 4
    assert message["Auto-Submitted"] == "auto-replied"


def test_an_address_header_without_an_address_does_not_count():
    message = parsed('From: "Scanner" <$Config::LocalPostmaster>\nTo: everybody\nSubject: x\n\nHello\n')
    assert (message["From"], message["To"]) == ("Mailmill <postmaster@example.com>", "s@example.org")


def test_a_header_with_a_name_that_is_none_is_left_out():
    message = parsed("X-$who: x\nSubject: y\n\nbody\n")
    assert [name for name in message if "J" in name] == []


def test_the_message_that_it_is_about_comes_with_it():
    message = parsed("Hello\n", returned=b"Content-Type: message/rfc822\n\nSubject: inner\n\nb\n")
    text, inner = message.iter_parts()
    assert text.get_content() == "Hello\n"
    assert inner.get_content()["Subject"] == "inner"


def test_a_multipart_of_eight_bits_says_so():
    assert b"Content-Transfer-Encoding: 8bit" in multipart("x", b"Content-Type: text/plain\n\n\xe9\n")


lines = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=200)


@given(lines, lines)
def test_no_value_breaks_out_of_its_header_and_text_comes_back(value, text):
    values = Values({"x": value}, {})
    data = report_mail("To: $x\nSubject: $x\nX-Y: $x\n\nbody\n", values, FRAME)
    head, _, _ = data.partition(b"\n\n")
    names = [line.partition(b":")[0] for line in head.split(b"\n") if not line.startswith((b" ", b"\t"))]
    allowed = {b"From", b"To", b"Subject", b"X-Y", b"Date", b"Message-ID", b"Auto-Submitted", b"MIME-Version"}
    assert set(names) <= allowed | {b"Content-Type", b"Content-Transfer-Encoding"}
    part = email.message_from_bytes(text_part(text), policy=email.policy.default)
    assert part.get_payload(decode=True).decode() == text.rstrip("\n") + "\n"
