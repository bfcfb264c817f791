import base64
import binascii
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill_workers.content.decoding import undo, uuencoded


def uuencode(name, content):
    lines = [binascii.b2a_uu(content[at : at + 45]) for at in range(0, len(content), 45)]
    return b"begin 644 " + name + b"\n" + b"".join(lines) + b"`\nend\n"


@given(st.binary(max_size=500))
def test_each_encoding_gives_back_what_went_in(content):
    assert undo("base64", base64.encodebytes(content)) == content
    assert undo("quoted-printable", quopri.encodestring(content)) == content
    assert undo("", content) == undo("8bit", content) == content


@given(st.binary(min_size=1, max_size=500))
def test_uuencoded_text_gives_back_name_and_bytes(content):
    text = b"Hello,\n" + uuencode(b"a b.exe", content) + b"bye\n" + uuencode(b"c", content)
    assert list(uuencoded(text)) == [(b"a b.exe", content), (b"c", content)]
    assert undo("x-uuencode", uuencode(b"x", content)) == content


@pytest.mark.parametrize("broken", [b"TVqQ", b"TVqQ=", b"TVqQA", b"T!V\nq\tQ\xff", b"TV=qQ", b"=TVqQ"])
def test_broken_base64_still_gives_its_bytes(broken):
    assert undo("base64", broken).startswith(b"MZ\x90")


def test_a_mail_that_only_speaks_of_begin_has_no_file():
    assert list(uuencoded(b"begin 644 of chapter\nlower case text\n\nbegin 644 x")) == []


@given(st.sampled_from(["base64", "quoted-printable", "uue", "x"]), st.binary(max_size=300))
def test_any_bytes_are_decoded_somehow(encoding, content):
    assert isinstance(undo(encoding, content), bytes)


@given(
    st.lists(st.sampled_from([b"begin 644 a\n", b"M", b"`\n", b"end\n", b"A  \n", b"\r\n", b"x", b"\xff"]))
)
def test_any_text_is_searched_for_files(pieces):
    for name, content in uuencoded(b"".join(pieces)):
        assert name
        assert isinstance(content, bytes)
