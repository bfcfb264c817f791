"""What Spam Actions and its relatives do, and who is written to."""

import email
import email.policy

import pytest

from mailmill.envelope import Recipient
from mailmill.findings import Forbidden, Found, Scored, Unscannable
from mailmill.messagelog.events import Step
from mailmill.settings import Settings
from mailmill_workers.scan.decision import Decider
from mailmill_workers.scan.quarantine import Quarantine

SPAM = Scored(7.0, (("BAYES_99", 4.0), ("GTUBE", 3.0)))
HIGH = Scored(70.0, (("GTUBE", 70.0),))
TWO = ("a@example.com", "b@example.com")


@pytest.fixture
def decide(tmp_path):
    def run(mail, report, values=None, done=frozenset(), files=()):
        for name, text in files:
            (tmp_path / name).write_text(text.replace("HERE", str(tmp_path)))
        known = {
            "%org-name%": "acme",
            "Quarantine Dir": str(tmp_path / "q"),
            "Local Postmaster": "post@example.com",
        }
        rules = {name: value.replace("HERE", str(tmp_path)) for name, value in (values or {}).items()}
        settings = Settings.of(known | rules)
        decider = Decider(settings, Quarantine(tmp_path / "q", 0o640), "scan@w1", lambda: 1_800_000_001.0)
        return decider.decide(mail, report, frozenset(done), 0.01)

    return run


def to(delivery):
    return [recipient.address for recipient in delivery.recipients]


def message(delivery):
    return email.message_from_bytes(delivery.head, policy=email.policy.default)


def letters(decision, whom):
    return [d for d in decision.deliveries if any(mark.startswith(f"notice:{whom}:") for mark in d.covers)]


def folders(tmp_path):
    return {path.parent.name for path in (tmp_path / "q").rglob("*") if path.is_file()}


# forward


def test_forward_without_deliver_goes_in_the_recipients_place(decide, make_mail, make_report):
    decision = decide(make_mail(TWO), make_report(spam=SPAM), {"Spam Actions": "forward spam@example.net"})
    (delivery,) = decision.deliveries
    assert to(delivery) == ["spam@example.net"]
    assert delivery.covers == ("forward:spam@example.net",)
    assert delivery.sender == "s@example.org"
    assert decision.events[0].detail.endswith("; forwarded to spam@example.net")
    assert [event.step for event in decision.events] == [Step.SCANNED]


def test_forward_with_deliver_goes_to_both(decide, make_mail, make_report):
    values = {"Non Spam Actions": "deliver forward copy@example.net"}
    decision = decide(make_mail(), make_report(), values)
    assert [to(d) for d in decision.deliveries] == [["a@example.com"], ["copy@example.net"]]
    assert {d.content for d in decision.deliveries} == {decision.outcome.mail_id}


def test_a_rule_that_forwards_for_one_recipient_leaves_the_other_alone(decide, make_mail, make_report):
    files = [("actions.rules", "To: a@example.com forward boss@example.net\nFromOrTo: default deliver\n")]
    decision = decide(make_mail(TWO), make_report(), {"Non Spam Actions": "HERE/actions.rules"}, files=files)
    assert [to(d) for d in decision.deliveries] == [["b@example.com"], ["boss@example.net"]]


def test_keywords_split_what_is_forwarded_by_recipient(decide, make_mail, make_report):
    values = {"Spam Actions": "forward _TOUSER_@spam.example"}
    decision = decide(make_mail(TWO), make_report(spam=SPAM), values)
    assert [to(d) for d in decision.deliveries] == [["a@spam.example"], ["b@spam.example"]]


def test_nobody_gets_a_message_twice_by_forward(decide, make_mail, make_report):
    values = {"Non Spam Actions": "HERE/actions.rules"}
    rules = (
        "To: a@example.com deliver forward b@example.com x@example.net\n"
        'FromOrTo: default deliver forward X@example.net header "A: b"\n'
    )
    decision = decide(make_mail(TWO), make_report(), values, files=[("actions.rules", rules)])
    assert sorted(address for d in decision.deliveries for address in to(d)) == [*TWO, "x@example.net"]


