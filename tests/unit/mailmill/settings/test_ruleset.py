from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill.settings.facts import MailFacts, Side
from mailmill.settings.patterns import AnyOf, ExactAddress
from mailmill.settings.patternsyntax import parse_pattern, parse_virus
from mailmill.settings.ruleset import Condition, Direction, Rule, RuleSet


def rule(value, *conditions):
    return Rule(tuple(Condition(d, parse_pattern(p)) for d, p in conditions), value)


def mail(sender="s@from.example", recipient="r@to.example", client="192.0.2.1"):
    return MailFacts(sender, recipient, client)


FROM, TO, EITHER, BOTH = Direction.FROM, Direction.TO, Direction.FROM_OR_TO, Direction.FROM_AND_TO


def test_a_plain_value_is_a_constant_ruleset():
    constant = RuleSet.constant(5)
    assert constant.is_constant
    assert constant.first(mail()) == 5
    assert constant.all(mail()) == (5,)


def test_the_first_rule_in_the_order_of_the_file_wins():
    rules = RuleSet([rule(1, (FROM, "*.example")), rule(2, (FROM, "s@from.example"))], 0)
    assert not rules.is_constant
    assert rules.first(mail()) == 1


def test_mail_that_no_rule_matches_gets_the_default():
    rules = RuleSet([rule(1, (FROM, "x@from.example"))], 0)
    assert rules.first(mail()) == 0
    assert rules.all(mail()) == (0,)


def test_all_matches_are_in_the_order_of_the_file():
    rules = RuleSet(
        [
            rule(1, (FROM, "/from/")),
            rule(2, (TO, "x@y.example")),
            rule(3, (TO, "to.example")),
            rule(4, (FROM, "192.0.2")),
        ],
        0,
    )
    assert rules.all(mail()) == (1, 3, 4)


@pytest.mark.parametrize(
    ("direction", "sender", "recipient"),
    [(FROM, True, False), (TO, False, True), (EITHER, True, True), (BOTH, False, False)],
)
def test_a_direction_says_which_side_must_match(direction, sender, recipient):
    rules = RuleSet([rule("yes", (direction, "a.example"))], "no")
    assert rules.first(mail(sender="x@a.example")) == ("yes" if sender else "no")
    assert rules.first(mail(recipient="x@a.example")) == ("yes" if recipient else "no")
    assert rules.first(mail("x@a.example", "y@a.example")) == "yes"
    assert rules.first(mail()) == "no"


def test_and_wants_both_conditions():
    rules = RuleSet([rule(1, (FROM, "192.0.2.1"), (TO, "r@to.example"))], 0)
    assert rules.first(mail()) == 1
    assert rules.first(mail(client="192.0.2.2")) == 0
    assert rules.first(mail(recipient="x@to.example")) == 0


def test_a_sender_rule_matches_the_envelope_sender():
    # MailScanner's milter scanner looked for the sender in a line that its spool file never has.
    rules = RuleSet([rule(1, (FROM, "bad@from.example"))], 0)
    assert rules.first(mail(sender="bad@from.example")) == 1


def test_rules_are_for_one_recipient_and_not_for_the_message():
    rules = RuleSet([rule(1, (TO, "carol@to.example"))], 0)
    assert [rules.first(mail(recipient=r)) for r in ("bob@to.example", "carol@to.example")] == [0, 1]


def test_a_rule_for_either_side_counts_once():
    rules = RuleSet([rule(1, (EITHER, "a.example"))], 0)
    assert rules.all(mail("x@a.example", "y@a.example")) == (1,)


def test_a_list_of_patterns_matches_when_one_does():
    condition = Condition(FROM, AnyOf((parse_pattern("a.example"), parse_pattern("10.1"))))
    rules = RuleSet([Rule((condition,), 1)], 0)
    assert rules.first(mail(sender="x@a.example")) == 1
    assert rules.first(mail(client="10.1.0.1")) == 1
    assert rules.first(mail()) == 0


def test_an_empty_list_of_patterns_matches_nothing():
    assert RuleSet([Rule((Condition(EITHER, AnyOf(())),), 1)], 0).first(mail()) == 0


def test_only_rules_that_may_match_are_looked_at():
    rules = RuleSet([rule(n, (FROM, f"user{n}@from.example")) for n in range(1000)], -1)
    assert rules._index.candidates(mail()) == []
    assert rules.first(mail(sender="user999@from.example")) == 999


