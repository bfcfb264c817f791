import pytest

from mailmill_workers.engines.silence import ENOUGH, REST, TRIAL, Silence


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def silence(clock):
    return Silence(clock)


def hang(silence, server="a", times=ENOUGH):
    return [silence.silent(server) for _ in range(times)]


def test_a_server_is_asked_as_usual_until_it_was_silent_several_times_in_a_row(silence):
    for _ in range(5):
        assert hang(silence, times=ENOUGH - 1) == [False] * (ENOUGH - 1)
        assert silence.limit("a", 60.0) == 60.0
        silence.spoke("a")


def test_a_server_that_hangs_is_left_alone_and_the_others_are_not(silence):
    assert hang(silence)[-1]
    assert silence.limit("a", 60.0) == 0.0
    assert silence.limit("b", 60.0) == 60.0


def test_after_a_rest_one_question_with_little_time_tries_it(silence, clock):
    hang(silence)
    clock.now += REST
    assert silence.limit("a", 60.0) == TRIAL
    assert silence.limit("a", 60.0) == 0.0


def test_the_trial_takes_no_longer_than_any_question_may(silence, clock):
    hang(silence)
    clock.now += REST
    assert silence.limit("a", 2.0) == 2.0


def test_a_trial_in_vain_begins_another_rest_and_is_no_news(silence, clock):
    hang(silence)
    clock.now += REST
    silence.limit("a", 60.0)
    assert not silence.silent("a")
    assert silence.limit("a", 60.0) == 0.0
    clock.now += REST
    assert silence.limit("a", 60.0) == TRIAL


def test_a_server_that_speaks_again_is_asked_as_usual(silence):
    hang(silence)
    silence.spoke("a")
    assert silence.limit("a", 60.0) == 60.0


def test_a_trial_that_was_never_finished_is_not_the_last(silence, clock):
    hang(silence)
    clock.now += REST
    silence.limit("a", 60.0)
    clock.now += TRIAL + REST
    assert silence.limit("a", 60.0) == TRIAL
