import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill.settings.actions import ACTIONS, Actions, carry_out, forward_address, parse_actions, parse_steps
from mailmill.settings.facts import MailFacts


def test_actions_with_a_header():
    text = 'deliver, store header "X-Spam-Status: Yes, really"'
    assert parse_actions(text) == Actions(
        deliver=True, store=True, headers=(("X-Spam-Status", "Yes, really"),)
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "must say"),
        ('header "A: b"', "must say"),
        ("deliver header", "followed by"),
        ('deliver header "no colon"', "followed by"),
        ('deliver "A: b"', "no action"),
        ("delivr", "no action"),
        ("forward", "followed by an address"),
        ("deliver forward store", "followed by an address"),
        ("forward <a@example.com>", "no mail address"),
        ("forward a@b@example.com", "no mail address"),
        ("deliver striphtml", "not supported yet"),
        ("custom(spam)", "not supported yet"),
        ("store-mcp", "not supported yet"),
        ("store-/var/spam", "not supported yet"),
        ("attachment", "must say"),
        ("not-deliver", "no action"),
        ('deliver header "A: b', "cannot be read"),
    ],
)
def test_what_is_wrong_is_said(text, reason):
    with pytest.raises(ValueError, match=reason):
        parse_actions(text)


@given(st.text(max_size=80))
def test_any_text_is_actions_or_a_value_error(text):
    try:
        actions = parse_actions(text)
    except ValueError:
        return
    assert actions.deliver or actions.delete or actions.store or actions.forward


def test_all_actions_of_mailscanner_that_there_are():
    text = "deliver, delete store-nonspam forward a@example.com b@example.com notify bounce attachment"
    assert parse_actions(text) == Actions(
        deliver=True,
        delete=True,
        store=True,
        store_in="nonspam",
        forward=("a@example.com", "b@example.com"),
        notify=True,
        bounce=True,
        attachment=True,
    )


@pytest.mark.parametrize("text", ["notify", "bounce", 'bounce notify header "A: b"'])
def test_when_others_only_hear_of_it_the_message_itself_is_deleted(text):
    assert parse_actions(text).delete


def test_bounce_is_advised_against():
    assert "forged" in ACTIONS.advise("delete bounce")
    assert not ACTIONS.advise("delete notify")


def test_steps_add_and_remove():
    before = parse_actions('deliver forward a@example.com header "A: b"')
    steps = parse_steps(
        'not-deliver, store, not-forward a@example.com, not-header "A: b", forward c@example.com',
        removable=True,
    )
    assert carry_out(before, steps) == Actions(store=True, forward=("c@example.com",))


def test_delete_takes_deliver_out_only_where_it_wins():
    steps = parse_steps("delete")
    assert carry_out(Actions(deliver=True), steps).deliver
    assert not carry_out(Actions(deliver=True), steps, delete_wins=True).deliver
    assert carry_out(
        Actions(deliver=True), parse_steps("not-delete", removable=True), delete_wins=True
    ).deliver


@pytest.mark.parametrize(
    ("address", "sender", "expected"),
    [
        ("spam@example.com", "s@example.org", "spam@example.com"),
        ("_TOUSER_@archive.example", "s@example.org", "r@archive.example"),
        ("_TOUSER_+_FROMDOMAIN_@_TODOMAIN_", "s@example.org", "r+example.org@example.com"),
        ("_FROMUSER_@archive.example", "", ""),
        ("_FROMUSER_@archive.example", '"a b"@example.org', ""),
        ("_FROMUSER_@archive.example", "\udcff@example.org", ""),
    ],
)
def test_keywords_in_an_address_are_replaced_for_each_recipient(address, sender, expected):
    assert forward_address(address, MailFacts(sender, "r@example.com", "192.0.2.1")) == expected