def test_what_was_forwarded_in_an_earlier_scan_is_not_again(decide, make_mail, make_report):
    values = {"Non Spam Actions": "deliver forward x@example.net a@example.com"}
    decision = decide(make_mail(), make_report(), values, done={"0", "forward:x@example.net"})
    assert decision.deliveries == ()
    decision = decide(make_mail(), make_report(), values, done={"forward:x@example.net"})
    assert [to(d) for d in decision.deliveries] == [["a@example.com"]]
    decision = decide(make_mail(TWO), make_report(), values, done={"0"})
    assert [to(d) for d in decision.deliveries] == [["b@example.com"], ["x@example.net"]]


def test_an_address_that_a_keyword_leaves_empty_keeps_the_message(decide, make_mail, make_report, tmp_path):
    values = {"Spam Actions": "forward _FROMUSER_@example.net"}
    decision = decide(make_mail(sender=""), make_report(spam=SPAM), values)
    assert decision.deliveries == ()
    assert folders(tmp_path) == {"spam"}


def test_reports_that_the_sender_asked_for_are_not_about_copies(decide, make_mail, make_report):
    mail = make_mail(sender_args=("RET=FULL", "ENVID=x", "BODY=8BITMIME"))
    values = {"Non Spam Actions": "forward jürgen@example.net"}
    (delivery,) = decide(mail, make_report(), values).deliveries
    assert delivery.sender_args == ("BODY=8BITMIME", "SMTPUTF8")


# store


def test_store_says_where(decide, make_mail, make_report, tmp_path):
    decide(make_mail(), make_report(), {"Non Spam Actions": "store-spam"})
    assert folders(tmp_path) == {"spam"}


# attachment


def test_attachment_delivers_the_message_inside_of_a_warning(decide, make_mail, make_report):
    mail = make_mail()
    values = {"Spam Actions": 'deliver attachment header "X-Spam-Status: Yes"'}
    (delivery,) = decide(mail, make_report(spam=SPAM), values).deliveries
    assert delivery.content == mail.id
    whole = email.message_from_bytes(
        delivery.head + mail.content + delivery.tail, policy=email.policy.default
    )
    assert whole["X-Spam-Status"] == "Yes"
    assert whole["Subject"] == "hello"
    warning, attached = whole.iter_parts()
    assert "Reason: spam, rspamd (score=7, required 6, BAYES_99 4.00, GTUBE 3.00)" in warning.get_content()
    assert attached.get_content()["Subject"] == "hello"


def test_without_a_warning_there_is_no_attachment(decide, make_mail, make_report):
    values = {"Spam Actions": "deliver attachment", "Inline Spam Warning": ""}
    (delivery,) = decide(make_mail(), make_report(spam=SPAM), values).deliveries
    assert delivery.tail == b""


# notify


def test_notify_tells_each_recipient_alone(decide, make_mail, make_report, tmp_path):
    decision = decide(make_mail(TWO), make_report(spam=SPAM), {"Spam Actions": "store notify"})
    assert [to(d) for d in decision.deliveries] == [["a@example.com"], ["b@example.com"]]
    first = message(decision.deliveries[0])
    assert decision.deliveries[0].sender == ""
    assert first["To"] == "a@example.com"
    assert first["Subject"] == "Spam was stopped: hello"
    assert first["From"] == "Mailmill <post@example.com>"
    assert first["X-acme-MailScanner"] == "generated"
    assert "b@example.com" not in str(first)
    assert "Reason: spam, rspamd\n" in first.get_content()
    assert folders(tmp_path) == {"spam"}


def test_notify_alone_deletes_and_says_so(decide, make_mail, make_report):
    decision = decide(make_mail(), make_report(spam=SPAM), {"Spam Actions": "notify"})
    assert len(decision.deliveries) == 1
    assert decision.events[-1].step is Step.DELETED


