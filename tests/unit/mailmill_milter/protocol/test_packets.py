from __future__ import annotations

import contextlib
import itertools
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill_milter import answers
from mailmill_milter.protocol import packets
from mailmill_milter.protocol.packets import LONGEST, Negotiation, Peer, ProtocolError, Unpacker
from milter_fakes import connect, packet, replies, strings

PACKETS = st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=70)), max_size=12)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]


@given(PACKETS, st.lists(st.integers(0, 2000), max_size=30))
def test_packets_are_the_same_wherever_the_stream_is_cut(sent, places):
    stream = b"".join(packet(bytes((command,)), data) for command, data in sent)
    unpacker = Unpacker()
    assert [found for piece in cut(stream, places) for found in unpacker.feed(piece)] == sent


@given(PACKETS)
def test_packets_that_come_byte_by_byte_are_the_same(sent):
    stream = b"".join(packet(bytes((command,)), data) for command, data in sent)
    unpacker = Unpacker()
    found = [each for place in range(len(stream)) for each in unpacker.feed(stream[place : place + 1])]
    assert found == sent


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
def test_any_bytes_are_packets_or_an_error(data, places):
    unpacker = Unpacker()
    found = []
    try:
        for piece in cut(data, places):
            found += unpacker.feed(piece)
    except ProtocolError:
        return
    assert data.startswith(b"".join(packet(bytes((command,)), rest) for command, rest in found))


@pytest.mark.parametrize("length", [0, LONGEST + 1, 2**32 - 1])
def test_a_length_that_no_packet_has_is_an_error_before_it_has_come(length):
    with pytest.raises(ProtocolError, match=f"a packet of {length} bytes"):
        Unpacker().feed(struct.pack("!I", length) + b"B")


def test_the_longest_packet_is_read():
    unpacker = Unpacker()
    data = bytes(LONGEST - 1)
    assert unpacker.feed(struct.pack("!I", LONGEST) + b"B" + data[:-1]) == []
    assert unpacker.feed(data[-1:]) == [(ord("B"), data)]


@given(st.integers(0, 255), st.binary(max_size=70))
def test_what_is_packed_is_read_again(command, data):
    assert Unpacker().feed(packets.pack(command, data)) == [(command, data)]


PARSERS = [packets.word, packets.words, packets.header, Peer.parse, Negotiation.parse]


@pytest.mark.parametrize("parse", PARSERS, ids=lambda parse: parse.__qualname__)
@given(data=st.binary(max_size=60) | st.binary(max_size=60).map(lambda data: data + b"\0"))
def test_a_parser_returns_or_says_that_it_is_no_milter_protocol(parse, data):
    with contextlib.suppress(ProtocolError):
        assert parse(data) is not None


_32 = st.integers(0, 2**32 - 1)


@given(st.integers(2, 2**32 - 1), _32, _32)
def test_a_negotiation_is_read_as_it_was_packed(version, actions, steps):
    offer = Negotiation(version, actions, steps)
    ((command, data),) = Unpacker().feed(offer.pack())
    assert command == ord("O")
    assert Negotiation.parse(data) == Negotiation.parse(data + b"more") == offer


@given(st.integers(2, 2**32 - 1), _32, _32, _32)
def test_only_what_was_offered_is_agreed_to(version, actions, steps, wanted):
    answer = Negotiation(version, actions, steps).answer(wanted)
    assert answer == Negotiation(min(version, 6), 0, steps & wanted)


@pytest.mark.parametrize("version", [0, 1])
def test_a_version_that_is_too_old_is_an_error(version):
    with pytest.raises(ProtocolError, match=f"version {version} "):
        Negotiation.parse(struct.pack("!III", version, 0, 0))


def test_a_negotiation_that_is_cut_short_is_an_error():
    with pytest.raises(ProtocolError, match="11 bytes"):
        Negotiation.parse(bytes(11))


@given(st.lists(st.binary(max_size=9).map(lambda text: text.replace(b"\0", b"")), min_size=1, max_size=5))
def test_words_are_those_that_were_sent(texts):
    assert packets.words(strings(*texts)) == tuple(texts)


@pytest.mark.parametrize("data", [b"", b"<a@example.org>", b"<a@example.org>\0SIZE=1"])
def test_words_without_an_end_are_an_error(data):
    for parse in (packets.word, packets.words):
        with pytest.raises(ProtocolError, match="without an end"):
            parse(data)


@pytest.mark.parametrize("value", [b"", b" x", b"\0", b" \xff\n\ty \0z"])
def test_a_header_has_all_bytes_of_its_value(value):
    assert packets.header(strings(b"X-\xff", value)) == (b"X-\xff", value)


@pytest.mark.parametrize("data", [b"", b"Subject", b"Subject\0", b"Subject\0 x"])
def test_a_header_without_a_value_is_an_error(data):
    with pytest.raises(ProtocolError, match="without a value"):
        packets.header(data)


@pytest.mark.parametrize(
    ("family", "address", "port", "peer"),
    [
        (b"4", b"192.0.2.7", 4711, Peer("c.example", "192.0.2.7", 4711)),
        (b"6", b"IPv6:2001:db8::7", 65535, Peer("c.example", "IPv6:2001:db8::7", 65535)),
        (b"L", b"/path", 1, Peer("c.example", "", 0)),
        (b"U", b"", 0, Peer("c.example", "", 0)),
    ],
)
def test_a_client_is_who_the_mta_says(family, address, port, peer):
    assert Peer.parse(connect(b"c.example", address, family, port)[5:]) == peer


@pytest.mark.parametrize("data", [b"", b"name", b"name\0", b"name\0X", b"name\x004\0", b"name\x004\0\0x"])
def test_a_client_that_is_cut_short_or_of_no_family_is_an_error(data):
    with pytest.raises(ProtocolError):
        Peer.parse(data)


@given(st.binary(max_size=40))
def test_no_byte_of_the_mta_is_lost_in_text(data):
    assert packets.text(data).encode("utf-8", "surrogateescape") == data


@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        (answers.CONTINUE, "continue"),
        (answers.ACCEPT, "accept"),
        (answers.DISCARD, "discard"),
        (answers.Answer(answers.Action.REJECT), "reject"),
        (answers.Answer(answers.Action.TEMPFAIL), "tempfail"),
        (answers.reject("Message Blocklisted"), "554 5.7.1 Message Blocklisted"),
        (answers.tempfail("100 %s full"), "451 4.3.0 100 ?s full"),
    ],
)
def test_an_answer_is_the_reply_that_mtas_know(answer, reply):
    assert replies(packets.reply(answer)) == [reply]


@given(st.text())
def test_the_text_of_a_reply_is_one_line_of_ascii_without_formats(text):
    (reply,) = replies(packets.reply(answers.tempfail(text)))
    assert len(reply) < 500
    assert not set("%\r\n\0") & set(reply)
