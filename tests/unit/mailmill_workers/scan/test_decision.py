import pytest

from mailmill.findings import Clean, Failed, Forbidden, Found, Scored, Unscannable
from mailmill.messagelog.events import Step
from mailmill.outcomes import ScanDeferred, Scanned
from mailmill.records import decode
from mailmill.settings import Settings
from mailmill_workers.scan.decision import Decider
from mailmill_workers.scan.quarantine import Quarantine, QuarantinedEnvelope

ID = "01KB000000ABCDEFGH-4cXyZ1"


@pytest.fixture
def decide(tmp_path):
    def run(mail, report, values=None, done=frozenset()):
        defaults = {"Notices To": "postmaster@example.com", "Quarantine Dir": str(tmp_path / "q")}
        settings = Settings.of(defaults | (values or {}))
        decider = Decider(settings, Quarantine(tmp_path / "q", 0o640), "scan@w1", lambda: 1_800_000_001.0)
        return decider.decide(mail, report, frozenset(done), 0.01)

    return run


def stored(tmp_path):
    root = tmp_path / "q"
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def head(delivery):
    return delivery.head.decode()


def test_clean_mail_goes_to_all_recipients_in_one_delivery_with_headers_on_top(
    decide, make_mail, make_report
):
    mail = make_mail(("a@example.com", "b@example.com"))
    decision = decide(mail, make_report())
    (delivery,) = decision.deliveries
    assert [r.address for r in delivery.recipients] == ["a@example.com", "b@example.com"]
    assert delivery.covers == ("0", "1")
    assert delivery.content == ID
    assert decision.outcome == Scanned(ID, (delivery.id,))
    lines = head(delivery).splitlines()
    assert lines[0].startswith("X-yoursite-MailScanner-Information: ")
    assert f"X-yoursite-MailScanner-ID: {ID}" in lines
    assert "X-yoursite-MailScanner: Found to be clean" in lines
    assert "X-yoursite-MailScanner-From: s@example.org" in lines
    assert lines[-1] == "X-Spam-Status: No"


def test_an_infected_message_is_quarantined_for_everybody_and_the_postmaster_is_told(
    decide, make_mail, make_report, tmp_path
):
    mail = make_mail(("a@example.com", "b@example.com"))
    decision = decide(mail, make_report(viruses=[("clamd", Found(("Eicar-Test-Signature",)))]))
    (notice,) = decision.deliveries
    assert notice.sender == ""
    assert [r.address for r in notice.recipients] == ["postmaster@example.com"]
    assert "Eicar-Test-Signature" in head(notice)
    assert notice.content == ""
    day = f"20270115/{ID}"
    assert stored(tmp_path) == {f"{day}/message", f"{day}/envelope"}
    assert (tmp_path / "q" / day / "message").read_bytes() == mail.content
    record: QuarantinedEnvelope = decode(
        (tmp_path / "q" / day / "envelope").read_bytes(), QuarantinedEnvelope
    )
    assert [r.address for r in record.envelope.recipients] == ["a@example.com", "b@example.com"]
    assert record.verdict == "infected"
    # Nothing was read: the version is that of no files.
    version = Settings.of().version
    assert record.configuration == version
    scanned = next(event for event in decision.events if event.step is Step.SCANNED)
    assert scanned.detail.endswith(f"; configuration {version}")


def test_a_forbidden_attachment_is_quarantined(decide, make_mail, make_report, tmp_path):
    report = make_report(forbidden=[Forbidden("setup.exe", "executable", "No programs, please")])
    decision = decide(make_mail(), report)
    assert "setup.exe: executable" in head(decision.deliveries[0])
    assert len(stored(tmp_path)) == 2


def test_a_virus_weighs_more_than_a_forbidden_attachment(decide, make_mail, make_report):
    report = make_report(viruses=[("clamd", Found(("V",)))], forbidden=[Forbidden("x.exe", "executable", "")])
    assert "Message stopped: infected" in head(decide(make_mail(), report).deliveries[0])


@pytest.mark.parametrize("answer", [Failed("down"), Unscannable("too large")])
def test_what_was_not_looked_into_is_never_called_clean(decide, make_mail, make_report, answer):
    values = {"Virus Scanner Failure": "pass", "Unscannable Messages": "pass"}
    (delivery,) = decide(make_mail(), make_report(viruses=[("clamd", answer)]), values).deliveries
    assert "Not fully scanned" in head(delivery)
    assert "clean" not in head(delivery)


def test_a_virus_scanner_without_an_answer_defers_by_default(decide, make_mail, make_report):
    decision = decide(make_mail(), make_report(viruses=[("clamd", Failed("down"))]))
    assert decision.outcome == ScanDeferred(ID, "clamd: down")
    assert decision.deliveries == ()


