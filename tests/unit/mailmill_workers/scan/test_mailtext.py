import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill_workers.scan.mailtext import header_lines, header_values, printable

MAIL = (
    b"Received: a\n\tb\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n  to all\n"
    b"SUBJECT : second\nfrom x\n\nSubject: body\n"
)


def test_headers_are_those_above_the_empty_line_with_their_folds():
    assert header_lines(MAIL) == [
        b"Received: a\n\tb\n",
        b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n  to all\n",
        b"SUBJECT : second\n",
    ]


@pytest.mark.parametrize("content", [b"", b"\nSubject: body\n", b"no headers\n\nSubject: body\n"])
def test_a_message_without_headers_has_none(content):
    assert header_lines(content) == []


def test_values_are_unfolded_and_decoded():
    assert header_values(MAIL, "Subject") == ["Grüße to all", "second"]


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"=?utf-8?b?!!!?=", ""),
        (b"=?nonsense?q?x?=", "=?nonsense?q?x?="),
        (b"=?utf-8?q?a=0D=0AX-Evil:_b?=", "a??X-Evil: b"),
        (b"\xe9\x07", "\ufffd?"),
    ],
)
def test_what_cannot_be_decoded_or_printed_does_no_harm(raw, shown):
    assert header_values(b"Subject: " + raw + b"\n\n", "subject") == [shown]


@given(st.binary(max_size=300) | st.binary(max_size=100).map(lambda raw: b"Subject: =?" + raw + b"?=\n\n"))
def test_any_message_has_printable_values(content):
    assert all(value.isprintable() for value in header_values(content, "Subject"))
    assert all(line in content for line in header_lines(content))


@given(st.text())
def test_any_text_becomes_printable(text):
    assert printable(text).isprintable()
