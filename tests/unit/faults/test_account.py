"""The harness must see what it is there to see."""

from __future__ import annotations

import pytest

from faults.account import Found, account
from faults.registry import FAULTS, chosen
from faults.row import heading, line
from mailmill_local.load import Answer, Letter

LETTER = Letter("from-x0@example.org", ("x0@example.com",), b"Subject: s\n\na\rbody\n")
ARRIVED = b"a body\n"


def row(found, *, code=250, cuts_edge=False, hits=1, notes=()):
    answer = Answer(LETTER, code, "")
    made, wrong = account("f", [answer], found, recovery=0.0, hits=hits, cuts_edge=cuts_edge, notes=notes)
    return made, wrong


def found(inbox=0, *, quarantine=0, bounces=0, waiting=False, cuts=0, body=ARRIVED):
    result = Found()
    (recipient,) = LETTER.recipients
    result.inbox[recipient] = [body] * inbox
    result.quarantine[recipient] = [body] * quarantine
    result.bounces[recipient] = bounces
    result.waiting |= {recipient} if waiting else set()
    result.cuts[recipient] = cuts
    return result


@pytest.mark.parametrize("end", [{"inbox": 1}, {"quarantine": 1}, {"bounces": 1}])
def test_an_accepted_letter_with_one_end_is_good(end):
    made, wrong = row(found(**end))
    assert made.wrong == ()
    assert wrong == {}


def test_an_accepted_letter_that_is_nowhere_is_lost():
    made, wrong = row(found())
    assert made.wrong == ("1 lost",)
    assert wrong == {"lost": ["x0@example.com"]}


def test_a_letter_in_a_spool_is_stuck_and_not_lost():
    made, _ = row(found(waiting=True))
    assert made.wrong == ("1 stuck",)


@pytest.mark.parametrize("ends", [{"inbox": 2}, {"inbox": 1, "quarantine": 1}, {"inbox": 1, "bounces": 1}])
def test_a_second_end_is_a_duplicate(ends):
    made, _ = row(found(**ends))
    assert made.wrong == ("1 duplicated",)


def test_a_cut_reply_explains_one_duplicate_and_no_more():
    made, _ = row(found(3, cuts=1))
    assert (made.explained, made.duplicated) == (1, 1)


def test_another_body_is_altered_and_a_stray_carriage_return_becomes_a_blank():
    made, _ = row(found(1, body=b"a\rbody\n"))
    assert made.wrong == ("1 altered",)


def test_a_refused_letter_is_owed_nothing():
    accepted = Answer(LETTER, 250, "")
    refused = Answer(Letter("from-x1@example.org", ("x1@example.com",), LETTER.data), 451, "")
    made, _ = account("f", [accepted, refused], found(1), recovery=0.0, hits=1, cuts_edge=False)
    assert made.wrong == ()
    assert made.refused == 1


@pytest.mark.parametrize(("cuts_edge", "fails"), [(False, True), (True, False)])
def test_a_refused_letter_that_arrives_is_wrong_unless_the_edge_was_killed(cuts_edge, fails):
    made, _ = row(found(1), code=451, cuts_edge=cuts_edge)
    assert ("1 refused and delivered" in made.wrong) is fails


def test_a_fault_that_never_hit_proves_nothing():
    made, _ = row(found(1), hits=0)
    assert made.wrong == ("the fault never hit",)


def test_a_row_says_what_is_wrong_with_it():
    made, _ = row(found(), notes=["a note"])
    assert line(made).endswith("FAILED: 1 lost, a note")
    assert len(line(row(found(1))[0])) == len(heading())


def test_names_of_faults_are_unique_and_can_be_chosen():
    names = [fault.name for fault in FAULTS]
    assert len(set(names)) == len(names)
    assert [fault.name for fault in chosen("redis killed, relay down")] == ["redis killed", "relay down"]
