from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill.cli.output import age, clock_time, local_time, printable


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.000s"),
        (0.25, "0.250s"),
        (1, "1.0s"),
        (59.9, "59.9s"),
        (60, "1m0s"),
        (3599, "59m59s"),
        (3600, "1h0m"),
        (86_399, "23h59m"),
        (86_400 * 3 + 3600 * 4.9, "3d4h"),
    ],
)
def test_an_age_has_its_two_largest_units(seconds, text):
    assert age(seconds) == text


@given(st.text(st.characters(exclude_categories=())))
def test_printable_text_is_printable_and_can_be_encoded(text):
    shown = printable(text)
    assert shown.isprintable()
    shown.encode()


@given(st.floats(0, 4e9))
def test_times_have_one_width(seconds):
    assert len(local_time(seconds)) == 19
    assert len(clock_time(seconds)) == 23
    assert clock_time(seconds).startswith(local_time(seconds))