def test_who_was_told_before_is_not_told_again(decide, make_mail, make_report):
    values = {"Spam Actions": "store notify"}
    decision = decide(make_mail(TWO), make_report(spam=SPAM), values, done={"notice:recipient:0"})
    assert [to(d) for d in decision.deliveries] == [["b@example.com"]]


def test_the_text_is_the_sites_and_may_differ_between_recipients(decide, make_mail, make_report):
    values = {"Spam Actions": "store notify", "Recipient Spam Report": "HERE/r.rules"}
    files = [
        ("r.rules", "To: a@example.com HERE/de.txt\nFromOrTo: default /none.txt\n"),
        ("de.txt", "Subject: Werbung von $from\n\nAn $to, Nummer $id ($nothing)\n"),
    ]
    one, other = decide(make_mail(TWO), make_report(spam=SPAM), values, files=files).deliveries
    assert message(one)["Subject"] == "Werbung von s@example.org"
    assert message(one).get_content() == "An a@example.com, Nummer 01KB000000ABCDEFGH-4cXyZ1 ($nothing)\n"
    assert message(other)["Subject"] == "Spam was stopped: hello"


# bounce


BOUNCE = {"Spam Actions": "delete bounce", "Enable Spam Bounce": "yes"}


def test_bounce_tells_the_sender_once_for_all(decide, make_mail, make_report):
    decision = decide(make_mail(TWO), make_report(spam=SPAM), BOUNCE)
    (letter,) = decision.deliveries
    assert to(letter) == ["s@example.org"]
    assert letter.sender == ""
    assert letter.covers == ("notice:sender:0", "notice:sender:1")
    assert message(letter)["Subject"] == "Your message was taken for spam"
    assert "a@example.com, b@example.com" in message(letter).get_content()


@pytest.mark.parametrize("score", [SPAM, HIGH])
def test_bounce_needs_leave_and_is_never_for_high_scoring_spam(decide, make_mail, make_report, score):
    values = {"Spam Actions": "delete bounce", "High Scoring Spam Actions": "delete bounce"}
    high = {"Enable Spam Bounce": "yes"} if score is HIGH else {}
    assert decide(make_mail(), make_report(spam=score), values | high).deliveries == ()


def test_what_a_rule_calls_spam_is_bounced_with_its_own_text(decide, make_mail, make_report):
    (letter,) = decide(make_mail(), make_report(), BOUNCE | {"Is Definitely Spam": "yes"}).deliveries
    assert message(letter)["Subject"] == "Your message was not accepted"
    assert "Reason: spam (blacklisted)\n" in message(letter).get_content()


def test_mail_that_is_no_spam_is_never_bounced(decide, make_mail, make_report):
    values = {"Non Spam Actions": "deliver bounce", "Enable Spam Bounce": "yes"}
    assert letters(decide(make_mail(), make_report(), values), "sender") == []


def test_a_bounce_returns_the_message_where_that_is_wanted(decide, make_mail, make_report):
    values = BOUNCE | {"Bounce Spam As Attachment": "yes"}
    (short,) = decide(make_mail(), make_report(spam=SPAM), values).deliveries
    assert list(message(short).iter_parts())[1].get_content()["Subject"] == "hello"
    content = b"Subject: hello\n\n" + b"x\n" * 30_000
    (long,) = decide(make_mail(content=content), make_report(spam=SPAM), values).deliveries
    assert [p.get_content_type() for p in message(long).iter_parts()] == ["text/plain", "text/rfc822-headers"]


@pytest.mark.parametrize(
    ("sender", "headers"),
    [
        ("", b""),
        ("mailer-daemon@example.org", b""),
        ("s@example.org", b"Precedence: Bulk\n"),
        ("s@example.org", b"Auto-Submitted: auto-replied\n"),
        ("s@example.org", b"List-Id: <x.example.org>\n"),
    ],
)
def test_programs_and_lists_are_never_written_to(decide, make_mail, make_report, sender, headers):
    mail = make_mail(sender=sender, content=headers + b"Subject: x\n\nx\n")
    assert decide(mail, make_report(spam=SPAM), BOUNCE).deliveries == ()


