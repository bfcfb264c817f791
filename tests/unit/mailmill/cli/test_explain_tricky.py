"""Ten situations of MailScanner's rulesets that people get wrong, as `mailmill explain` tells them.

Where MailScanner has a fault, the test says so, and Mailmill does what MailScanner's documentation promises.
"""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from mailmill.cli import main

SPAM = "Is Definitely Spam"
DEFAULT = "FromOrTo: default no"


@pytest.fixture
def explain(tmp_path):
    """Return (rule, line) for each recipient, with a ruleset given for an option."""

    def run(rules, *args, option=SPAM, to=("bob@our.example",), sender="a@their.example", **files):
        path = tmp_path / "tricky.rules"
        for name, text in files.items():
            (tmp_path / name).write_text(text.replace("DIR", str(tmp_path)))
        path.write_text("".join(f"{rule}\n" for rule in rules).replace("DIR", str(tmp_path)))
        conf = tmp_path / "MailScanner.conf"
        conf.write_text(f"%org-name% = acme\n{option} = {path}\n")
        recipients = [word for address in to for word in ("--to", address)]
        result = CliRunner().invoke(
            main, ["--conf", str(conf), "explain", "--from", sender, *recipients, *args, option]
        )
        assert result.exit_code == 0, result.output
        answers, whose = {}, ""
        for line in result.output.splitlines():
            if line.startswith("To "):
                whose = line[3:-1]
                continue
            reason, _, where = line.strip().removeprefix(f"{option}: ").rpartition("  (")
            answers.setdefault(whose, []).append((reason.replace(str(tmp_path), "DIR"), where))
        return {
            whose: [(reason, where[len(str(path)) :].strip(":)")) for reason, where in several]
            for whose, several in answers.items()
        }

    return run


def decides(answers):
    """Return the rule that decides for the only recipient."""
    ((reason,),) = answers.values()
    return reason[0]


def test_1_the_default_counts_last_although_it_stands_first(explain):
    rules = [DEFAULT, "From: *@their.example yes"]
    assert explain(rules) == {"bob@our.example": [(rules[1], "2")]}
    assert explain(rules, sender="a@other.example") == {"bob@our.example": [(DEFAULT, "1")]}
    # As a pattern *@* is the same as the word default.
    assert explain(["FromOrTo: *@* no", rules[1]])["bob@our.example"] == [(rules[1], "2")]


def test_2_a_rule_for_one_recipient_leaves_the_others_alone(explain):
    # A fault of MailScanner's: it has one verdict for a message, and Carol's rule tags Bob's mail too.
    rules = ["To: carol@our.example yes", "From: *@their.example no", DEFAULT]
    assert explain(rules, to=("bob@our.example", "carol@our.example", "dan@our.example")) == {
        "bob@our.example, dan@our.example": [(rules[1], "2")],
        "carol@our.example": [(rules[0], "1")],
    }


def test_3_the_beginning_of_an_address_ends_at_a_dot(explain):
    # A fault of MailScanner's: it compares text, so that 10.1 also means 10.10.0.1 and 10.100.0.1.
    rules = ["From: 10.1 yes", DEFAULT]
    assert decides(explain(rules, "--ip", "10.1.200.1")) == rules[0]
    assert decides(explain(rules, "--ip", "10.10.0.1")) == DEFAULT
    assert decides(explain(["From: 10.1. yes", DEFAULT], "--ip", "10.1.200.1")) == "From: 10.1. yes"


def test_4_an_expression_without_letters_is_about_the_client_and_others_are_about_the_sender(explain):
    rules = ["From: /^192\\.168\\.1[4567]\\./ yes", "From: /[@.]their\\.example$/ yes", DEFAULT]
    assert decides(explain(rules, "--ip", "192.168.15.9")) == rules[0]
    assert decides(explain(rules, "--ip", "192.168.13.9", sender="x@sub.their.example")) == rules[1]
    assert decides(explain(rules, "--ip", "192.168.13.9", sender="foo-their.example@x.example")) == DEFAULT


def test_5_the_null_sender_is_an_expression_too(explain):
    rules = ["From: /^$/ yes", DEFAULT]
    assert decides(explain(rules, sender="<>")) == rules[0]
    assert decides(explain(rules, sender="postmaster@x.example")) == DEFAULT


def test_6_a_domain_does_not_stand_for_what_is_below_it(explain):
    rules = ["From: Their.Example. yes", "From: *@*.their.example no", DEFAULT]
    assert decides(explain(rules, sender="A@THEIR.example")) == rules[0]
    assert decides(explain(rules, sender="a@sub.their.example")) == rules[1]
    assert decides(explain(rules, sender="a@nottheir.example")) == DEFAULT


def test_7_both_conditions_of_and_hold_for_the_same_copy(explain):
    rules = ["From: 10.0.0.0/255.0.0.0 and To: abuse@* yes", DEFAULT]
    answers = explain(rules, "--ip", "10.9.9.9", to=("abuse@our.example", "bob@our.example"))
    assert answers == {"abuse@our.example": [(rules[0], "1")], "bob@our.example": [(DEFAULT, "2")]}
    assert decides(explain(rules, "--ip", "11.9.9.9", to=("abuse@our.example",))) == DEFAULT


def test_8_where_all_matches_count_every_rule_is_told_and_the_default_only_without_one(explain):
    rules = ["From: *@their.example no", "To: *@our.example yes", "FromOrTo: default no"]
    answers = explain(rules, option="Virus Scanning")
    assert answers == {"bob@our.example": [(rules[0], "1"), (rules[1], "2")]}
    answers = explain(rules, option="Virus Scanning", sender="a@x.example", to=("b@x.example",))
    assert answers == {"b@x.example": [(rules[2], "3")]}


def test_9_names_of_clients_must_lead_back_and_no_name_is_a_pattern(explain):
    rules = ["From: host:*.their.example no", "From: host: yes", DEFAULT]
    assert decides(explain(rules, "--ip", "192.0.2.1", "--host", "mx.their.example")) == rules[0]
    assert decides(explain(rules, "--ip", "192.0.2.1", "--host", "mx.other.example")) == DEFAULT
    assert decides(explain(rules, "--ip", "192.0.2.1", "--host", "")) == rules[1]
    # Only the sender's side has a client: such a rule for recipients never matches.
    assert decides(explain(["To: host: yes", DEFAULT], "--ip", "192.0.2.1", "--host", "")) == DEFAULT


def test_10_a_file_of_patterns_may_name_further_files_and_the_rule_is_that_of_the_ruleset(explain):
    rules = ["From: DIR/friends yes", "Virus: eicar no", DEFAULT]
    files = {"friends": "c@their.example\n10.1.2.0/24\nDIR/more\n", "more": "# ours\n*@*.their.example\n"}
    assert decides(explain(rules, sender="a@x.their.example", **files)) == rules[0]
    assert decides(explain(rules, "--ip", "10.1.2.9", **files)) == rules[0]
    assert decides(explain(rules, "--ip", "10.1.3.9", **files)) == DEFAULT
    assert decides(explain(rules, "--virus", "Win.Test.EICAR_HDB-1", **files)) == rules[1]
