from __future__ import annotations

import pytest

from mailmill.settings.option import Rules, option_key
from mailmill.settings.options import MODULES, TABLE, options_of

ALL = [option for module in MODULES for option in options_of(module)]


def test_names_are_compared_without_case_space_and_punctuation():
    assert option_key("Milter-PORT ") == option_key("milterport") == "milterport"


def test_no_two_options_share_a_key_or_a_variable():
    assert len({option.key for option in ALL}) == len({option.variable for option in ALL}) == len(ALL)
    assert list(TABLE.values()) == ALL


def test_a_variable_is_the_name_in_capitals():
    assert TABLE["milterport"].variable == "MAILMILL_MILTER_PORT"


@pytest.mark.parametrize("option", ALL, ids=lambda option: option.name)
def test_every_option_is_described_and_its_default_is_a_value(option):
    option.kind.parse(option.default.replace("%org-name%", "yoursite"))
    assert option.description.endswith((".", ")"))
    assert isinstance(option.rules, Rules)
