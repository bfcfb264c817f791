from __future__ import annotations

import threading

from mailmill_milter.inhand import InHand


def test_draining_ends_at_once_when_nothing_is_in_hand():
    assert InHand().drain(60) == 0


def test_draining_waits_for_what_is_in_hand():
    in_hand = InHand()
    in_hand.begin()
    timer = threading.Timer(0.1, in_hand.end)
    timer.start()
    assert in_hand.drain(60) == 0
    timer.join()


def test_draining_gives_up_and_says_how_many_are_left():
    in_hand = InHand()
    in_hand.begin()
    assert in_hand.drain(0.1) == 1
    assert in_hand.draining
