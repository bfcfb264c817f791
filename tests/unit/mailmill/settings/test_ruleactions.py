import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill.findings import Scored
from mailmill.settings.actions import Step
from mailmill.settings.ruleactions import RuleActions, join_rule_actions, parse_rule_actions

ANSWER = Scored(12.0, (("BAYES_99", 4.0), ("FROM_BOSS", 0.1)))


def test_rules_and_scores_with_their_actions():
    text = "FROM_BOSS=>not-deliver,store, forward a@example.com SpamScore > 25 => delete"
    boss, score = parse_rule_actions(text)
    assert boss == RuleActions(
        "FROM_BOSS", "", 0.0, (Step("deliver", remove=True), Step("store"), Step("forward", "a@example.com"))
    )
    assert score == RuleActions("", ">", 25.0, (Step("delete"),))


def test_an_empty_value_has_none():
    assert parse_rule_actions(" ") == ()


@pytest.mark.parametrize(
    ("text", "applies"),
    [
        ("BAYES_99=>store", True),
        ("bayes_99=>store", False),
        ("SpamScore>11.5=>store", True),
        ("SpamScore>12=>store", False),
        ("SpamScore>=12=>store", True),
        ("SpamScore==12=>store", True),
        ("SpamScore<12=>store", False),
        ("SpamScore<=12=>store", True),
    ],
)
def test_what_applies_to_an_answer(text, applies):
    (actions,) = parse_rule_actions(text)
    assert actions.applies(ANSWER) is applies


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("store", "must be RULE=>"),
        ("nonsense, BAYES_99=>store", "must be RULE=>"),
        ("BAYES_99=>", "no action after BAYES_99"),
        ("BAYES_99=>delivr", "no action"),
        ("SpamScore>x=>store", "must be RULE=>"),
    ],
)
def test_what_is_wrong_is_said(text, reason):
    with pytest.raises(ValueError, match=reason):
        parse_rule_actions(text)


def test_values_of_several_rules_are_joined_in_their_order():
    one, two = parse_rule_actions("A=>store"), parse_rule_actions("B=>delete")
    assert join_rule_actions((one, two)) == one + two


@given(
    st.text(max_size=80)
    | st.lists(st.sampled_from(["A", "=>", ",", " ", "store", "SpamScore>1", '"'])).map("".join)
)
def test_any_text_is_rule_actions_or_a_value_error(text):
    try:
        found = parse_rule_actions(text)
    except ValueError:
        return
    assert all(one.steps for one in found)
