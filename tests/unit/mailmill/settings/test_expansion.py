from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill.settings.expansion import expand, expand_variables, variables_in


def test_variables_are_replaced_in_any_case():
    assert expand("X-%ORG-name%-Id", {"org-name": "acme"}, {}) == "X-acme-Id"


def test_an_undefined_variable_is_an_error():
    with pytest.raises(ValueError, match="%nowhere% is not defined"):
        expand("a %nowhere% b", {}, {})


def test_percent_encoding_in_a_url_is_no_variable():
    url = "redis://:p%40ss%3Aword%25@host/0"
    assert expand_variables(url, {}) == url


def test_a_variable_after_percent_encoding_is_still_found():
    assert expand_variables("%40%name%", {"name": "x"}) == "%40x"


def test_a_single_percent_sign_and_spaces_are_text():
    assert expand_variables("100 % and 5 % more", {}) == "100 % and 5 % more"


def test_a_replacement_is_not_expanded_again():
    assert expand_variables("%a%", {"a": "%b%", "b": "x"}) == "%b%"


def test_the_environment_is_replaced_with_and_without_braces():
    assert expand("$HOME/${HOME}s", {}, {"HOME": "/h"}) == "/h//hs"


def test_an_environment_variable_that_is_not_set_is_an_error():
    with pytest.raises(ValueError, match="environment variable NOPE is not set"):
        expand("$NOPE", {}, {})


def test_a_dollar_amount_is_text():
    assert expand("costs $5", {}, {}) == "costs $5"


def test_backslash_n_is_a_line_end():
    assert expand(r"one\ntwo", {}, {}) == "one\ntwo"


def test_names_of_variables_are_found():
    assert variables_in("%A% x %b-c% 5 % 6") == {"a", "b-c"}


@given(st.text(alphabet="%$ab4{}\\n "))
def test_any_text_expands_or_is_a_value_error(text):
    with contextlib.suppress(ValueError):
        expand(text, {"a": "x"}, {"b": "y"})