# MailScanner's B10: a password-protected archive is deleted, and the notice names no place.
@pytest.mark.parametrize("reason", ["size limit", "encrypted"])
def test_an_unscannable_message_is_quarantined_by_default(decide, make_mail, make_report, tmp_path, reason):
    (notice,) = decide(make_mail(), make_report(viruses=[("clamd", Unscannable(reason))])).deliveries
    assert len(stored(tmp_path)) == 2
    assert str(tmp_path / "q") in notice.head.decode().replace("=\n", "")


@pytest.mark.parametrize(
    ("policy", "outcome"), [("defer", ScanDeferred), ("pass", Scanned), ("quarantine", Scanned)]
)
def test_a_spam_scanner_without_an_answer_follows_its_policy(
    decide, make_mail, make_report, tmp_path, policy, outcome
):
    decision = decide(make_mail(), make_report(spam=Failed("timeout")), {"Spam Scanner Failure": policy})
    assert isinstance(decision.outcome, outcome)
    assert bool(stored(tmp_path)) == (policy == "quarantine") if outcome is Scanned else not stored(tmp_path)


def test_spam_gets_the_spam_actions_and_high_scoring_spam_its_own(decide, make_mail, make_report, tmp_path):
    values = {"Spam Actions": 'deliver header "X-Spam-Status: Yes"', "High Scoring Spam Actions": "store"}
    (delivery,) = decide(make_mail(), make_report(spam=Scored(7.2)), values).deliveries
    assert "X-Spam-Status: Yes" in head(delivery)
    assert "SpamScore: sssssss\n" in head(delivery)
    assert stored(tmp_path) == set()
    decision = decide(make_mail(), make_report(spam=Scored(12.0)), values)
    assert decision.deliveries == ()
    assert stored(tmp_path) == {f"20270115/spam/{ID}", f"20270115/spam/{ID}.envelope"}


def test_deleted_mail_is_said_to_be_deleted(decide, make_mail, make_report, tmp_path):
    decision = decide(make_mail(), make_report(spam=Scored(20.0)), {"High Scoring Spam Actions": "delete"})
    assert decision.outcome == Scanned(ID, ())
    assert [str(event.step) for event in decision.events] == ["scanned", "deleted"]
    assert stored(tmp_path) == set()


def test_rules_that_differ_between_recipients_split_the_message(decide, make_mail, make_report, tmp_path):
    rules = tmp_path / "spam.rules"
    rules.write_text("To: strict@example.com 1\nFromOrTo: default 6\n")
    mail = make_mail(("a@example.com", "strict@example.com", "b@example.com"))
    decision = decide(
        mail,
        make_report(spam=Scored(3.0)),
        {"Required SpamAssassin Score": str(rules), "Spam Actions": "store"},
    )
    (delivery,) = decision.deliveries
    assert [r.address for r in delivery.recipients] == ["a@example.com", "b@example.com"]
    assert delivery.covers == ("0", "2")
    record_path = tmp_path / "q" / "20270115" / "spam" / f"{ID}.envelope"
    record: QuarantinedEnvelope = decode(record_path.read_bytes(), QuarantinedEnvelope)
    assert [r.address for r in record.envelope.recipients] == ["strict@example.com"]


def test_what_was_confirmed_before_is_not_delivered_again(decide, make_mail, make_report):
    mail = make_mail(("a@example.com", "b@example.com"))
    (delivery,) = decide(mail, make_report(), done={"0"}).deliveries
    assert [r.address for r in delivery.recipients] == ["b@example.com"]
    assert decide(mail, make_report(), done={"0", "1"}).outcome == Scanned(ID, ())


def test_a_notice_that_was_confirmed_before_is_not_sent_again(decide, make_mail, make_report):
    report = make_report(viruses=[("clamd", Found(("V",)))])
    assert decide(make_mail(), report, done={"notice:postmaster@example.com"}).deliveries == ()


def test_a_message_that_cannot_be_stored_is_deferred(decide, make_mail, make_report, tmp_path):
    (tmp_path / "q").write_text("a file where the directory should be")
    decision = decide(make_mail(), make_report(viruses=[("clamd", Found(("V",)))]))
    assert isinstance(decision.outcome, ScanDeferred)
    assert "cannot be stored" in decision.outcome.reason


def test_the_allowed_sender_is_never_spam_but_a_virus_of_theirs_is_stopped(
    decide, make_mail, make_report, tmp_path
):
    rules = tmp_path / "white.rules"
    rules.write_text("From: s@example.org yes\nFromOrTo: default no\n")
    values = {"Is Definitely Not Spam": str(rules)}
    (delivery,) = decide(make_mail(), make_report(spam=Scored(50.0)), values).deliveries
    assert "not spam (whitelisted)" in head(delivery)
    decide(make_mail(), make_report(viruses=[("clamd", Found(("V",)))]), values)
    assert len(stored(tmp_path)) == 2


def test_a_blocklisted_recipients_mail_is_spam_only_for_that_recipient(
    decide, make_mail, make_report, tmp_path
):
    rules = tmp_path / "black.rules"
    rules.write_text("To: trap@example.com yes\nFromOrTo: default no\n")
    mail = make_mail(("a@example.com", "trap@example.com"))
    decision = decide(mail, make_report(), {"Is Definitely Spam": str(rules), "Spam Actions": "delete"})
    assert [d.covers for d in decision.deliveries] == [("0",)]


