from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill.delivery import Delivery
from mailmill.envelope import Client, Envelope, Recipient, Sasl, Tls
from mailmill.errors import DamagedSpoolFileError
from mailmill.spoolfile import (
    SpoolEncoder,
    SpoolFile,
    SpoolHeader,
    header_reach,
    pack,
    unpack,
    unpack_header,
    unpack_named,
)

texts = st.binary(max_size=20).map(lambda data: data.decode("utf-8", "surrogateescape"))
args = st.lists(texts, max_size=3).map(tuple)
recipients = st.lists(st.builds(Recipient, texts, args), max_size=3).map(tuple)
envelopes = st.builds(
    Envelope,
    texts,
    recipients,
    st.builds(Client, texts, texts, st.integers(0, 65_535), texts),
    args,
    st.none() | st.builds(Tls, texts, texts, st.integers(0, 4096), st.none() | texts, st.none() | texts),
    st.none() | st.builds(Sasl, texts, texts, texts),
)
finite = st.floats(0, 2**40)
deliveries = st.builds(
    Delivery, texts, texts, texts, texts, recipients, args, st.binary(max_size=30), texts, args, finite, texts
)
headers = st.builds(SpoolHeader, texts, texts, finite, texts, envelopes, texts, st.none() | deliveries)

HEADER = SpoolHeader(
    id="01J0000000ABCDEFGH-4T",
    edge="mx1",
    arrival=1_700_000_000.25,
    queue_id="4T",
    envelope=Envelope(
        "s@example.org",
        (Recipient("r@example.org", ("NOTIFY=NEVER",)),),
        Client("mx", "192.0.2.1", 25, "helo"),
    ),
)
CONTENT = b"Subject: x\n\nbody\n"
FILE = pack(HEADER, CONTENT)


@given(headers, st.binary())
def test_a_file_comes_back_as_it_was(header, content):
    data = pack(header, content)
    assert unpack(data) == SpoolFile(header, content)
    assert unpack_header(data[: header_reach(data)]) == header


@given(headers, st.lists(st.binary()))
def test_content_may_be_written_in_any_pieces(header, pieces):
    encoder = SpoolEncoder()
    data = encoder.start(header) + b"".join(map(encoder.add, pieces)) + encoder.end()
    assert data == pack(header, b"".join(pieces))


def test_every_truncation_is_refused():
    for length in range(len(FILE)):
        with pytest.raises(DamagedSpoolFileError):
            unpack(FILE[:length])


def test_the_file_of_another_message_is_refused():
    data = pack(HEADER, b"x\n")
    assert unpack_named(HEADER.id, data).content == b"x\n"
    with pytest.raises(DamagedSpoolFileError, match=HEADER.id):
        unpack_named("another", data)


def test_every_change_of_one_byte_is_refused():
    for position, byte in enumerate(FILE):
        for changed in {byte ^ 1, byte ^ 0x20, byte ^ 0x80, 0, 0x0A, 0x30} - {byte}:
            with pytest.raises(DamagedSpoolFileError):
                unpack(FILE[:position] + bytes([changed]) + FILE[position + 1 :])


def test_bytes_after_the_end_mark_are_refused():
    for more in (b"\n", b"x", FILE):
        with pytest.raises(DamagedSpoolFileError):
            unpack(FILE + more)


def test_content_that_looks_like_an_end_mark_is_content():
    content = CONTENT + FILE
    assert unpack(pack(HEADER, content)).content == content


@given(st.binary())
def test_any_other_bytes_are_refused(data):
    for read in (unpack, unpack_header):
        with pytest.raises(DamagedSpoolFileError):
            read(data)


@given(st.binary(max_size=60), st.integers(0, 300))
def test_a_wrong_header_with_a_right_beginning_is_refused(line, length):
    with pytest.raises(DamagedSpoolFileError):
        unpack(b"mailmill-spool 1 %d\n%s\n" % (length, line))


def test_a_header_that_is_no_record_is_refused():
    line = b'{"id":1}'
    with pytest.raises(DamagedSpoolFileError, match="header cannot be read"):
        unpack_header(b"mailmill-spool 1 %d\n%s\n" % (len(line), line))
