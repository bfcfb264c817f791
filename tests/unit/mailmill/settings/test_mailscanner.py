from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill.settings.conffile import Assignment
from mailmill.settings.known import KNOWN
from mailmill.settings.mailscanner import Fate, findings, remarks


def item(name, value, where="f:1"):
    return Assignment(name, value, where, value)


def fate(name, value):
    (found,) = findings([item(name, value)], str)
    return found.fate


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("Milter Port", "33333", Fate.WORKS),
        ("Virus Scanners", "clamd", Fate.DIFFERS),
        ("Unpack Microsoft Documents", "yes", Fate.NOT_YET),
        ("Max Children", "5", Fate.NOT_APPLICABLE),
        ("Multiple Headers", "append", Fate.DIFFERS),
    ],
)
def test_the_fate_of_a_value_is_the_status_of_its_option(name, value, expected):
    assert fate(name, value) is expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Unpack Microsoft Documents", "no"),
        ("unpack-microsoft documents", "0"),
        ("Multiple Headers", "ADD"),
        ("Spam List", ""),
    ],
)
def test_a_value_that_says_what_is_done_anyway_works(name, value):
    assert fate(name, value) is Fate.WORKS
    assert remarks([item(name, value)], str) == []


def test_a_value_that_somebody_chose_is_remarked_on_with_its_place_and_what_to_know():
    chosen = [item("Lock Type", "flock", "f:7"), item("Unpack Microsoft Documents", "/x.rules", "f:8")]
    assert remarks(chosen, str) == [
        "f:7: Lock Type is not applicable: No queue of an MTA is read, so that none has to be locked.",
        "f:8: Unpack Microsoft Documents is known, not supported yet: Documents are left to clamd.",
    ]


def test_the_value_that_mailscanner_ships_is_not_remarked_on():
    assert remarks([item("Max Children", "5"), item("Watermark Secret", "acme-Secret")], expand) == []


def test_a_shipped_value_with_an_undefined_variable_is_like_no_other():
    def fail(_):
        raise ValueError("%org-name% is not defined")

    assert len(remarks([item("Watermark Secret", "acme-Secret")], fail)) == 1


def test_the_last_value_of_an_option_is_the_one_that_is_judged():
    assert remarks([item("Max Children", "9"), item("maxchildren", "5")], str) == []


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("Is Definitely Spam", "&SQLBlacklist", Fate.NOT_YET),
        ("Is Definitely Spam", "black.customize", Fate.NOT_YET),
        ("Is Definitely Spam", "/etc/black.rules", Fate.WORKS),
        ("Notices To", "/etc/notices.rules", Fate.WORKS),
        ("Quarantine Dir", "/etc/quarantine.rules", Fate.WORKS),
        ("Clamd Socket", "/etc/clamd.rules", Fate.DIFFERS),
        ("Clamd Socket", "/run/clamd.sock", Fate.WORKS),
    ],
)
def test_a_value_that_an_option_cannot_have_yet_does_not_work(name, value, expected):
    (found,) = findings([item(name, value)], str)
    assert found.fate is expected
    assert bool(found.note) or expected is Fate.WORKS


def test_an_option_that_is_read_is_not_remarked_on_here():
    assert remarks([item("Virus Scanners", "none")], str) == []


def expand(text):
    return text.replace("%org-name%", "acme")


@given(st.sampled_from(sorted(KNOWN)), st.text(max_size=30))
def test_any_value_has_one_fate_and_at_most_one_remark(key, value):
    items = [item(KNOWN[key].name, value)]
    (found,) = findings(items, str)
    told = remarks(items, str)
    assert len(told) <= 1
    assert all(line.startswith("f:1: ") and line.endswith(found.note) for line in told)
    assert not (told and found.shipped)
