from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from mailmill.errors import RecordError
from mailmill.outcomes import ContentsMissing, Outcome, Scanned
from mailmill.records import decode, encode


class Sample(Struct, frozen=True):
    text: str
    data: bytes
    numbers: tuple[int, ...] = ()
    inner: Sample | None = None


#: Text as it comes over the wire: any Unicode, and bytes that are not UTF-8 as lone surrogates.
wire_text = st.binary().map(lambda data: data.decode("utf-8", "surrogateescape")) | st.text()
samples = st.builds(Sample, wire_text, st.binary(), st.lists(st.integers(-(2**63), 2**63 - 1)).map(tuple))


@given(samples, samples)
def test_a_record_comes_back_as_it_was(record, inner):
    record = Sample(record.text, record.data, record.numbers, inner)
    assert decode(encode(record), Sample) == record


@given(samples)
def test_a_record_is_one_line_of_ascii(record):
    line = encode(record)
    assert line.isascii()
    assert b"\n" not in line


@pytest.mark.parametrize("record", [Scanned("id", ("a", "b")), ContentsMissing("id")])
def test_a_union_finds_its_type_again(record):
    assert decode(encode(record), Outcome) == record


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"{}", b'{"text":1,"data":""}', b'{"text":"","data":"*"}', b"\xff", b"[" * 100_000],
)
def test_what_is_no_such_record_is_refused(data):
    with pytest.raises(RecordError):
        decode(data, Sample)


@given(st.binary())
def test_any_bytes_are_a_record_or_an_error(data):
    try:
        record = decode(data, Sample)
    except RecordError:
        return
    assert isinstance(record, Sample)
