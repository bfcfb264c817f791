from hypothesis import given
from hypothesis import strategies as st

from mailmill.envelope import Client, Envelope
from mailmill.spoolfile import SpoolHeader
from mailmill_workers.engines.spamd import rows, with_sender
from mailmill_workers.mail import Mail

REPORT = """\
Spam detection software, running on the system "mx", has NOT identified this message.

Content preview:  1.0 FAKE_RULE
 ---- ---------------------- --------------------------------------------------
  5.0 FAKE_RULE             not a rule

Content analysis details:   (5.3 points, 5.0 required)

 pts rule name              description
---- ---------------------- --------------------------------------------------
-0.0 NO_RELAYS              Informational: message was not relayed via SMTP
 3.6 FREEMAIL_FROM          Sender email is commonly abused enduser mail
                            provider
                            2.0 [someone@example.org]
1000 GTUBE                  BODY: Generic Test for Unsolicited Bulk Email
 1.7 T_LONG_NAME_WITHOUT_ROOM
"""


def test_the_table_gives_rules_and_points():
    assert rows(REPORT) == (
        ("NO_RELAYS", 0.0),
        ("FREEMAIL_FROM", 3.6),
        ("GTUBE", 1000.0),
        ("T_LONG_NAME_WITHOUT_ROOM", 1.7),
    )


def test_a_report_without_a_table_has_no_rules():
    assert rows("1.0 NOT_A_RULE\nSpam\n") == ()


@given(st.text(alphabet="-. 10AB_\n", max_size=200))
def test_any_report_is_read(text):
    for rule, points in rows(text):
        assert rule
        assert isinstance(points, float)


def test_the_envelope_sender_stands_on_top():
    envelope = Envelope("s\n@example.org", (), Client("x", "192.0.2.1", 0, "x"))
    mail = Mail(
        SpoolHeader("01KB000000ABCDEFGH-4c1", "e", 0.0, "4c1", envelope), b"Received: from x\n\nbody\n"
    )
    assert with_sender(mail) == b"X-Envelope-From: <s?@example.org>\nReceived: from x\n\nbody\n"
