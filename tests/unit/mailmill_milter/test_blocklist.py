from __future__ import annotations

import pytest

from mailmill.envelope import Client, Envelope, Recipient
from mailmill.settings import Settings
from mailmill_milter.blocklist import Blocklist


@pytest.fixture
def blocklist(tmp_path):
    def make(spam: str, not_spam: str = "", **options: str) -> Blocklist:
        (tmp_path / "spam.rules").write_text(spam + "\nFromOrTo: default no\n")
        (tmp_path / "ham.rules").write_text(not_spam + "\nFromOrTo: default no\n")
        return Blocklist(
            Settings.of(
                {
                    "Is Definitely Spam": str(tmp_path / "spam.rules"),
                    "Is Definitely Not Spam": str(tmp_path / "ham.rules"),
                    **options,
                }
            )
        )

    return make


def envelope(*recipients: str, sender: str = "a@example.org", address: str = "192.0.2.7") -> Envelope:
    return Envelope(
        sender=sender,
        recipients=tuple(map(Recipient, recipients)),
        client=Client(name="client.example", address=address, port=1, helo="x"),
    )


@pytest.mark.parametrize("rule", ["From: a@example.org yes", "From: 192.0.2.7 yes", "To: *@example.net yes"])
def test_sender_address_and_recipient_rules_all_match(blocklist, rule):  # B14
    assert blocklist(rule).refuses(envelope("b@example.net"))


def test_other_mail_is_not_refused(blocklist):
    assert not blocklist("From: a@example.org yes").refuses(envelope("b@example.net", sender="c@example.org"))


def test_a_message_unwanted_by_only_some_recipients_is_taken(blocklist):
    assert not blocklist("To: b@example.net yes").refuses(envelope("b@example.net", "c@example.net"))


def test_an_exemption_of_one_recipient_lets_the_message_in(blocklist):
    rules = blocklist("From: a@example.org yes", "To: c@example.net yes")
    assert rules.refuses(envelope("b@example.net"))
    assert not rules.refuses(envelope("b@example.net", "c@example.net"))


def test_exemptions_are_ignored_above_the_number_of_recipients(blocklist):
    option = {"Ignore Spam Whitelist If Recipients Exceed": "2"}
    rules = blocklist("From: a@example.org yes", "From: a@example.org yes", **option)
    assert not rules.refuses(envelope("b@example.net", "c@example.net"))
    assert rules.refuses(envelope("b@example.net", "c@example.net", "d@example.net"))


def test_the_helo_name_and_headers_have_no_say(blocklist):  # B15
    assert not blocklist("From: 10.0.0.1 yes").refuses(envelope("b@example.net"))


def test_no_recipients_is_no_reason_to_refuse(blocklist):
    assert not blocklist("From: * yes").refuses(envelope())
