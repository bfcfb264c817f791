"""MailScanner's own configuration, from a checkout of its repository that MAILSCANNER_CHECKOUT names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mailmill.settings.known import KNOWN
from mailmill.settings.mailscanner import Fate
from mailmill.settings.option import option_key
from mailmill.settings.survey import survey

CHECKOUT = os.environ.get("MAILSCANNER_CHECKOUT", "")

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(not CHECKOUT, reason="MAILSCANNER_CHECKOUT names no checkout of MailScanner/v5"),
]


@pytest.fixture(scope="module")
def shipped():
    return survey(Path(CHECKOUT) / "common/etc/MailScanner", {})


def test_it_loads_without_an_error(shipped):
    assert shipped.problems == ()


def test_every_option_in_it_is_known(shipped):
    text = shipped.path.read_text("utf-8")
    names = {
        option_key(line.partition("=")[0])
        for line in text.splitlines()
        if "=" in line and line[0] not in "#% " and not line.startswith("include")
    }
    assert {one.known.key for one in shipped.findings} == names
    assert len(names) >= 388


def test_no_value_in_it_is_taken_for_somebodys_choice(shipped):
    assert [one.known.name for one in shipped.findings if not one.shipped] == []


def test_warnings_are_only_about_what_must_be_decided(shipped):
    known = ("MTA", "Queue Dir", "Virus Scanners", "%org-name%", "'rename'", "run_mailscanner", "q_days")
    assert [warning for warning in shipped.warnings if not any(word in warning for word in known)] == []


def test_its_rulesets_are_understood(shipped):
    named = {one.assignment.value for one in shipped.findings if one.assignment.value.endswith(".rules")}
    assert {str(file.path) for file in shipped.rulesets} == named


def test_all_four_fates_occur_and_every_one_that_is_not_simple_has_a_note(shipped):
    assert {one.fate for one in shipped.findings} == set(Fate)
    assert all(one.known.note or one.fate is Fate.WORKS for one in shipped.findings)
    assert {one.known.key for one in shipped.findings} <= KNOWN.keys()
