from email import policy
from email.parser import BytesParser

from hypothesis import given
from hypothesis import strategies as st

from mailmill_workers.scan.headers import FOLD_AT, header_block

anything = st.text(alphabet=st.characters(codec=None, exclude_categories=()), max_size=400)


@given(st.lists(anything, min_size=1, max_size=5))
def test_any_value_makes_exactly_one_ascii_header_each(values):
    block = header_block(tuple((f"X-Test-{index}", value) for index, value in enumerate(values)))
    assert block.isascii()
    parsed = BytesParser(policy=policy.compat32).parsebytes(block + b"\nbody")
    assert [name for name, _ in parsed.items()] == [f"X-Test-{index}" for index in range(len(values))]
    assert not parsed.defects


@given(st.lists(st.text(alphabet="abcXYZ019._=(),", min_size=1, max_size=30), min_size=1, max_size=60))
def test_folding_keeps_the_words_and_the_line_length(words):
    block = header_block((("X-Mailmill", " ".join(words)),)).decode()
    assert block.split()[1:] == words
    assert all(len(line.expandtabs(1)) <= FOLD_AT for line in block.splitlines())


def test_headers_keep_their_order():
    assert header_block((("A", "1"), ("B", "2"))) == b"A: 1\nB: 2\n"


def test_a_value_cannot_bring_its_own_header():
    assert (
        header_block((("X-From", "a\r\nBcc: victim@example.com"),)) == b"X-From: a Bcc: victim@example.com\n"
    )