@pytest.mark.parametrize(
    ("form", "facts"),
    [
        ("user{}@from.example", {}),
        ("*@d{}.example", {}),
        ("*.d{}.example", {}),
        ("jo*@d{}.example", {}),
        ("user{}@", {}),
        ("host:h{}.example", {"client_name": "h.example.org"}),
        ("10.{}/24", {}),
        ("10.{}", {}),
        ("10.{0}.1-10.{0}.9", {}),
    ],
)
def test_of_a_very_long_list_only_the_rules_that_may_match_are_tried(form, facts):
    hosts = "10." in form
    rules = [rule(n, (FROM, form.format(f"{n // 250 % 250}.{n % 250}" if hosts else n))) for n in range(5000)]
    ruleset = RuleSet(rules, -1)
    few = MailFacts("user7@d7.example", "r@to.example", "10.0.7.3", **facts)
    assert len(ruleset._index.candidates(few)) <= 20
    assert len(ruleset._index.candidates(MailFacts("a@b", "c@d", "192.0.2.1", "x.org"))) == 0


def test_of_a_very_long_list_of_patterns_in_one_rule_too(monkeypatch):
    tried = []
    matches = ExactAddress.matches
    monkeypatch.setattr(ExactAddress, "matches", lambda *args: tried.append(1) or matches(*args))
    several = AnyOf(tuple(parse_pattern(f"user{n}@from.example") for n in range(5000)))
    rules = RuleSet([Rule((Condition(FROM, several),), 1)], 0)
    assert rules.first(mail(sender="user4999@from.example")) == 1
    assert rules.first(mail(sender="nobody@from.example")) == 0
    assert len(tried) == 1


def test_a_virus_rule_is_about_the_names_of_the_viruses_that_were_found():
    name = Condition(Direction.VIRUS, parse_virus("eicar"))
    rules = RuleSet([Rule((name, Condition(TO, parse_pattern("to.example"))), "lab")], "other")
    eicar, worm = (
        MailFacts("s@from.example", "r@to.example", "", "", (virus,)) for virus in ("X.EICAR-1", "Worm")
    )
    assert [rules.first(facts) for facts in (eicar, worm, mail())] == ["lab", "other", "other"]


ADDRESSES = ["", "a", "a@x", "b@x", "a@y.x", "b@z.y.x"]
PATTERNS = [
    "a@x", "b@x", "x", "y.x", "*.x", "a@", "*@x", "b@*", "<>", "/^$/", "/a/", "default", "host:", "host:h.x",
    "host:*.x", "host:/g/", "*@*.y.x",
    "10.0.0.1", "10.0.0.2", "10.0", "10.0.0.0/31", "::1", "::/64", "/^10/",
]  # fmt: skip
CLIENTS = ["", "10.0.0.1", "10.0.0.2", "10.1.0.1", "::1", "::2"]


def naive(rules, facts):
    """Say which rules match, from the words of the directions alone."""

    def holds(condition):
        sender = condition.pattern.matches(facts, Side.SENDER)
        recipient = condition.pattern.matches(facts, Side.RECIPIENT)
        return {
            FROM: sender,
            TO: recipient,
            EITHER: sender or recipient,
            BOTH: sender and recipient,
            Direction.VIRUS: condition.pattern.matches(facts, Side.VIRUS),
        }[condition.direction]

    return [rule.value for rule in rules if all(holds(condition) for condition in rule.conditions)]


single = st.sampled_from(PATTERNS).map(parse_pattern)
pattern = single | st.lists(single, max_size=3).map(lambda several: AnyOf(tuple(several)))
sides = st.sampled_from([direction for direction in Direction if direction is not Direction.VIRUS])
virus = st.sampled_from(["eicar", "a*b", "/^b/", "default"]).map(parse_virus)
condition = st.builds(Condition, sides, pattern) | virus.map(lambda name: Condition(Direction.VIRUS, name))


@given(
    st.lists(st.lists(condition, min_size=1, max_size=2), max_size=12),
    st.sampled_from(ADDRESSES),
    st.sampled_from(ADDRESSES),
    st.sampled_from(CLIENTS),
    st.sampled_from(["", "h.x", "g.h.x"]),
    st.lists(st.sampled_from(["Win.Eicar", "B-A-B", "ab"]), max_size=2),
)
def test_the_index_finds_what_a_look_at_every_rule_finds(
    conditions, sender, recipient, client, name, viruses
):
    rules = [Rule(tuple(several), number) for number, several in enumerate(conditions)]
    facts = MailFacts(sender, recipient, client, name, tuple(viruses))
    expected = naive(rules, facts)
    ruleset = RuleSet(rules, -1)
    assert ruleset.first(facts) == (expected or [-1])[0]
    assert ruleset.all(facts) == tuple(expected or [-1])
