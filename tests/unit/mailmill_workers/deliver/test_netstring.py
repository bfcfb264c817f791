from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill_workers.deliver.netstring import NetstringError, NetstringParser, encode

LIMIT = 1000


def parse(data: bytes, cuts: list[int]) -> bytes | None:
    parser = NetstringParser(LIMIT)
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    result = None
    for start, end in itertools.pairwise(places):
        result = parser.feed(data[start:end])
        if result is not None:
            return result
    return result


@given(st.binary(max_size=LIMIT), st.lists(st.integers(0, 2000)), st.binary(max_size=20))
def test_what_was_encoded_is_read_back_however_it_is_cut(data: bytes, cuts: list[int], rest: bytes):
    assert parse(encode(data) + rest, cuts) == data


@given(st.binary(max_size=LIMIT), st.data())
def test_a_part_of_a_netstring_is_never_taken_for_the_whole(data: bytes, draw: st.DataObject):
    whole = encode(data)
    assert parse(whole[: draw.draw(st.integers(0, len(whole) - 1))], []) is None


@given(st.binary(max_size=60), st.lists(st.integers(0, 60)))
def test_any_bytes_give_contents_or_an_error_or_wait_for_more(data: bytes, cuts: list[int]):
    try:
        contents = parse(data, cuts)
    except NetstringError:
        return
    if contents is not None:
        assert data.startswith(encode(contents))


@pytest.mark.parametrize(
    "data", [b":", b"01:x,", b"+1:x,", b" 1:x,", b"1 :x,", b"1:xy", b"1001:", b"220 hello", b"0" * 20]
)
def test_what_can_not_become_a_netstring_is_refused_at_once(data: bytes):
    with pytest.raises(NetstringError):
        parse(data, [])


def test_an_endless_length_is_refused_at_once():
    with pytest.raises(NetstringError):
        NetstringParser(LIMIT).feed(b"9" * 10)
