from __future__ import annotations

import threading

import pytest

from mailmill.bounded import TimeLimited


def test_what_a_function_returns_or_raises_comes_back():
    calls = TimeLimited(2)
    assert calls.call(lambda: 5, 10) == 5
    with pytest.raises(ZeroDivisionError):
        calls.call(lambda: 1 // 0, 10)


def test_a_time_out_of_the_function_itself_is_not_ours():
    def fail():
        raise TimeoutError("theirs")

    with pytest.raises(TimeoutError, match="theirs"):
        TimeLimited(1).call(fail, 10)


def test_what_hangs_is_given_up_and_when_too_much_hangs_nothing_more_is_begun():
    release = threading.Event()
    calls = TimeLimited(2)
    begun = []

    def hang():
        begun.append(1)
        release.wait()

    for _ in range(2):
        with pytest.raises(TimeoutError, match="no answer within"):
            calls.call(hang, 0.01)
    with pytest.raises(TimeoutError, match="too many earlier calls"):
        calls.call(hang, 0.01)
    assert len(begun) == 2
    release.set()
    assert calls.call(lambda: 5, 10) == 5