def test_words_of_precedence_may_be_others(decide, make_mail, make_report):
    mail = make_mail(content=b"Precedence: bulk\nAuto-Submitted: no\n\nx\n")
    values = BOUNCE | {"Never Notify Senders Of Precedence": "junk"}
    assert len(decide(mail, make_report(spam=SPAM), values).deliveries) == 1


def test_a_sender_who_wants_no_reports_gets_none(decide, make_mail, make_report):
    mail = make_mail(
        recipients=(
            Recipient("a@example.com", ("NOTIFY=NEVER",)),
            Recipient("b@example.com", ("NOTIFY=FAILURE",)),
        )
    )
    (letter,) = decide(mail, make_report(spam=SPAM), BOUNCE).deliveries
    assert letter.covers == ("notice:sender:1",)
    assert "a@example.com" not in message(letter).get_content()


# rules of the spam scanner


@pytest.mark.parametrize(
    ("rules", "delivered", "stored"),
    [
        ("GTUBE=>delete", [], False),
        ("GTUBE=>not-deliver,store", [], True),
        ("OTHER=>delete", [["a@example.com"]], False),
        ("SpamScore>5=>forward x@example.net", [["a@example.com"], ["x@example.net"]], False),
        ("SpamScore>5=>delete, GTUBE=>deliver", [["a@example.com"]], False),
    ],
)
def test_rules_of_the_spam_scanner_change_actions(
    decide, make_mail, make_report, tmp_path, rules, delivered, stored
):
    decision = decide(make_mail(), make_report(spam=SPAM), {"SpamAssassin Rule Actions": rules})
    assert [to(d) for d in decision.deliveries] == delivered
    assert bool(folders(tmp_path)) is stored


def test_rules_do_not_count_for_whom_the_spam_scanner_does_not(decide, make_mail, make_report):
    values = {"SpamAssassin Rule Actions": "GTUBE=>delete", "Is Definitely Not Spam": "yes"}
    assert len(decide(make_mail(), make_report(spam=SPAM), values).deliveries) == 1


# senders of what was stopped

VIRUS = [("clamd", Found(("Win.Evil",)))]
EXE = [Forbidden("setup.exe", "executable", "No programs, please"), Forbidden("", "executable", "")]
TELL = {"Notify Senders": "yes", "Send Notices": "no"}


def test_the_sender_of_a_forbidden_attachment_is_told_where_that_is_wanted(decide, make_mail, make_report):
    (letter,) = decide(make_mail(), make_report(forbidden=EXE), TELL).deliveries
    assert to(letter) == ["s@example.org"]
    text = message(letter).get_content()
    assert "setup.exe, unnamed part" in text
    assert "setup.exe: No programs, please\nunnamed part: executable\n" in text


@pytest.mark.parametrize(
    "values",
    [{}, {"Notify Senders": "yes", "Notify Senders Of Blocked Filenames Or Filetypes": "no"}],
)
def test_the_sender_of_a_forbidden_attachment_is_not_told_otherwise(decide, make_mail, make_report, values):
    assert letters(decide(make_mail(), make_report(forbidden=EXE), values), "sender") == []


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, False),
        ({"Notify Senders Of Viruses": "yes"}, False),
        ({"Notify Senders Of Viruses": "yes", "Silent Viruses": ""}, True),
        ({"Notify Senders Of Viruses": "yes", "Silent Viruses": "evil"}, False),
        ({"Notify Senders Of Viruses": "yes", "Non-Forging Viruses": "Joke/ win.evil"}, True),
    ],
)
def test_senders_of_viruses_are_told_of_those_that_forge_nothing(
    decide, make_mail, make_report, values, told
):
    found = letters(decide(make_mail(), make_report(viruses=VIRUS), TELL | values), "sender")
    assert bool(found) is told
    if told:
        assert "clamd: Win.Evil" in message(found[0]).get_content()
        assert "the whole message" in message(found[0]).get_content()


