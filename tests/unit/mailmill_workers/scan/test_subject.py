"""Tags in subjects: of which messages, for whom, and which."""

import pytest

from mailmill.findings import Found, Scored, Unscannable
from mailmill.settings import Settings
from mailmill_workers.scan.decision import Decider
from mailmill_workers.scan.quarantine import Quarantine

SPAM = Scored(7.9, (("BAYES_99", 7.9),))
HIGH = Scored(70.0, (("GTUBE", 70.0),))
TAGGED = {"Spam Modify Subject": "start", "High Scoring Spam Modify Subject": "yes"}
SCANNED = {"Scanned Modify Subject": "yes"}
CONTENT = b"Received: from x\nSubject: hello\n\nA body.\n"


@pytest.fixture
def decide(tmp_path):
    def run(mail, report, values, rules=""):
        (tmp_path / "x.rules").write_text(rules)
        known = {"%org-name%": "acme", "Quarantine Dir": str(tmp_path / "q")}
        texts = {name: value.replace("HERE", str(tmp_path)) for name, value in values.items()}
        decider = Decider(Settings.of(known | texts), Quarantine(tmp_path / "q", 0o640), "scan@w1")
        return decider.decide(mail, report, frozenset(), 0.01).deliveries

    return run


def arrives(delivery, mail):
    content = mail.content[delivery.skip :] if delivery.content else b""
    return delivery.head + content + delivery.tail


def subject(delivery, mail):
    lines = arrives(delivery, mail).partition(b"\n\n")[0].split(b"\n")
    return next(line.removeprefix(b"Subject: ").decode() for line in lines if line.startswith(b"Subject:"))


@pytest.mark.parametrize("spam", [SPAM, HIGH])
def test_without_a_configuration_no_subject_is_changed(decide, make_mail, make_report, spam):
    mail = make_mail()
    (delivery,) = decide(mail, make_report(spam=spam), {})
    assert arrives(delivery, mail).endswith(mail.content)
    assert delivery.skip == 0


@pytest.mark.parametrize(
    ("spam", "values", "seen"),
    [
        (SPAM, TAGGED, "{Spam?} hello"),
        (SPAM, TAGGED | {"Spam Modify Subject": "end"}, "hello {Spam?}"),
        (SPAM, TAGGED | {"Spam Modify Subject": "yes", "Spam Subject Text": "Junk:"}, "Junk: hello"),
        (SPAM, TAGGED | {"Spam Modify Subject": "no"}, "hello"),
        (SPAM, TAGGED | {"Spam Subject Text": ""}, "hello"),
        (SPAM, TAGGED | {"Spam Subject Text": "{%org-name% _SCORE_ _STARS_}"}, "{acme 7 sssssss} hello"),
        (HIGH, TAGGED | {"High Scoring Spam Subject Text": "[_SCORE_]"}, "[70] hello"),
        (HIGH, TAGGED | {"High Scoring Spam Subject Text": "_STARS_", "Spam Score Character": "*"},
         "*" * 60 + " hello"),
        (HIGH, TAGGED | {"High Scoring Spam Modify Subject": "no"}, "hello"),
        (Scored(0.1), TAGGED, "hello"),
        (Scored(0.1), SCANNED, "hello {Scanned}"),
        (Scored(0.1), SCANNED | {"Scanned Modify Subject": "start"}, "{Scanned} hello"),
        (SPAM, SCANNED, "hello"),
    ],
)  # fmt: skip
def test_each_sort_of_message_has_its_tag(decide, make_mail, make_report, spam, values, seen):
    mail = make_mail()
    (delivery,) = decide(mail, make_report(spam=spam), values)
    assert subject(delivery, mail) == seen
    assert arrives(delivery, mail).partition(b"\n\n")[2] == b"A body.\n"


def test_nothing_but_the_tag_is_put_into_the_message(decide, make_mail, make_report):
    mail = make_mail()
    (delivery,) = decide(mail, make_report(spam=SPAM), TAGGED)
    assert arrives(delivery, mail).endswith(mail.content.replace(b"hello", b"{Spam?} hello"))
    assert delivery.content == mail.id


