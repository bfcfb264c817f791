from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailmill.settings.expressions import LONGEST, compile_expression


@pytest.mark.parametrize(
    ("source", "text", "found"),
    [
        ("^(a|b)@", "B@x", True),
        ("[[:alpha:]]+@", "1a@x", True),
        ("\\.exe$", "a.EXE", True),
        ("\\.exe$", "a.exe.txt", False),
        ("(\\.[a-z0-9]{3})\\1$", "a.zip.zip", True),
        ("(\\.[a-z0-9]{3})\\1$", "a.zip.txt", False),
        ("^(?!postmaster@)", "postmaster@x", False),
        ("^(?!postmaster@)", "a@x", True),
        ("\u00e4", "\u00c4rger", True),
    ],
)
def test_an_expression_is_found_in_any_case(source, text, found):
    assert compile_expression(source).search(text) is found


def test_a_dot_is_a_line_end_only_where_that_is_wanted():
    assert not compile_expression("a.b").search("a\nb")
    assert compile_expression("a.b", dot_all=True).search("a\nb")
    assert compile_expression("(?=a).*b", dot_all=True).search("a\nb")


def test_bytes_that_are_no_text_can_be_searched():
    assert compile_expression("exe$").search("\udcff.exe")


# In a backtracking engine each takes a time that grows exponentially, or with a high power, of the length.
@pytest.mark.parametrize(
    "source",
    ["(a+)+$", "(a|a)*$", "(a|aa)+$", "(.*a){20}$", "a*a*a*a*a*a*a*b", "(.*)(.*)(.*)(.*)(.*)[^a]", "x*y*$"],
)
def test_what_explodes_elsewhere_runs_in_linear_time(source):
    compiled = compile_expression(source)
    assert compiled.linear
    compiled.search("a" * 100_000 + "!")


@pytest.mark.parametrize(
    "source",
    ["(?=(a+)+$)", "(a*)*\\1", "((a|b)+c?)+(?!x)", "(?=.*.*.*x)", "(a|aa)+\\1b", "(?=x*)(a?){300}b"],
)
def test_what_only_backtracking_can_run_is_refused_when_it_could_take_long(source):
    with pytest.raises(ValueError, match="could take too long"):
        compile_expression(source)


def test_what_runs_by_backtracking_sees_the_beginning_of_a_text_only():
    compiled = compile_expression("a(?=b)")
    assert not compiled.linear
    assert compiled.search("x" * (LONGEST - 2) + "ab")
    assert not compiled.search("x" * LONGEST + "ab")


@pytest.mark.parametrize("source", ["(", "a{2", "[[:nothing:]]", "*a", "\\8", "a**", "(?P<n", "\udcff"])
def test_what_is_no_expression_is_a_value_error_or_plain_text(source):
    with contextlib.suppress(ValueError):
        compile_expression(source).search("a")


def test_a_wrong_expression_says_why():
    with pytest.raises(ValueError, match=re.escape("/(/ is wrong: missing )")):
        compile_expression("(")


PIECES = ["a", "b", ".", "*", "+", "?", "{2,}", "{0,9}", "{400}", "(", ")", "|", "(?=", "(?!", "(?:", "(?>"]
PIECES += ["\\1", "\\2", "[ab]", "^", "$", "\\b", "*?", "*+", "(?<=a)", "(?(1)a|b)"]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), st.text("ab!", max_size=40))
@example("(a*)*", "a" * 40 + "!")
@example("(a+)+(?=b)", "a" * 40 + "!")
@example("(a|b|ab)*\\1!", "ab" * 300)
def test_whatever_is_accepted_answers_for_any_text(source, text):
    with contextlib.suppress(ValueError):
        compile_expression(source).search(text * 20)


@given(st.text("ab.*+?()[]{}|^$\\1", max_size=8), st.text("ab.*", max_size=8))
def test_expressions_mean_the_same_as_to_python(source, text):
    try:
        compiled = compile_expression(source)
        with_re = re.compile(source, re.IGNORECASE)
    except (ValueError, re.error, FutureWarning, OverflowError):
        return
    if compiled.linear and "$" not in source and "{" not in source:
        assert compiled.search(text) == bool(with_re.search(text))
