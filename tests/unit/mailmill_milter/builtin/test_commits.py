from __future__ import annotations

import pytest

from mailmill.errors import SpoolError
from mailmill.intake import Arrival
from mailmill_milter.builtin.commits import DELAY, SIBLINGS, Commits
from mailmill_milter.inhand import InHand


class Handle:
    def __init__(self, call):
        self.call = call

    def cancel(self):
        self.call = None


class Loop:
    """An event loop that runs when it is told to."""

    def __init__(self):
        #: The delay of each call, and the call.
        self.planned = []

    def call_later(self, delay, call):
        self.planned.append((delay, Handle(call)))
        return self.planned[-1][1]

    @property
    def pending(self):
        """The delays of what will be called."""
        return [delay for delay, handle in self.planned if handle.call]

    def run(self):
        planned, self.planned = self.planned, []
        for _, handle in planned:
            if handle.call:
                handle.call()


class Intake:
    """Remembers what was appended with one sync; fails for the names in `bad`."""

    def __init__(self):
        self.groups, self.bad = [], set()

    def append_all(self, arrivals):
        names = [arrival.name for arrival in arrivals]
        self.groups.append(names)
        return [SpoolError(name) if name in self.bad else None for name in names]


class Waiting:
    #: What all have done, in its order.
    diary = ()

    def __init__(self, name, then=None):
        self.arrival = Arrival(name, b"data")
        self.heard, self.diary = [], Waiting.diary
        self._name, self._then = name, then

    def settle(self, error):
        self.heard.append(error)
        self.diary.append(f"answer {self._name}")
        if self._then:
            self._then()

    def report(self):
        self.diary.append(f"report {self._name}")

    def give_up(self):
        self.diary.append(f"give up {self._name}")


@pytest.fixture
def loop():
    return Loop()


@pytest.fixture
def intake():
    return Intake()


@pytest.fixture(autouse=True)
def diary(monkeypatch):
    monkeypatch.setattr(Waiting, "diary", [])
    return Waiting.diary


@pytest.fixture
def in_hand():
    return InHand()


@pytest.fixture
def commits(loop, intake, in_hand):
    return Commits(loop, intake, in_hand)


def in_hand_are(in_hand, number):
    while in_hand.count < number:
        in_hand.begin()


def added(commits, *names):
    waiting = [Waiting(name) for name in names]
    for each in waiting:
        commits.add(each)
    return waiting


def test_what_waits_for_nobody_is_synced_at_once(commits, loop, intake, in_hand):
    in_hand_are(in_hand, 1)
    (one,) = added(commits, "1")
    assert (loop.pending, intake.groups, one.heard) == ([], [["1"]], [None])


def test_while_others_are_in_hand_the_loop_reads_first_what_has_come(commits, loop, intake, in_hand):
    in_hand_are(in_hand, 2)
    (one,) = added(commits, "1")
    assert (loop.pending, intake.groups, one.heard) == ([0.0], [], [])
    loop.run()
    assert (intake.groups, one.heard) == ([["1"]], [None])


@pytest.mark.parametrize(("number", "delay"), [(SIBLINGS - 1, 0.0), (SIBLINGS, DELAY), (99, DELAY)])
def test_others_are_waited_for_only_when_enough_are_in_hand(commits, loop, in_hand, number, delay):
    in_hand_are(in_hand, number)
    added(commits, "1")
    assert loop.pending == [delay]


def test_all_who_have_ended_by_then_share_one_sync(commits, loop, intake, in_hand):
    in_hand_are(in_hand, SIBLINGS)
    waiting = added(commits, "1", "2", "3")
    assert loop.pending == [DELAY]
    loop.run()
    assert intake.groups == [["1", "2", "3"]]
    assert [each.heard for each in waiting] == [[None]] * 3


def test_when_all_that_are_in_hand_have_ended_nobody_else_is_waited_for(commits, loop, intake, in_hand):
    in_hand_are(in_hand, SIBLINGS)
    names = [str(number) for number in range(SIBLINGS)]
    added(commits, *names[:-1])
    assert loop.pending == [DELAY]
    added(commits, names[-1])
    assert (loop.pending, intake.groups) == ([], [names])


def test_the_next_one_gets_a_sync_of_its_own(commits, loop, intake, in_hand):
    in_hand_are(in_hand, 2)
    added(commits, "1")
    loop.run()
    added(commits, "2")
    loop.run()
    assert intake.groups == [["1"], ["2"]]
    assert loop.pending == []


def test_a_message_that_comes_while_others_hear_is_in_the_next_sync(commits, loop, intake, in_hand):
    in_hand_are(in_hand, 2)
    commits.add(Waiting("1", then=lambda: added(commits, "3")))
    commits.add(Waiting("2"))
    assert intake.groups == [["1", "2"]]
    assert loop.pending == [0.0]
    loop.run()
    assert intake.groups == [["1", "2"], ["3"]]


def test_a_message_that_comes_within_a_sync_does_not_begin_another_one_in_it(commits, loop, intake, in_hand):
    in_hand_are(in_hand, 1)
    commits.add(Waiting("1", then=lambda: added(commits, "2")))
    assert (intake.groups, loop.pending) == ([["1"]], [0.0])
    loop.run()
    assert (intake.groups, loop.pending) == ([["1"], ["2"]], [])


def test_the_log_is_told_when_all_have_their_answers(commits, loop, in_hand, diary):
    in_hand_are(in_hand, 2)
    added(commits, "1", "2")
    assert diary == ["answer 1", "answer 2", "report 1", "report 2"]


def test_who_has_gone_is_not_appended_and_hears_nothing(commits, loop, intake, in_hand):
    in_hand_are(in_hand, 4)
    one, two, three = added(commits, "1", "2", "3")
    two.arrival = None
    loop.run()
    assert intake.groups == [["1", "3"]]
    assert (one.heard, two.heard, three.heard) == ([None], [], [None])


def test_a_message_that_fails_does_not_fail_the_others(commits, loop, intake, in_hand):
    in_hand_are(in_hand, 3)
    intake.bad = {"2"}
    heard = [each.heard for each in added(commits, "1", "2", "3")]
    assert (heard[0], heard[2]) == ([None], [None])
    assert isinstance(heard[1][0], SpoolError)


def test_whatever_goes_wrong_nobody_is_told_that_a_message_is_durable(commits, loop, intake, in_hand, caplog):
    in_hand_are(in_hand, 2)
    intake.append_all = lambda arrivals: 1 / 0
    one, two = added(commits, "1", "2")
    assert [type(error) for error in one.heard + two.heard] == [ZeroDivisionError] * 2
    assert "the intake failed" in caplog.text
    del intake.append_all
    (three,) = added(commits, "3")
    loop.run()
    assert three.heard == [None]


def test_what_goes_wrong_with_one_answer_is_kept_from_the_others(commits, loop, in_hand, diary):
    in_hand_are(in_hand, 3)
    commits.add(Waiting("one", then=lambda: 1 / 0))
    commits.add(Waiting("two"))
    loop.run()
    assert diary == ["answer one", "give up one", "answer two", "report one", "report two"]
