from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill.settings.glob import Glob


@pytest.mark.parametrize(
    ("glob", "text", "fits"),
    [
        ("", "", True),
        ("", "a", False),
        ("*", "", True),
        ("a*a", "a", False),
        ("a*b*c", "a-b-c", True),
        ("a*b*c", "a-c-b", False),
    ],
)
def test_a_star_is_any_text(glob, text, fits):
    assert Glob.of(glob).fits(text) is fits


@given(st.text("ab*", max_size=10), st.text("ab", max_size=12))
def test_a_glob_fits_what_its_expression_fits(glob, text):
    expression = ".*".join(re.escape(part) for part in glob.split("*"))
    assert Glob.of(glob).fits(text) == bool(re.fullmatch(expression, text))


class Counted(str):
    """A text that counts how often it is searched."""

    __slots__ = ()
    searches = 0

    def find(self, *args):
        Counted.searches += 1
        return super().find(*args)


def test_the_parts_are_looked_for_once_each():
    Counted.searches = 0
    assert not Glob.of("*a" * 50 + "*b").fits(Counted("a" * 10_000))
    assert Counted.searches <= 50
