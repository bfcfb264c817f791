"""One message of spam, and what each of its recipients' rules make of it; and who is written to."""

import email
import email.policy
import re

import pytest

from mailmill_local.load import Letter
from mailmill_local.samples import GTUBE

pytestmark = pytest.mark.system

SENDER = "author@example.org"
SPAM = (
    b"From: author@example.org\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\nMessage-ID: <spam@example.org>\n\n"
    b"trailing blanks  \n\xe9\n.\n" + GTUBE.encode() + b"\n"
)
FORBIDDEN = (
    b"From: author@example.org\nSubject: a program\nMIME-Version: 1.0\n"
    b'Content-Type: multipart/mixed; boundary="x"\n\n--x\n\nhello\n'
    b'--x\nContent-Type: application/octet-stream; name="setup.exe"\n\nnot really\n--x--\n'
)
RULES = """
To: wrapped@example.com deliver attachment header "X-Spam-Status: Yes"
To: forwarded@example.com forward _TOUSER_@archive.example.net
To: told@example.com store notify
To: bounced@example.com delete bounce
FromOrTo: default deliver header "X-Spam-Status: Yes"
"""
TAGS = "To: tagged@example.com start\nTo: behind@example.com end\nFromOrTo: default no\n"
GERMAN = 'Subject: Gestoppt: $subject\nFrom: "$postmastername" <$localpostmaster>\n\nMüll von $from an $to.\n'


def changes(ports, directory):
    rules = {
        "actions": RULES,
        "bounce": "To: bounced@example.com yes\nFromOrTo: default no\n",
        "tags": TAGS,
        "senders": f"From: {SENDER} yes\nFromOrTo: default no\n",
        "cleaned": "To: warned@example.com yes\nFromOrTo: default no\n",
    }
    for name, text in rules.items():
        (directory / f"{name}.rules").write_text(text)
    (directory / "german.txt").write_bytes(GERMAN.encode("latin-1"))
    return {
        "Spam Actions": str(directory / "actions.rules"),
        "Spam Modify Subject": str(directory / "tags.rules"),
        "Spam Subject Text": "{Müll _SCORE_}",
        "Enable Spam Bounce": str(directory / "bounce.rules"),
        "Notify Senders": str(directory / "senders.rules"),
        "Deliver Cleaned Messages": str(directory / "cleaned.rules"),
        "Recipient Spam Report": str(directory / "german.txt"),
        "High SpamAssassin Score": "10000",
    }


def arrived(running, *letters):
    """What is in the relay's Maildir now, by recipient, after these letters."""
    running.system.relay.mailbox.clear()
    assert all(answer.accepted for answer in running.send(list(letters)))
    running.wait_until_empty()
    found = {}
    for message in running.system.relay.mailbox.messages():
        found.setdefault(message.recipient, []).append(message)
    return found


def kept(running):
    """The messages in the quarantine that were stopped."""
    return set(running.system.places.quarantine.glob("*/*/message"))


def parsed(received):
    return email.message_from_bytes(received.data, policy=email.policy.default)


def test_each_recipients_rules_decide_about_his_copy_alone(running):
    names = ("plain", "wrapped", "forwarded", "told", "bounced")
    spam = Letter(SENDER, tuple(f"{name}@example.com" for name in names), SPAM)
    found = arrived(running, spam)
    assert {recipient: len(copies) for recipient, copies in found.items()} == {
        "plain@example.com": 1,
        "wrapped@example.com": 1,
        "forwarded@archive.example.net": 1,
        "told@example.com": 1,
        SENDER: 1,
    }
    (plain,) = found["plain@example.com"]
    assert plain.body == spam.body
    assert plain.header("X-Spam-Status") == "Yes"
    (forwarded,) = found["forwarded@archive.example.net"]
    assert (forwarded.sender, forwarded.body) == (SENDER, spam.body)

    (wrapped,) = found["wrapped@example.com"]
    outside = parsed(wrapped)
    assert not outside.defects
    assert outside["Subject"] == "Grüße"
    warning, inside = outside.iter_parts()
    assert f"From:    {SENDER}" in warning.get_content()
    assert inside.get_content_type() == "message/rfc822"
    assert spam.body in wrapped.data

    (told,) = found["told@example.com"]
    assert told.sender == ""
    assert parsed(told)["Subject"] == "Gestoppt: Grüße"
    assert parsed(told).get_content() == f"Müll von {SENDER} an told@example.com.\n"
    assert len(list(running.system.places.quarantine.glob("*/spam/*.envelope"))) == 1

    (bounce,) = found[SENDER]
    assert bounce.sender == ""
    assert parsed(bounce)["Auto-Submitted"] == "auto-replied"
    text = parsed(bounce).get_content()
    assert "bounced@example.com" in text
    assert "plain@example.com" not in text


def test_a_sender_hears_of_a_forbidden_attachment_where_the_rules_say_so(running):
    told = Letter(SENDER, ("a@example.com",), FORBIDDEN)
    not_told = Letter("stranger@example.org", ("b@example.com",), FORBIDDEN)
    from_a_list = Letter(SENDER, ("c@example.com",), b"Precedence: list\n" + FORBIDDEN)
    found = arrived(running, told, not_told, from_a_list)
    assert {address for address in found if not address.startswith("postmaster@")} == {SENDER}
    (letter,) = found[SENDER]
    assert letter.sender == ""
    assert "setup.exe" in parsed(letter).get_content()
    assert "a@example.com" in parsed(letter).get_content()


def test_a_warning_stands_in_place_of_a_forbidden_message_where_the_rules_say_so(running):
    letter = Letter("stranger@example.org", ("warned@example.com", "other@example.com"), FORBIDDEN)
    before = kept(running)
    found = arrived(running, letter)
    (path,) = kept(running) - before
    assert path.read_bytes().endswith(letter.body)
    assert {address for address in found if not address.startswith("postmaster@")} == {"warned@example.com"}
    (warning,) = found["warned@example.com"]
    assert warning.sender == "stranger@example.org"
    assert parsed(warning)["Subject"] == "a program"
    assert "setup.exe" in parsed(warning).get_content()
    assert b"not really" not in warning.data


def test_the_subject_is_tagged_for_those_whose_rules_say_so_and_nothing_else_changes(running):
    # Postfix adds a Date where there is none.
    spam = b"Date: Mon, 23 Nov 2026 00:00:00 +0000\n" + SPAM
    letter = Letter(SENDER, ("plain@example.com", "tagged@example.com", "behind@example.com"), spam)
    found = arrived(running, letter)
    (plain,), (tagged,), (behind,) = (found[f"{name}@example.com"] for name in ("plain", "tagged", "behind"))
    assert plain.data.endswith(spam)
    start, subject, end = spam.partition(b"=?utf-8?q?Gr=C3=BC=C3=9Fe?=")
    added, _, rest = tagged.data.partition(start)[2].partition(subject)
    assert re.fullmatch(rb"=\?utf-8\?[^ ]*\?=\s+", added)
    assert rest == end
    added = behind.data.partition(start + subject)[2].removesuffix(end)
    assert re.fullmatch(rb"\s+=\?utf-8\?[^ ]*\?=", added)
    assert re.fullmatch(r"\{Müll \d+\} Grüße", parsed(tagged)["Subject"])
    assert re.fullmatch(r"Grüße \{Müll \d+\}", parsed(behind)["Subject"])
