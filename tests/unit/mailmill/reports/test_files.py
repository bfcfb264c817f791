import importlib.resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill.reports.files import decode, is_charset, own_text
from mailmill.reports.template import Values, split_headers, unknown_variables
from mailmill.reports.variables import NAMES
from mailmill.settings.expansion import VARIABLES
from mailmill.settings.options.reports import REPORT_FILES


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("für\r\nalle\n".encode(), "für\nalle\n"),
        ("\ufefffür\n".encode(), "für\n"),
        ("für\n".encode("latin-1"), "für\n"),
        (
            b"Subject: x\nContent-Type: text/plain; charset=iso-8859-2\n\n\xb5",
            "Subject: x\n" + "Content-Type: text/plain; charset=iso-8859-2\n\nľ",
        ),
        (
            b"Content-Type: text/plain; charset=base64\n\n\xe9",
            "Content-Type: text/plain; charset=base64\n\né",
        ),
        (
            b"\xe9\n\nContent-Type: text/plain; charset=iso-8859-5\n",
            "é\n\nContent-Type: text/plain; charset=iso-8859-5\n",
        ),
    ],
)
def test_files_are_read_in_their_charset(data, text):
    assert decode(data, "iso-8859-1") == text


def test_the_charset_of_the_site_counts_where_a_file_names_none():
    assert decode(b"\xb5", "iso-8859-2") == "ľ"


@pytest.mark.parametrize("name", ["UTF-8", "iso-8859-15", "windows-1252", "koi8-r"])
def test_charsets(name):
    assert is_charset(name)


@pytest.mark.parametrize(
    "name", ["", "nonsense", "rot13", "base64", "hex", "utf-16", "utf-7", "idna", "a\0b"]
)
def test_what_is_no_charset_for_mail(name):
    assert not is_charset(name)


@given(st.binary())
def test_any_bytes_are_a_text(data):
    assert "\r" not in decode(data, "iso-8859-1")


def test_there_is_an_own_text_for_every_option_and_no_other():
    names = {option.default.rpartition("/")[2] for option in REPORT_FILES}
    folder = importlib.resources.files("mailmill.reports") / "en"
    assert {entry.name for entry in folder.iterdir()} == names
    for name in names:
        text = own_text(name)
        assert list(unknown_variables(text, Values(NAMES, VARIABLES))) == []
        assert text.isascii()
        assert bool(split_headers(text)[0]) is not name.startswith(("inline", "stored"))
