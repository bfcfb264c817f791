import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill.settings.actions import Actions, parse_actions


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
        ("deliver forward a@example.com", "not supported yet"),
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
    assert actions.deliver or actions.delete or actions.store