def test_scanning_again_after_a_crash_gives_the_same_delivery_ids(decide, make_mail, make_report):
    mail = make_mail(("a@example.com", "b@example.com"))
    first, second = (decide(mail, make_report(viruses=[("clamd", Clean())])) for _ in range(2))
    assert [d.id for d in first.deliveries] == [d.id for d in second.deliveries]


def rules_file(tmp_path, name, text):
    path = tmp_path / f"{name}.rules"
    path.write_text(text)
    return str(path)


def test_headers_follow_the_rules_of_each_recipient(decide, make_mail, make_report, tmp_path):
    values = {
        "Mail Header": rules_file(tmp_path, "h", "To: b@example.com X-B:\nTo: default X-All:\n"),
        "Clean Header Value": rules_file(tmp_path, "v", "To: b@example.com fine\nTo: default clean\n"),
    }
    decision = decide(make_mail(("a@example.com", "b@example.com", "c@example.com")), make_report(), values)
    first, second = decision.deliveries
    assert (first.covers, second.covers) == (("0", "2"), ("1",))
    assert "X-All: clean\n" in head(first)
    assert "X-B: fine\n" in head(second)


def test_each_group_of_recipients_has_its_own_notice_quarantine_and_name(
    decide, make_mail, make_report, tmp_path
):
    to = "To: *@b.example.com admin@b.example.com\nTo: default postmaster@example.com\n"
    values = {
        "Notices To": rules_file(tmp_path, "to", to),
        "Send Notices": rules_file(tmp_path, "send", "To: x@example.com no\nTo: default yes\n"),
        "Quarantine Dir": rules_file(
            tmp_path, "dir", f"To: *@b.example.com {tmp_path}/b\nTo: default {tmp_path}/q\n"
        ),
    }
    mail = make_mail(("a@example.com", "x@example.com", "u@b.example.com"))
    decision = decide(mail, make_report(viruses=[("clamd", Found(("V",)))]), values)
    first, second = decision.deliveries
    assert [r.address for r in first.recipients] == ["postmaster@example.com"]
    assert [r.address for r in second.recipients] == ["admin@b.example.com"]
    assert "a@example.com" in head(first)
    assert "x@example.com" not in head(first)
    assert "a@example.com" not in head(second)
    assert (tmp_path / "q" / "20270115" / ID / "message").exists()
    assert (tmp_path / "b" / "20270115" / ID / "message").exists()


def test_two_notices_to_one_address_are_two_deliveries(decide, make_mail, make_report, tmp_path):
    names = rules_file(tmp_path, "from", "To: b@example.com B\nTo: default A\n")
    report = make_report(viruses=[("clamd", Found(("V",)))])
    mail = make_mail(("a@example.com", "b@example.com"))
    first, second = decide(mail, report, {"Notices From": names}).deliveries
    assert first.id != second.id
    assert not set(first.covers) & set(second.covers)
    assert "From: A <postmaster>" in head(first)
    assert "From: B <postmaster>" in head(second)
    again = decide(mail, report, {"Notices From": names}, done=frozenset(first.covers)).deliveries
    assert [one.id for one in again] == [second.id]


def test_all_rules_that_match_join_their_notice_addresses(decide, make_mail, make_report, tmp_path):
    to = "To: a@example.com one@example.com\nFrom: example.org two@example.com, one@example.com\n"
    report = make_report(viruses=[("clamd", Found(("V",)))])
    (notice,) = decide(make_mail(), report, {"Notices To": rules_file(tmp_path, "to", to)}).deliveries
    assert [r.address for r in notice.recipients] == ["one@example.com", "two@example.com"]


def test_a_message_that_is_too_large_for_one_recipients_spam_check_is_checked_for_the_others(
    decide, make_mail, make_report, tmp_path
):
    size = rules_file(tmp_path, "size", "To: b@example.com 1\nTo: default 200k\n")
    mail = make_mail(("a@example.com", "b@example.com"))
    first, second = decide(mail, make_report(spam=Scored(7.0)), {"Max Spam Check Size": size}).deliveries
    assert "spam, " in head(first)
    assert "SpamCheck" not in head(second)


def test_a_rule_about_a_virus_counts_when_it_was_found(decide, make_mail, make_report, tmp_path):
    to = rules_file(tmp_path, "to", "Virus: eicar lab@example.com\nTo: default postmaster@example.com\n")
    asked = [
        decide(make_mail(), make_report(viruses=[("clamd", Found((virus,)))]), {"Notices To": to})
        for virus in ("Win.Test.EICAR_HDB-1", "Win.Worm")
    ]
    assert [d.deliveries[0].recipients[0].address for d in asked] == [
        "lab@example.com",
        "postmaster@example.com",
    ]
