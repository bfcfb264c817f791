import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill_workers.content.limits import BeyondLimitsError
from mailmill_workers.content.names import names, parameters


@pytest.mark.parametrize(
    "header",
    [
        "attachment; filename=evil.exe",
        'attachment; filename="evil.exe"',
        'attachment; filename="evil.exe',
        "attachment; FILENAME = evil.exe ;x=y",
        "attachment; filename='evil.exe'",
        "attachment;\n\tfilename=evil.exe\n",
        'attachment; filename="evil.\n exe"',
        "attachment; filename*=utf-8''evil%2Eexe",
        "attachment; filename*0=ev; filename*1=il.exe",
        "attachment; filename*1=il.exe; filename*0=ev",
        "attachment; filename*0*=utf-8''ev; filename*1=il.exe",
        'attachment; filename="=?utf-8?B?ZXZpbC5leGU=?="',
        'attachment; filename="=?utf-8?Q?evil=2Eexe?="',
        "attachment; filename==?utf-8?Q?evil=2Eexe?=",
        'attachment; filename="=?no-such-charset?Q?evil=2Eexe?="',
        'attachment; filename="=?utf-8?Q?ev?= =?utf-8?Q?il.exe?="',
        'attachment; filename="C:\\\\Temp\\\\evil.exe"',
        'attachment; filename="../../evil.exe"',
        'attachment; filename="evil.exe. . "',
        'attachment; filename="ev\u200bil.exe"',
        'attachment; filename="evil.exe\x00"',
        "attachment; filename=a.txt; filename=evil.exe",
        "attachment; filename=a.txt; filename*=utf-8''evil.exe",
        'text/plain; name="evil.exe"',
        "name=evil.exe",
    ],
)
def test_every_way_to_write_a_name_is_read(header):
    assert "evil.exe" in [name.replace(". exe", ".exe") for name in names([header])]


def test_the_first_name_is_the_one_on_the_screen():
    assert names(['attachment; filename="=?utf-8?Q?r=C3=A9sum=C3=A9.pdf?="'])[0] == "résumé.pdf"


def test_bytes_without_a_charset_are_read_as_utf8_or_latin1():
    assert names([b'x; name="r\xc3\xa9.pdf"'.decode("ascii", "surrogateescape")]) == ("ré.pdf",)
    assert names([b'x; name="r\xe9.pdf"'.decode("ascii", "surrogateescape")]) == ("ré.pdf",)


def test_a_change_of_direction_is_kept_in_the_name_as_it_stands():
    assert names(['x; name="invoice\u202efdp.exe"']) == ("invoicefdp.exe", "invoice\u202efdp.exe")


def test_a_part_without_a_name_has_none():
    assert names(["text/plain; charset=utf-8", "inline", 'text/plain; name=""']) == ()


def test_a_header_or_a_name_too_long_to_look_at_is_said_to_be_so():
    with pytest.raises(BeyondLimitsError):
        parameters("text/plain" + " ;" * 5000)
    with pytest.raises(BeyondLimitsError):
        names([f'x; name="{"a" * 3000}"'])


PIECES = st.sampled_from(
    [
        *(
            "name",
            "filename",
            "*",
            "0",
            "1",
            "=",
            ";",
            '"',
            "'",
            "''",
            "utf-8",
            "%41",
            "%",
            " ",
            "\n\t",
            "\\",
        ),
        *("=?utf-8?B?", "=?x?Q?", "?=", "ZXZpbA", "\udcff", "é", "\x00", "\u202e", "a" * 40, "99999"),
    ]
)


@given(st.lists(PIECES, max_size=25).map("".join))
def test_any_header_has_names_or_is_beyond_the_limits(header):
    try:
        found = names([header])
    except BeyondLimitsError:
        return
    assert all(found)
    assert len(set(found)) == len(found)
