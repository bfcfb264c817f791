from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill.settings.lines import read_lines


@pytest.fixture
def read(tmp_path):
    path = tmp_path / "file"

    def reader(data):
        problems, warnings = [], []
        path.write_bytes(data)
        lines = [tuple(line) for line in read_lines(path, problems, warnings)]
        return (
            lines,
            [p.removeprefix(str(path)) for p in problems],
            [w.removeprefix(str(path)) for w in warnings],
        )

    return reader


def test_comments_and_empty_lines_say_nothing(read):
    assert read(b"# one\n\n  \t\n  # two\na = b # three\n") == ([(5, "a = b")], [], [])


def test_a_hash_inside_a_word_is_a_comment_with_a_warning(read):
    assert read(b"a = b#c\n") == ([(1, "a = b")], [], [":1: everything after # is a comment"])


def test_a_backslash_joins_lines_under_the_first_number(read):
    assert read(b"\na = b \\\n   c \\\n d\ne\n")[0] == [(2, "a = b c d"), (5, "e")]


def test_a_backslash_at_the_end_of_the_file_joins_nothing(read):
    assert read(b"a = b\\")[0] == [(1, "a = b")]


def test_dos_line_ends_and_a_byte_order_mark_are_passed_over(read):
    assert read(b"\xef\xbb\xbfa = b\r\nc\r\n")[0] == [(1, "a = b"), (2, "c")]


@pytest.mark.parametrize("bad", [b"\xff", b"\0", b"\x1b", b"x\ry"])
def test_bytes_that_are_no_text_are_a_problem_with_its_line(read, bad):
    lines, problems, _ = read(b"ok\na = " + bad + b"z\n")
    assert lines == [(1, "ok")]
    assert problems == [":2: the line has control characters or is not UTF-8"]


def test_bad_bytes_in_a_comment_do_not_matter(read):
    assert read(b"a = b # caf\xe9\n") == ([(1, "a = b")], [], [])


def test_a_file_that_is_not_there_is_a_problem(tmp_path):
    problems = []
    assert list(read_lines(tmp_path / "none", problems, [])) == []
    assert problems == [f"{tmp_path}/none: cannot be read: No such file or directory"]


@given(data=st.binary(max_size=200))
def test_any_bytes_give_lines_without_comments_and_control_characters(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("lines") / "file"
    path.write_bytes(data)
    for line in read_lines(path, [], []):
        assert line.text == line.text.strip() != ""
        assert not set(line.text) & set("#\n\r\0")
        assert 1 <= line.number <= data.count(b"\n") + 1