def test_each_recipient_has_the_tag_of_his_rules(decide, make_mail, make_report):
    mail = make_mail(("a@example.com", "b@example.com", "c@example.com", "d@example.com"))
    rules = "To: a@example.com end\nTo: b@example.com no\nFromOrTo: default start\n"
    deliveries = decide(mail, make_report(spam=SPAM), {"Spam Modify Subject": "HERE/x.rules"}, rules)
    assert {tuple(r.address[0] for r in one.recipients): subject(one, mail) for one in deliveries} == {
        ("a",): "hello {Spam?}",
        ("b",): "hello",
        ("c", "d"): "{Spam?} hello",
    }


@pytest.mark.parametrize(
    ("written", "values"),
    [
        (b"{Spam?} hello", TAGGED),
        (b"{spam?} hello", TAGGED),
        (b"=?utf-8?b?e1NwYW0/fSBow7Y=?=", TAGGED),
        (b"hello\n {Spam?}", TAGGED | {"Spam Modify Subject": "end"}),
    ],
)
def test_no_subject_is_tagged_twice(decide, make_mail, make_report, written, values):
    mail = make_mail(content=CONTENT.replace(b"hello", written))
    (delivery,) = decide(mail, make_report(spam=SPAM), values)
    assert arrives(delivery, mail).endswith(mail.content)


@pytest.mark.parametrize("text", ["{Spam?}", "{Müll, _SCORE_?}"])
@pytest.mark.parametrize("place", ["start", "end"])
def test_what_was_tagged_once_is_known_again(decide, make_mail, make_report, text, place):
    values = {"Spam Modify Subject": place, "Spam Subject Text": text}
    first = make_mail()
    (delivery,) = decide(first, make_report(spam=SPAM), values)
    again = make_mail(content=arrives(delivery, first))
    assert again.content != CONTENT
    (delivery,) = decide(again, make_report(spam=SPAM), values)
    assert delivery.skip == 0


def test_mail_with_a_signature_of_its_domain_is_tagged_as_spam_and_not_for_advertising(
    decide, make_mail, make_report
):
    mail = make_mail(content=b"DKIM-Signature: v=1\n" + CONTENT)
    (delivery,) = decide(mail, make_report(spam=SPAM), TAGGED)
    assert subject(delivery, mail) == "{Spam?} hello"
    (delivery,) = decide(mail, make_report(), SCANNED)
    assert subject(delivery, mail) == "hello"


def test_what_was_not_looked_into_is_not_said_to_be_scanned(decide, make_mail, make_report):
    mail = make_mail()
    unscannable = make_report(viruses=(("clamd", Unscannable("too large")),))
    (delivery,) = decide(mail, unscannable, SCANNED | {"Unscannable Messages": "pass"})
    assert subject(delivery, mail) == "hello"
    (delivery,) = decide(mail, make_report(), SCANNED | {"Virus Scanning": "no"})
    assert subject(delivery, mail) == "hello"


def test_a_warning_in_place_of_an_infected_message_has_its_subject(decide, make_mail, make_report):
    mail = make_mail()
    infected = make_report(viruses=(("clamd", Found(("EICAR",))),), spam=SPAM)
    values = TAGGED | {"Deliver Cleaned Messages": "yes", "Send Notices": "no"}
    (delivery,) = decide(mail, infected, values)
    assert subject(delivery, mail) == "hello"


def test_of_a_message_in_a_warning_the_outer_subject_is_tagged(decide, make_mail, make_report):
    mail = make_mail()
    (delivery,) = decide(mail, make_report(spam=SPAM), TAGGED | {"Spam Actions": "deliver attachment"})
    assert subject(delivery, mail) == "{Spam?} hello"
    assert mail.content in arrives(delivery, mail)


def test_a_forwarded_copy_is_tagged_too(decide, make_mail, make_report):
    mail = make_mail(content=b"\nbody\n")
    deliveries = decide(
        mail, make_report(spam=SPAM), TAGGED | {"Spam Actions": "deliver forward x@example.net"}
    )
    assert [subject(one, mail) for one in deliveries] == ["{Spam?}", "{Spam?}"]


def test_a_message_is_signed_and_tagged(decide, make_mail, make_report, tmp_path):
    (tmp_path / "sig.txt").write_text("\n-- \nscanned here\n")
    mail = make_mail()
    values = SCANNED | {"Sign Clean Messages": "yes", "Inline Text Signature": "HERE/sig.txt"}
    (delivery,) = decide(mail, make_report(), values)
    assert delivery.content == ""
    assert subject(delivery, mail) == "hello {Scanned}"
    assert delivery.head.endswith(b"\n\nA body.\n\n-- \nscanned here\n")
