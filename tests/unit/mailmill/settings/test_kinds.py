from __future__ import annotations

import contextlib
import enum
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill.settings.kinds import (
    DURATION,
    HEADER_NAME,
    LISTENING_ADDRESS,
    MODE,
    PATH,
    REAL,
    TEXT,
    WORDS,
    YES_NO,
    one_of,
    url,
    whole_number,
)


class Colour(enum.StrEnum):
    RED = "red"
    BLUE = "blue"


REDIS = url("redis", "unix")
CONTENTS = url("redis", "file", optional=True)
KINDS = (
    *(DURATION, HEADER_NAME, LISTENING_ADDRESS, MODE, PATH, REAL, TEXT, WORDS, YES_NO, REDIS, CONTENTS),
    one_of(Colour),
    whole_number(0, 10),
)


@pytest.mark.parametrize("text", ["yes", "YES", " 1 ", "true", "on"])
def test_words_for_yes(text):
    assert YES_NO.parse(text) is True


@pytest.mark.parametrize("text", ["no", "No", "0", "false", "off"])
def test_words_for_no(text):
    assert YES_NO.parse(text) is False


def test_another_word_is_neither_yes_nor_no():
    with pytest.raises(ValueError, match="must be yes or no, not 'maybe'"):
        YES_NO.parse("maybe")


@pytest.mark.parametrize(
    ("text", "value"),
    [("5", 5), ("1k", 1000), ("2M", 2_000_000), ("3 g", 3 * 10**9), ("1.5k", 1500), ("0", 0)],
)
def test_numbers_take_powers_of_ten(text, value):
    assert whole_number(0).parse(text) == value


@given(st.integers(0, 10**18 - 1))
def test_every_whole_number_is_read_exactly(number):
    assert whole_number(0).parse(str(number)) == number


@pytest.mark.parametrize("kind", [whole_number(0), DURATION])
def test_a_number_beyond_all_use_is_refused(kind):
    with pytest.raises(ValueError, match="must be"):
        kind.parse("9" * 5000)


@pytest.mark.parametrize("text", ["", "x", "1.5", "1.0001k", "1t", "--1", "1e3"])
def test_what_is_no_whole_number(text):
    with pytest.raises(ValueError, match="must be a whole number"):
        whole_number(0).parse(text)


@pytest.mark.parametrize("text", ["0", "11", "-1"])
def test_numbers_outside_their_limits_are_refused(text):
    with pytest.raises(ValueError, match="from 1 to 10"):
        whole_number(1, 10).parse(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("7", 7), ("7s", 7), ("2m", 120), ("1H", 3600), ("1 d", 86_400), ("1w", 604_800)]
)
def test_times_are_seconds_unless_a_letter_follows(text, seconds):
    assert DURATION.parse(text) == seconds


@pytest.mark.parametrize("text", ["", "-1", "1.5h", "1y", "h"])
def test_what_is_no_time(text):
    with pytest.raises(ValueError, match="must be a time"):
        DURATION.parse(text)


@pytest.mark.parametrize(("text", "mode"), [("0640", 0o640), ("600", 0o600), (" 0777 ", 0o777)])
def test_modes_are_octal(text, mode):
    assert MODE.parse(text) == mode


@pytest.mark.parametrize("text", ["", "64", "0888", "rwx", "17770"])
def test_what_is_no_mode(text):
    with pytest.raises(ValueError, match="must be a file mode"):
        MODE.parse(text)


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "six"])
def test_what_is_no_number(text):
    with pytest.raises(ValueError, match="must be a number"):
        REAL.parse(text)


def test_a_path_is_stripped_and_not_empty():
    assert PATH.parse(" /var/spool ") == Path("/var/spool")
    for text in ("", "  ", "/a\0b"):
        with pytest.raises(ValueError, match="must be a path"):
            PATH.parse(text)


def test_a_header_name_loses_its_colon_and_its_spaces():
    assert HEADER_NAME.parse("X-My Site-MailScanner:") == "X-My-Site-MailScanner"


@pytest.mark.parametrize("text", ["", ":", "X-Ä", "X: y"])
def test_what_cannot_name_a_header(text):
    with pytest.raises(ValueError, match="name of a header"):
        HEADER_NAME.parse(text)


def test_words_are_separated_by_spaces_and_commas():
    assert WORDS.parse(" a, b  c,,d ") == ("a", "b", "c", "d")


def test_a_choice_is_read_in_any_case():
    assert one_of(Colour).parse(" Blue ") is Colour.BLUE
    with pytest.raises(ValueError, match="must be red or blue, not 'green'"):
        one_of(Colour).parse("green")


@given(st.sampled_from(KINDS), st.text())
def test_any_text_is_a_value_or_a_value_error(kind, text):
    with contextlib.suppress(ValueError):
        kind.parse(text)


@pytest.mark.parametrize("text", ["127.0.0.1", "::1", "192.0.2.1", "/run/milter.sock"])
def test_a_listener_has_an_ip_address_or_a_path(text):
    assert LISTENING_ADDRESS.parse(f" {text} ") == text


@pytest.mark.parametrize(
    "text", ["", "999.1.1.1", "localhost", "run/milter.sock", "inet:127.0.0.1", "127.0.0.1:25"]
)
def test_a_listener_has_nothing_else(text):
    with pytest.raises(ValueError, match="an IP address or a path that begins with /"):
        LISTENING_ADDRESS.parse(text)


@pytest.mark.parametrize("text", ["redis://:p@h:6379/0", "redis://h", "unix:///run/redis.sock"])
def test_urls_of_the_schemes_are_taken_as_they_are(text):
    assert REDIS.parse(text) == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("http://h", "must begin with redis:// or unix://"),
        ("redis:h", "must begin with redis:// or unix://"),
        ("h:6379", "must begin with redis:// or unix://"),
        ("", "must begin with redis:// or unix://"),
        ("redis://h:99999", "port"),
        ("redis://:secret@h:x", "port"),
    ],
)
def test_other_urls_are_refused_without_a_word_of_theirs(text, reason):
    with pytest.raises(ValueError, match=reason) as caught:
        REDIS.parse(text)
    assert "secret" not in str(caught.value)


def test_a_driver_may_follow_the_scheme_of_a_database():
    database = url("postgresql", drivers=True)
    assert database.parse("postgresql+psycopg://u:p@h/db") == "postgresql+psycopg://u:p@h/db"
    with pytest.raises(ValueError, match="must begin with postgresql://"):
        database.parse("mysql+psycopg://u:p@h/db")


def test_a_file_has_three_slashes_and_an_optional_url_may_be_empty():
    assert CONTENTS.parse(" ") == ""
    assert CONTENTS.parse("file:///srv/mail") == "file:///srv/mail"
    with pytest.raises(ValueError, match="three slashes"):
        CONTENTS.parse("file://srv/mail")


@pytest.mark.parametrize(("text", "odd"), [("/a", False), ("a", True), ("/a b", True), ("", False)])
def test_a_relative_path_is_advised_against(text, odd):
    assert bool(PATH.advise(text)) is odd
