from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill.settings.facts import MailFacts
from mailmill.settings.kinds import TEXT, YES_NO
from mailmill.settings.rulesetfile import RuleSetReader


@pytest.fixture
def read(tmp_path):
    def reader(text, kind=TEXT, default="built-in", **others):
        for name, content in others.items():
            (tmp_path / name).write_text(content.replace("DIR", str(tmp_path)))
        (tmp_path / "rules").write_text(text.replace("DIR", str(tmp_path)))
        file = RuleSetReader(kind.parse)
        rules = file.read(tmp_path / "rules", default)
        said = [
            [text.replace(f"{tmp_path}/", "") for text in texts] for texts in (file.problems, file.warnings)
        ]
        return rules, *said

    return reader


def mail(sender="s@from.example", recipient="r@to.example", client="192.0.2.1"):
    return MailFacts(sender, recipient, client)


@pytest.mark.parametrize(
    ("word", "sender", "recipient"),
    [
        ("From:", True, False),
        ("from", True, False),
        ("Sender-From", True, False),
        ("To:", False, True),
        ("TO", False, True),
        ("FromOrTo:", True, True),
        ("FromTo", True, True),
        ("ToOrFrom:", True, True),
        ("FromAndTo:", False, False),
        ("And", False, False),
    ],
)
def test_a_direction_is_any_word_that_contains_from_to_or_and(read, word, sender, recipient):
    rules, problems, _ = read(f"{word} a.example yes")
    assert problems == []
    assert rules.first(mail(sender="x@a.example")) == ("yes" if sender else "built-in")
    assert rules.first(mail(recipient="x@a.example")) == ("yes" if recipient else "built-in")
    assert rules.first(mail("x@a.example", "y@a.example")) == "yes"


def test_a_value_may_have_several_words(read):
    rules, _, _ = read('From: from.example deliver header "X-Spam: a and b"  # why\n')
    assert rules.first(mail()) == 'deliver header "X-Spam: a and b"'


def test_the_default_line_counts_last_wherever_it_stands(read):
    rules, _, _ = read("FromOrTo: default no\nFrom: from.example yes\n", YES_NO, default=True)
    assert rules.first(mail()) is True
    assert rules.first(mail(sender="")) is False


def test_without_a_default_line_the_default_of_the_option_counts(read):
    assert read("From: x.example yes")[0].first(mail()) == "built-in"


def test_a_second_default_wins_with_a_warning(read):
    rules, _, warnings = read("To: default one\nFrom: *@* and To: * two\n")
    assert rules.first(mail()) == "two"
    assert warnings == ["rules:2: the default was set before (rules:1); this one counts"]


def test_and_joins_two_conditions(read):
    rules, problems, _ = read("From: 192.0.2. and To: *@to.example both of them\n")
    assert problems == []
    assert rules.first(mail()) == "both of them"
    assert rules.first(mail(client="192.0.3.1")) == "built-in"
    assert rules.first(mail(recipient="r@other.example")) == "built-in"


def test_all_mail_in_one_condition_of_two_is_no_default(read):
    rules, _, _ = read("From: * and To: to.example x\nFrom: s@from.example y\n")
    assert rules.all(mail()) == ("x", "y")


def test_an_empty_value_is_left_to_the_option(read):
    assert read("From: from.example\n")[0].first(mail()) == ""
    assert read("From: from.example\n", YES_NO)[1] == ["rules:1: must be yes or no, not ''"]


def test_every_fault_is_told_with_its_line(read):
    _, problems, warnings = read(
        "\nFrom:\nBy: a.example yes\nFrom: 300.1 yes\nFrom: a.example maybe\nVirus: /(/ yes\n"
        "From: a.example and by b.example yes\nTo: 10.1 yes\nFromAndTo: host:x yes\nFromOrTo: 10.1 yes\n",
        YES_NO,
    )
    assert problems == [
        "rules:2: not understood: 'From:' (Direction pattern value)",
        "rules:3: 'By:' is none of From:, To:, FromOrTo:, FromAndTo:, Virus:",
        "rules:4: '300.1' is no IP address, network or range: Octet 300 (> 255) not permitted in '300.1.0.0'",
        "rules:5: must be yes or no, not 'maybe'",
        "rules:6: the regular expression /(/ is wrong: missing ), unterminated subpattern at position 0",
        "rules:7: 'by' is none of From:, To:, FromOrTo:, FromAndTo:, Virus:",
    ]
    assert warnings == [
        "rules:8: To: 10.1 never matches: only From: knows the client",
        "rules:9: FromAndTo: host:x never matches: only From: knows the client",
    ]


def test_a_missing_file_is_a_problem(tmp_path):
    file = RuleSetReader(TEXT.parse)
    assert file.read(tmp_path / "none", "default").first(mail()) == "default"
    assert file.problems == [f"{tmp_path}/none: cannot be read: No such file or directory"]


def test_a_pattern_may_be_a_file_of_patterns(read):
    rules, problems, _ = read(
        "From: DIR/friends yes\n", friends="# ours\na.example\n10.1\nDIR/more\n", more="b@c.example\n"
    )
    assert problems == []
    senders = ["x@a.example", "b@c.example", "s@from.example"]
    assert [rules.first(mail(sender=sender)) for sender in senders] == ["yes", "yes", "built-in"]
    assert rules.first(mail(client="10.1.0.1")) == "yes"


def test_faults_in_a_file_of_patterns_name_that_file(read):
    assert read("From: DIR/friends yes\n", friends="\na,b\n")[1] == [
        "friends:2: 'a,b' is no address pattern: it has ',' in it"
    ]


def test_files_of_patterns_that_name_each_other_end(read):
    _, problems, _ = read("From: DIR/loop yes\n", loop="DIR/loop\n")
    assert len(problems) == 1
    assert "nested more than 4 deep" in problems[0]


@given(
    st.lists(
        st.sampled_from(
            [
                b"From:",
                b"To:",
                b" ",
                b"and",
                b"*@*",
                b"a@b",
                b"10.1",
                b"/",
                b"(",
                b"\n",
                b"\\",
                b"#",
                b"<>",
                b"\xff",
                b"yes",
            ]
        )
    )
)
def test_any_file_is_rules_or_problems(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("rules") / "file"
    path.write_bytes(b"".join(data))
    file = RuleSetReader(YES_NO.parse)
    file.read(path, default=True).all(mail())
    assert all(":" in problem for problem in file.problems)


def test_a_long_ruleset_takes_little_memory(tmp_path):
    count = 5_000
    path = tmp_path / "long.rules"
    path.write_text("".join(f"From: user{n}@domain{n % 100}.example yes\n" for n in range(count)))
    reader = RuleSetReader(YES_NO.parse)
    tracemalloc.start()
    try:
        rules = reader.read(path, default=False)
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(rules.rules) == count
    assert kept / count < 600  # bytes; 380 when this was written
