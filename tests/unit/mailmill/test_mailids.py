from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill.mailids import (
    MAIL_ID,
    QUEUE_ID,
    arrival_of,
    long_queue_id,
    new_mail_id,
    queue_id_of,
    short_queue_id,
)

times = st.integers(0, 2**44).map(lambda milliseconds: milliseconds / 1000)
queue_ids = st.from_regex(r"[0-9A-Za-z]{1,32}", fullmatch=True)


@given(times, queue_ids)
def test_an_id_carries_its_time_and_queue_id(now, queue_id):
    mail_id = new_mail_id(now, queue_id)
    assert MAIL_ID.match(mail_id)
    assert queue_id_of(mail_id) == queue_id
    assert arrival_of(mail_id) == pytest.approx(now, abs=0.001)


@given(times, times)
def test_ids_sort_by_time(one, other):
    # Within a millisecond the random part decides.
    first, second = sorted([one, other])
    if second - first >= 0.002:
        assert new_mail_id(first, "Z") < new_mail_id(second, "0")


def test_the_same_queue_id_at_the_same_time_is_another_message():
    assert len({new_mail_id(1.0, "ABC") for _ in range(1000)}) == 1000


@pytest.mark.parametrize("queue_id", ["", "a/b", "..", "a\n", "a b", "ä", "x" * 33, "a-b"])
def test_what_is_no_queue_id_is_refused(queue_id):
    with pytest.raises(ValueError, match="not a queue id"):
        new_mail_id(1.0, queue_id)


@pytest.mark.parametrize(
    "text", ["", "ABC", "../../../../etc/passwd", "0" * 18 + "-", "I" * 18 + "-A", "0" * 18 + "-A\n"]
)
def test_what_is_no_id_has_no_time(text):
    with pytest.raises(ValueError, match="not a Mailmill id"):
        arrival_of(text)


def test_a_short_queue_id_is_microseconds_and_number_in_hexadecimal():
    assert short_queue_id(1_700_000_000.065535, 0x1A2B) == "0FFFF1A2B"


def test_a_long_queue_id_is_time_and_number_in_postfix_digits():
    # 1700000000 in base 52 is 4, 24, 26, 18, 11, 36; the digits leave out A, E, I, O, U, a, e, i, o and u.
    assert long_queue_id(1_700_000_000.0, 0) == "4SVLCh" + "0000" + "z0"
    assert long_queue_id(1_700_000_000.5, 51) == "4SVLCh" + "3XvN" + "z10"


@given(st.integers(0, 2**33), st.integers(0, 2**64))
def test_queue_ids_of_both_styles_are_queue_ids(seconds, number):
    assert QUEUE_ID.match(short_queue_id(seconds, number))
    assert QUEUE_ID.match(long_queue_id(seconds, number))


@given(st.integers(0, 2**33), st.integers(0, 2**33), st.integers(0, 2**48), st.integers(0, 2**48))
def test_long_queue_ids_differ_when_time_or_number_does(one, other, number, another):
    same = long_queue_id(one, number) == long_queue_id(other, another)
    assert same == ((one, number) == (other, another))