def test_the_sender_of_what_cannot_be_looked_into_is_told(decide, make_mail, make_report):
    report = make_report(unpacked=Unscannable("500 parts"))
    values = TELL | {"Unscannable Messages": "quarantine"}
    (letter,) = letters(decide(make_mail(), report, values), "sender")
    assert message(letter)["Subject"] == "Your message was stopped: it cannot be scanned"


def test_a_language_without_a_report_tells_nobody(decide, make_mail, make_report):
    values = TELL | {"Sender Bad Filename Report": ""}
    assert decide(make_mail(), make_report(forbidden=EXE), values).deliveries == ()


# warnings in place of messages

CLEANED = {"Deliver Cleaned Messages": "yes", "Send Notices": "no"}


def test_a_warning_is_delivered_in_place_of_a_forbidden_message(decide, make_mail, make_report, tmp_path):
    content = b"Subject: hello\nContent-Type: text/html\nDKIM-Signature: v=1\n\n<p>secret</p>\n"
    (delivery,) = decide(make_mail(content=content), make_report(forbidden=EXE), CLEANED).deliveries
    assert (to(delivery), delivery.sender, delivery.covers) == (["a@example.com"], "s@example.org", ("0",))
    assert (delivery.content, delivery.tail) == ("", b"")
    warning = message(delivery)
    assert warning["Subject"] == "hello"
    assert warning["X-acme-MailScanner"] == "Found to be infected"
    assert warning["DKIM-Signature"] is None
    assert "setup.exe: No programs, please" in warning.get_content()
    assert "secret" not in warning.get_content()
    assert folders(tmp_path) == {"01KB000000ABCDEFGH-4cXyZ1"}


def test_what_is_delivered_in_place_is_each_recipients_own_matter(decide, make_mail, make_report):
    files = [("c.rules", "To: a@example.com yes\nFromOrTo: default no\n")]
    values = CLEANED | {"Deliver Cleaned Messages": "HERE/c.rules"}
    (delivery,) = decide(make_mail(TWO), make_report(forbidden=EXE), values, files=files).deliveries
    assert to(delivery) == ["a@example.com"]
    assert "b@example.com" not in message(delivery).get_content()


@pytest.mark.parametrize(("values", "delivered"), [({}, 0), ({"Silent Viruses": "HTML-IFrame"}, 1)])
def test_silent_viruses_are_silent_for_recipients_too(decide, make_mail, make_report, values, delivered):
    decision = decide(make_mail(), make_report(viruses=VIRUS), CLEANED | values)
    assert len(decision.deliveries) == delivered
    assert decision.events[-1].step is Step.QUARANTINED


# words of languages


def test_the_words_of_the_spam_header_are_the_recipients(decide, make_mail, make_report, tmp_path):
    (tmp_path / "de.conf").write_text("Spam = Werbung\nscore = Punkte\n")
    (tmp_path / "l.rules").write_text(f"To: a@example.com {tmp_path}/de.conf\n")
    one, other = decide(
        make_mail(TWO), make_report(spam=SPAM), {"Language Strings": "HERE/l.rules"}
    ).deliveries
    assert b"SpamCheck: Werbung, rspamd (Punkte=7, required 6" in one.head
    assert b"SpamCheck: spam, rspamd (score=7, required 6" in other.head


# notices


def test_notices_have_the_headers_and_a_signature_where_that_is_wanted(decide, make_mail, make_report):
    values = {"Notices Include Full Headers": "yes", "Notice Signature": "-- \\nThe mill"}
    (notice,) = decide(make_mail(), make_report(viruses=VIRUS), values).deliveries
    text = message(notice).get_content()
    assert "The headers of the message:\n\n    Received: from x\n    Subject: hello\n" in text
    assert text.endswith("-- \nThe mill\n")
    (plain,) = decide(make_mail(), make_report(viruses=VIRUS)).deliveries
    assert "Received:" not in message(plain).get_content()
