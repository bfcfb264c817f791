from __future__ import annotations

import pytest

from mailmill.settings.explain import Explainer, Reason
from mailmill.settings.facts import MailFacts
from mailmill.settings.options.milter import MILTER_PORT
from mailmill.settings.options.policy import IS_DEFINITELY_SPAM
from mailmill.settings.options.scanners import VIRUS_SCANNING
from mailmill.settings.values import Settings

DEFAULT = "FromOrTo: default no"


@pytest.fixture
def explain(tmp_path):
    """Return the lines that decide an option, with the rules given, for a recipient's copy."""

    def explain(rules, option=IS_DEFINITELY_SPAM, to="c@x.example", ip="192.0.2.1", **more):
        path = tmp_path / "x.rules"
        path.write_text("".join(f"{rule}\n" for rule in rules))
        settings = Settings.of({option.name: str(path)})
        facts = MailFacts(more.get("sender", "a@y.example"), to, ip, more.get("host", ""))
        return [
            (reason.text, reason.where.removeprefix(f"{path}"))
            for reason in Explainer(settings).reasons(option, facts)
        ]

    return explain


# The situations of MailScanner's rulesets that people get wrong.
@pytest.mark.parametrize(
    ("rule", "mail", "matches"),
    [
        ("From: 10.1 yes", {"ip": "10.1.9.9"}, True),
        ("From: 10.1 yes", {"ip": "10.10.0.1"}, False),  # matches in MailScanner, which compares text
        ("From: /^$/ yes", {"sender": ""}, True),
        ("From: /^192\\.168\\.1[4567]\\./ yes", {"ip": "192.168.15.1"}, True),
        ("To: user@ yes", {"to": "user@any.example"}, True),
        ("From: y.example yes", {"sender": "a@y.example"}, True),
        ("From: y.example yes", {"sender": "a@sub.y.example"}, False),
        ("From: *@*.y.example yes", {"sender": "a@sub.y.example"}, True),
        ("From: 10.0.0.0/255.0.0.0 and To: *@x.example yes", {"ip": "10.9.9.9"}, True),
        ("From: 10.0.0.0/255.0.0.0 and To: *@z.example yes", {"ip": "10.9.9.9"}, False),
        ("FromAndTo: x.example yes", {"sender": "a@x.example"}, True),
        ("FromAndTo: x.example yes", {}, False),
        ("From: host:y.example yes", {"host": "mx.y.example"}, True),
        ("From: host: yes", {"host": ""}, True),
        ("From: 2001:db8::/32 yes", {"ip": "2001:db8::1"}, True),
    ],
)
def test_the_rule_that_matches_is_named_with_its_line_or_else_the_default(explain, rule, mail, matches):
    (reason,) = explain([DEFAULT, rule], **mail)
    assert reason == ((rule, ":2") if matches else (DEFAULT, ":1"))


def test_a_rule_for_one_recipient_decides_nothing_for_another(explain):
    rules = ["To: carol@x.example yes", DEFAULT]
    assert explain(rules, to="carol@x.example") == [(rules[0], ":1")]
    assert explain(rules, to="bob@x.example") == [(DEFAULT, ":2")]


def test_the_first_rule_decides_where_one_does_and_all_where_all_do(explain):
    rules = ["# mine", "From: y.example yes", "To:   x.example   no", DEFAULT]
    assert explain(rules) == [("From: y.example yes", ":2")]
    assert explain(rules, VIRUS_SCANNING) == [("From: y.example yes", ":2"), ("To: x.example no", ":3")]
    assert explain(rules, VIRUS_SCANNING, to="c@z.example", sender="") == [(DEFAULT, ":4")]


def test_a_ruleset_without_a_default_has_the_options(explain):
    assert explain(["To: z.example yes"]) == [("no", " has no default")]


def test_a_value_for_all_mail_is_told_with_its_place():
    explainer = Explainer(Settings.of({"Milter Port": "25"}))
    facts = MailFacts("a@y.example", "c@x.example", "")
    assert explainer.reasons(MILTER_PORT, facts) == (Reason("values", "25"),)
    assert explainer.reasons(IS_DEFINITELY_SPAM, facts) == (Reason("default", "no"),)
