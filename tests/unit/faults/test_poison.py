"""What counts as a poison message that ended as it must."""

from __future__ import annotations

import pytest

from faults.account import Found
from faults.kinds.poison import PoisonCrash
from mailmill_local.load import Letter

REASON = (
    "poison message: no scan came to an end in 3 attempts; the last: process died: Worker exited "
    "prematurely: signal 11 (SIGSEGV) Job: 5. during clamd (scan@vm)"
)


@pytest.fixture
def fault():
    fault = PoisonCrash()
    sent = [Letter("from@example.org", (f"{number}@example.com",), b"\n\nbody\n") for number in range(10)]
    assert [letter.data == b"\n\nbody\n" for letter in fault.letters(sent)].count(False) == 3
    return fault


def found(reasons):
    return Found(reasons=reasons)


def test_each_poisonous_message_in_quarantine_with_its_evidence_is_good(fault):
    assert fault.check(found({f"{number}@example.com": REASON for number in (1, 5, 8)})) == []


@pytest.mark.parametrize(
    ("reasons", "wrong"),
    [
        ({1: REASON, 5: REASON}, "poison, and not in quarantine: 8@example.com"),
        (
            {1: REASON, 5: REASON, 8: REASON, 9: "infected: Eicar"},
            "innocent, and in quarantine: 9@example.com",
        ),
        (
            {1: REASON, 5: REASON, 8: REASON.replace("3 attempts", "1 attempts")},
            "no evidence: 8@example.com: ",
        ),
        (
            {1: REASON, 5: REASON, 8: REASON.replace("SIGSEGV", "SIGKILL")},
            "no evidence: 8@example.com: ",
        ),
    ],
)
def test_anything_else_is_wrong(fault, reasons, wrong):
    (line,) = fault.check(found({f"{number}@example.com": why for number, why in reasons.items()}))
    assert line.startswith(wrong)
