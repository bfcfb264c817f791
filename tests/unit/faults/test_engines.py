"""What counts as mail that an engine which fails has let pass."""

from __future__ import annotations

import pytest

from faults.account import Found
from faults.kinds.engines import ClamdKilled, ClamdLimits
from mailmill_local.load import Letter

SENT = [Letter("from@example.org", (f"{number}@example.com",), b"\n\nbody\n") for number in range(20)]
KEPT = {f"{number}@example.com": "infected: Eicar" for number in (9, 19)}


@pytest.fixture
def fault():
    fault = ClamdKilled()
    assert [letter.data == b"\n\nbody\n" for letter in fault.letters(SENT)].count(False) == 2
    return fault


def test_infected_mail_in_quarantine_is_good(fault):
    assert fault.check(Found(reasons=KEPT)) == []


def test_a_row_in_which_nothing_was_found_to_be_infected_proves_nothing(fault):
    assert fault.check(Found()) == ["no infected message in quarantine"]


def test_infected_mail_in_the_inbox_is_wrong(fault):
    found = Found(reasons=KEPT)
    found.inbox["9@example.com"].append(b"")
    assert fault.check(found) == ["infected, and delivered: 9@example.com"]


def test_mail_that_no_spam_engine_has_seen_is_wrong(fault):
    found = Found(reasons=KEPT, unscanned={"3@example.com"})
    assert fault.check(found) == ["delivered without a scan for spam: 3@example.com"]


def test_mail_beyond_the_limit_of_the_engine_in_the_inbox_is_wrong():
    fault = ClamdLimits()
    assert max(len(letter.data) for letter in fault.letters(SENT)) > 10**6
    found = Found(reasons=KEPT)
    found.inbox["0@example.com"].append(b"")
    assert fault.check(found) == ["too large, and delivered: 0@example.com"]
