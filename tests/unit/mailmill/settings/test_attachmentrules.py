from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill.errors import ConfigError
from mailmill.settings.attachmentrules import first_match, load, parse, read_as_deny
from mailmill.settings.files import DiskFiles


def problem_of(line):
    with pytest.raises(ConfigError) as caught:
        parse(f"# rules\n\n{line}\n", "f.conf")
    (problem,) = caught.value.problems
    return problem


def test_a_line_is_a_rule():
    (rule,) = parse("deny\t\\.exe$\tNo programs\tPrograms are not accepted", "f")
    assert (rule.deny, rule.log_text, rule.user_text) == (True, "No programs", "Programs are not accepted")
    assert rule.matches("a.EXE")
    assert not rule.matches("a.exe.txt")


def test_comments_blank_lines_and_runs_of_tabs_are_fine():
    text = "# deny\tx\ta\tb\n\n   \n  allow\t\t\\.txt$\t\t-\t\t\t-  \r\n"
    (rule,) = parse(text, "f")
    assert (rule.deny, rule.user_text) == (False, "")


def test_the_first_rule_that_matches_decides():
    rules = parse("allow\t\\.txt$\t-\t-\ndeny\tt$\tlog\tuser\nallow\tt$\t-\t-\n", "f")
    assert first_match(rules, "a.txt") is rules[0]
    assert first_match(rules, "a.bat") is rules[1]
    assert first_match(rules, "a.exe") is None


def test_a_rule_without_a_text_for_the_log_says_its_expression():
    assert parse("deny\t\\.exe$\t-\t-", "f")[0].log_text == "matches \\.exe$"


def test_a_fifth_field_is_matched_against_the_mime_type():
    (rule,) = parse("deny\t-\tx-dosexec\tlog\tuser", "f")
    assert rule.matches("whatever", "application/x-dosexec")
    assert not rule.matches("x-dosexec", "text/plain")


def test_either_expression_is_enough():
    (rule,) = parse("deny\tPE32\tx-dosexec\tlog\tuser", "f")
    assert rule.matches("PE32 executable", "text/plain")
    assert rule.matches("data", "application/x-dosexec")


def test_a_leading_star_stands_for_any_text():
    assert parse("deny\t*\\.exe\tlog\tuser", "f")[0].matches("a.exe")


@pytest.mark.parametrize(
    "action", ["deny+delete", "denydelete", "rename", "rename to .bad", "a@example.org", "a@b.c, d@e.f"]
)
def test_actions_of_mailscanner_that_are_not_there_yet_are_read_as_deny_with_a_warning(action):
    rules = parse(f"allow\t\\.txt$\t-\t-\n{action}\t\\.exe$\tlog\tuser", "f")
    assert [rule.deny for rule in rules] == [False, True]
    assert read_as_deny(rules, Path("f.conf")) == (
        f"f.conf:2: {action!r} is not supported yet and treated as deny",
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("deny  \\.exe$  log  user", "f.conf:3: 1 fields instead of 4; tabs separate them, not spaces"),
        ("deny\t\\.exe$\tlog", "f.conf:3: 3 fields instead of 4"),
        ("deny\ta\tb\tc\td\te", "f.conf:3: 6 fields instead of 4"),
        ("refuse\t\\.exe$\tlog\tuser", "f.conf:3: must begin with allow or deny, not 'refuse'"),
        ("deny\t(\tlog\tuser", "f.conf:3: the regular expression /(/ is wrong"),
        ("deny\t(a*)*\\1\tlog\tuser", "f.conf:3: the regular expression /(a*)*\\1/ could take too long"),
        ("deny\t-\tlog\tuser", "f.conf:3: no regular expression"),
        ("deny\tx\t(\tlog\tuser", "f.conf:3: the regular expression /(/ is wrong"),
    ],
)
def test_a_line_that_is_no_rule_is_named_with_its_number(line, words):
    assert problem_of(line).startswith(words)


def test_every_wrong_line_is_named():
    with pytest.raises(ConfigError) as caught:
        parse("x\ndeny\tx\ta\tb\ny\n", "f")
    assert [problem[:4] for problem in caught.value.problems] == ["f:1:", "f:3:"]


def test_a_file_that_is_not_there_is_told(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none", DiskFiles())


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path):
    (tmp_path / "latin1").write_bytes(b"# \xe9\n")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load(tmp_path / "latin1", DiskFiles())
    with pytest.raises(ConfigError, match="Is a directory"):
        load(tmp_path, DiskFiles())


@given(
    st.lists(
        st.sampled_from(
            ["allow", "deny", "rename", "\t", "\t\t", "-", "\\.exe$", "(", "[[", "*", "a@b", "\n", " ", "#"]
        )
        | st.text(max_size=5),
        max_size=30,
    ).map("".join)
)
def test_any_text_is_rules_or_a_fault_with_its_place(text):
    try:
        rules = parse(text, "f")
    except ConfigError as exc:
        faults = exc.problems
    else:
        assert all(rule.log_text for rule in rules)
        return
    assert faults
    assert all(problem.startswith("f:") for problem in faults)
