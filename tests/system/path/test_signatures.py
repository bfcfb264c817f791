"""Texts at the end of clean messages: for whom the rules say so, never where that breaks a message."""

import base64
import email
import email.policy

import pytest

from mailmill_local.load import Letter

pytestmark = pytest.mark.system

HEAD = b"From: author@example.org\nSubject: a & b\nMessage-ID: <%s@example.org>\nMIME-Version: 1.0\n"
TEXT = "\n-- \nGrüße von $from\n"
HTML = "<p>Grüße, $subject</p>\n"
ATTACHED = (
    b'--m\nContent-Type: text/plain; name="a.txt"\nContent-Disposition: attachment; filename="a.txt"\n\n'
    b"trailing blanks  \n\xe9\n--m--\n"
)


def changes(ports, directory):
    rules = "To: plain@example.com no\nFromOrTo: default yes\n"
    (directory / "sign.rules").write_text(rules)
    (directory / "sig.txt").write_text(TEXT, encoding="utf-8")
    (directory / "sig.html").write_text(HTML, encoding="utf-8")
    return {
        "Required SpamAssassin Score": "10000",
        "Sign Clean Messages": str(directory / "sign.rules"),
        "Inline Text Signature": str(directory / "sig.txt"),
        "Inline HTML Signature": str(directory / "sig.html"),
    }


def arrived(running, *letters):
    """What is in the relay's Maildir now, by recipient, after these letters."""
    running.system.relay.mailbox.clear()
    assert all(answer.accepted for answer in running.send(list(letters)))
    running.wait_until_empty()
    found = {}
    for message in running.system.relay.mailbox.messages():
        assert found.setdefault(message.recipient, message) is message
    return found


def parsed(received):
    return email.message_from_bytes(received.data, policy=email.policy.default)


def test_clean_mail_is_signed_for_those_whose_rules_say_so(running):
    body = (
        HEAD % b"rules"
        + b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nHi \xc3\xa4\n"
    )
    letter = Letter(
        "author@example.org", ("plain@example.com", "signed@example.com", "too@example.com"), body
    )
    found = arrived(running, letter)
    assert found["plain@example.com"].body == letter.body
    for name in ("signed", "too"):
        signed = found[f"{name}@example.com"]
        assert signed.body == letter.body + TEXT.replace("$from", "author@example.org").encode()
        assert signed.sender == "author@example.org"
        assert signed.header("X-Spam-Status") == "No"


def test_both_alternatives_are_signed_and_an_attachment_stays_as_it_is(running):
    html = base64.encodebytes(b"<html><body><p>Hi</p></body></html>\r\n")
    body = (
        HEAD % b"alternatives"
        + b'Content-Type: multipart/mixed; boundary="m"\n\n--m\n'
        + b'Content-Type: multipart/alternative; boundary="a"\n\n--a\n'
        + b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n"
        + b"\nHi =C3=A4\n"
        + b"--a\nContent-Type: text/html; charset=iso-8859-1\nContent-Transfer-Encoding: base64\n\n"
        + html
        + b"--a--\n"
        + ATTACHED
    )
    (received,) = arrived(running, Letter("author@example.org", ("signed@example.com",), body)).values()
    assert received.data.endswith(ATTACHED)
    message = parsed(received)
    text = message.get_body(("plain",)).get_content()
    assert text.replace("\n\n", "\n") == "Hi ä\n-- \nGrüße von author@example.org\n"
    shown = message.get_body(("html",)).get_content()
    assert "<p>Hi</p>\n<p>Grüße, a &amp; b</p>\n</body></html>" in shown.replace("\r\n", "\n")


def test_what_is_signed_by_its_author_stays_as_it_is(running):
    pgp = (
        HEAD % b"pgp"
        + b'Content-Type: multipart/signed; protocol="application/pgp-signature"; boundary="s"\n\n'
        + b"--s\n\nHi  \n--s\nContent-Type: application/pgp-signature\n\n"
        + b"-----BEGIN PGP SIGNATURE-----\n\niQ==\n-----END PGP SIGNATURE-----\n--s--\n"
    )
    dkim = b"DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=x; bh=; b=\n" + HEAD % b"dkim" + b"\nHi\n"
    letters = [
        Letter("author@example.org", (f"{name}@example.com",), body)
        for name, body in (("pgp", pgp), ("dkim", dkim))
    ]
    found = arrived(running, *letters)
    for letter in letters:
        assert found[letter.recipients[0]].body == letter.body
