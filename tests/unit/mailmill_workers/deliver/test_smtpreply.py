from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill_workers.deliver.replies import RelayError, Result
from mailmill_workers.deliver.smtpreply import LINE_LIMIT, LINES_LIMIT, SmtpReply, extensions, read_reply

TEXT = st.binary(max_size=60).filter(lambda text: b"\r" not in text and b"\n" not in text)


def read(data: bytes, *, end: bool = True) -> SmtpReply:
    async def run() -> SmtpReply:
        reader = asyncio.StreamReader(limit=65536)
        reader.feed_data(data)
        if end:
            reader.feed_eof()
        return await read_reply(reader)

    return asyncio.run(run())


@given(st.integers(200, 599), st.lists(TEXT, min_size=1, max_size=5))
def test_a_reply_of_several_lines_is_read_back(code: int, lines: list[bytes]):
    wire = b"".join(b"%d-%s\r\n" % (code, line) for line in lines[:-1]) + b"%d %s\r\n" % (code, lines[-1])
    assert read(wire) == SmtpReply(code, tuple(lines))


@given(st.binary(max_size=100))
def test_any_bytes_give_a_reply_or_an_error(data: bytes):
    try:
        reply = read(data)
    except RelayError:
        return
    assert 200 <= reply.code <= 599
    assert reply.text.isprintable()


@pytest.mark.parametrize("data", [b"250\r\n", b"250 \r\n", b"250 ok\n"])
def test_short_forms_are_accepted(data: bytes):
    assert read(data).code == 250


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"25",
        b"250 ok",  # no line end: cut short
        b"250-one\r\n",
        b"250-one\r\n450 two\r\n",
        b"250ok\r\n",
        b"150 ok\r\n",
        b"600 ok\r\n",
        b"9:Kok,\r\n",
        b"250 " + b"x" * LINE_LIMIT + b"\r\n",
        b"250 " + b"x" * 100_000,
        b"250-x\r\n" * (LINES_LIMIT + 1),
    ],
)
def test_what_is_no_whole_reply_is_an_error(data: bytes):
    with pytest.raises(RelayError):
        read(data)


def test_the_class_of_the_code_decides():
    results = {
        code: SmtpReply(code, (b"x",)).verdict().result for code in (250, 251, 252, 354, 421, 450, 550)
    }
    assert results == {
        250: Result.CONFIRMED,
        251: Result.CONFIRMED,
        252: Result.CONFIRMED,
        354: Result.DEFERRED,
        421: Result.DEFERRED,
        450: Result.DEFERRED,
        550: Result.REFUSED,
    }


def test_the_enhanced_status_code_is_found_behind_the_code():
    assert SmtpReply(550, (b"5.7.1 no", b"5.7.1 way")).verdict().status == "5.7.1"
    assert SmtpReply(550, (b"no",)).verdict().status == "5.0.0"


def test_extensions_are_keywords_without_their_values():
    lines = (b"relay.example.net greets", b"SIZE 1000", b"8bitmime", b"", b"DSN")
    assert extensions(lines) == {"SIZE", "8BITMIME", "DSN"}
