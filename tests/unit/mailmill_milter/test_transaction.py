from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill.envelope import Client
from mailmill_milter.transaction import LineEnds, Transaction, bare_address, esmtp_arguments

CLIENT = Client(name="client.example", address="192.0.2.7", port=4711, helo="helo.example")


def transaction() -> Transaction:
    return Transaction("a@example.org", (), CLIENT)


def content(parts: Transaction) -> bytes:
    parts.end()
    return parts.take()


@pytest.mark.parametrize(
    ("argument", "address"),
    [
        (b"<a@example.org>", "a@example.org"),
        (b"a@example.org", "a@example.org"),
        (b"<>", ""),
        (b'<"a b>"@example.org>', '"a b>"@example.org'),
        (b"<@one.example,@two.example:a@example.org>", "a@example.org"),
        (b"<postmaster>", "postmaster"),
        ("<jürgen@example.org>".encode(), "jürgen@example.org"),
        (b"<j\xfcrgen@example.org>", "j\udcfcrgen@example.org"),
    ],
)
def test_an_address_loses_its_brackets_and_its_route_only(argument, address):
    assert bare_address(argument) == address


def test_esmtp_arguments_are_kept_as_sent():
    assert esmtp_arguments((b"SIZE=12", b"BODY=8BITMIME", b"x\xff")) == (
        "SIZE=12",
        "BODY=8BITMIME",
        "x\udcff",
    )


@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"a", b"bc"])), st.data())
def test_line_ends_do_not_depend_on_where_chunks_are_cut(pieces, data):
    body = b"".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)))))
    lines = LineEnds()
    chunks = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    assert b"".join(lines.convert(c) for c in chunks) + lines.finish() == body.replace(b"\r\n", b"\n")


def test_a_carriage_return_before_the_line_end_stays():
    parts = transaction()
    parts.body(b"x\r")
    parts.body(b"\r")
    parts.body(b"\ny\r")
    assert content(parts) == b"\nx\r\ny\r"


NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=":"), min_size=1).map(
    str.encode
)
#: Folded values: what the milter protocol carries has no NUL, and lines are separated by LF.
VALUES = st.binary(max_size=60).map(lambda value: value.replace(b"\0", b"\n\t"))
#: Lines of a body as Postfix sends them: each ends in CRLF, and CR may stand anywhere else.
BODIES = st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b"\r")))


@given(st.lists(st.tuples(NAMES, VALUES)), BODIES, st.data())
def test_any_headers_and_body_in_any_chunking_give_back_the_same_bytes(headers, lines, data):
    wire = b"".join(line + b"\r\n" for line in lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=6)))
    parts = transaction()
    for name, value in headers:
        parts.header(name, value)
    parts.end_of_headers()
    taken = b""
    for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True):
        parts.body(wire[start:end])
        if data.draw(st.booleans()):
            taken += parts.take()
    parts.end()
    taken += parts.take()
    expected = b"".join(name + b":" + value + b"\n" for name, value in headers) + b"\n"
    assert taken == expected + b"".join(line + b"\n" for line in lines)
    assert parts.size == len(taken)


def test_headers_without_a_body_end_with_the_empty_line():  # B26
    parts = transaction()
    parts.header(b"Subject", b" x")
    parts.end_of_headers()
    assert content(parts) == b"Subject: x\n\n"


def test_a_body_without_headers_begins_after_the_empty_line():  # B26
    parts = transaction()
    parts.end_of_headers()
    parts.body(b"x\r\n")
    assert content(parts) == b"\nx\n"


def test_the_empty_line_is_added_when_the_mta_did_not_announce_the_end_of_headers():
    parts = transaction()
    parts.header(b"Subject", b" x")
    parts.body(b"y\r\n")
    assert content(parts) == b"Subject: x\n\ny\n"


def test_folding_and_spaces_of_a_header_are_kept():
    parts = transaction()
    parts.header(b"Subject", b"  a\n\t b \n  c")
    assert content(parts) == b"Subject:  a\n\t b \n  c\n"


def test_the_first_message_id_is_remembered_without_its_spaces():
    parts = transaction()
    parts.header(b"MESSAGE-ID", b"\n <1@example.org>")
    parts.header(b"Message-Id", b" <2@example.org>")
    assert parts.message_id == "<1@example.org>"


def test_a_header_that_begins_with_o_is_no_recipient():  # B17
    parts = transaction()
    parts.recipient("b@example.net", ())
    parts.header(b"O<evil@example.com>", b"")
    parts.header(b"Organization", b" x")
    assert [r.address for r in parts.envelope.recipients] == ["b@example.net"]


def test_each_recipient_keeps_its_own_arguments_in_the_order_of_the_commands():  # B18
    parts = transaction()
    parts.recipient("b@example.net", ("NOTIFY=SUCCESS",))
    parts.recipient("c@example.net", ())
    assert [(r.address, r.args) for r in parts.envelope.recipients] == [
        ("b@example.net", ("NOTIFY=SUCCESS",)),
        ("c@example.net", ()),
    ]


def test_taking_content_empties_what_is_pending():
    parts = transaction()
    parts.body(b"x" * 10)
    assert (parts.pending, parts.take(), parts.pending, parts.size) == (11, b"\n" + b"x" * 10, 0, 11)
