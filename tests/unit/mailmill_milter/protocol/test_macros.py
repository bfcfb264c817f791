from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill_milter.protocol.macros import MacroTable
from mailmill_milter.protocol.packets import ProtocolError
from mailmill_milter.protocol.words import Command
from milter_fakes import strings


@pytest.fixture
def table():
    return MacroTable()


@pytest.mark.parametrize("told", [b"i", b"{i}"])
@pytest.mark.parametrize("asked", ["i", "{i}"])
def test_braces_make_no_difference(table, told, asked):
    table.tell(b"M" + strings(told, b"4ABC"))
    assert table(asked) == "4ABC"


def test_a_macro_that_nobody_told_is_none_and_an_empty_one_is_empty(table):
    table.tell(b"M" + strings(b"{auth_authen}", b""))
    assert table("{auth_authen}") == ""
    assert table("{auth_type}") is None


def test_a_value_is_no_name(table):
    table.tell(b"M" + strings(b"{auth_type}", b"i", b"i", b"4ABC"))
    assert table("i") == "4ABC"


def test_a_stage_replaces_what_it_told_before(table):
    table.tell(b"M" + strings(b"{auth_authen}", b"jim", b"i", b"1"))
    table.tell(b"M" + strings(b"i", b"2"))
    assert (table("i"), table("{auth_authen}")) == ("2", None)


def test_a_stage_without_macros_empties_what_it_told_before(table):
    table.tell(b"M" + strings(b"{auth_authen}", b"jim"))
    table.tell(b"M")
    assert table("{auth_authen}") is None


def test_what_was_told_last_counts_first(table):
    table.tell(b"C" + strings(b"i", b"connect"))
    table.tell(b"R" + strings(b"i", b"rcpt"))
    table.tell(b"M" + strings(b"i", b"mail"))
    assert table("i") == "mail"
    table.tell(b"C" + strings(b"i", b"connect again"))
    assert table("i") == "connect again"


def test_the_end_of_a_message_leaves_what_belongs_to_the_connection(table):
    for stage in (b"C", b"H", b"M", b"R", b"L", b"E", b"T"):
        table.tell(stage + strings(b"{of_%c}" % stage, b"x"))
    table.end_message()
    assert [stage for stage in "CHMRLET" if table(f"of_{stage}")] == ["C", "H"]


@pytest.mark.parametrize("forget", [MacroTable.end_message, MacroTable.clear])
def test_what_is_told_again_after_it_was_forgotten_counts_again(table, forget):
    for _ in range(2):
        table.tell(b"M" + strings(b"i", b"4ABC"))
        assert table("i") == "4ABC"
        forget(table)
        assert table("i") is None


def test_another_client_inherits_nothing(table):
    table.tell(b"C" + strings(b"j", b"mx.example"))
    table.clear()
    assert table("j") is None


def test_a_value_that_is_not_utf8_is_kept(table):
    table.tell(b"M" + strings(b"{auth_authen}", b"j\xfcrgen"))
    assert table("{auth_authen}") == "j\udcfcrgen"


def test_macros_of_no_stage_are_an_error(table):
    with pytest.raises(ProtocolError, match="no stage"):
        table.tell(b"")


@given(st.lists(st.tuples(st.sampled_from(b"CHMRTLNBEU"), st.binary(max_size=30)), max_size=8))
def test_any_bytes_of_a_stage_can_be_asked_about(tellings):
    table = MacroTable()
    for stage, told in tellings:
        table.tell(bytes((stage,)) + told)
    for name in ("i", "{i}", "", "{}"):
        assert table(name) is None or isinstance(table(name), str)


@pytest.mark.parametrize("data", [b"", b"\0i\0x\0", b"Zi\0x\0", b"Di\0x\0"])
def test_macros_of_no_stage_are_no_protocol(data):
    with pytest.raises(ProtocolError, match="no stage"):
        MacroTable().tell(data)


def test_a_stage_that_begins_makes_those_behind_it_forgotten():
    table = MacroTable()
    for stage, name in ((b"C", b"j"), (b"H", b"{tls_version}"), (b"M", b"{auth_authen}"), (b"E", b"i")):
        table.tell(stage + name + b"\0x\0")
    table.begin(Command.MAIL)
    assert (table("{auth_authen}"), table("i")) == ("x", None)
    table.begin(Command.HELO)
    assert (table("{tls_version}"), table("{auth_authen}")) == ("x", None)
    table.begin(Command.CONNECT)
    assert (table("j"), table("{tls_version}")) == ("x", None)


NAMES = st.sampled_from([b"i", b"j", b"{auth_type}", b"{tls_version}"])
VALUES = st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=5).map(str.encode)


@given(st.lists(st.tuples(st.sampled_from([b"C", b"M", b"R"]), st.dictionaries(NAMES, VALUES)), max_size=8))
def test_the_table_answers_as_the_stages_told(tellings):
    table, stages = MacroTable(), {}
    for stage, pairs in tellings:
        table.tell(stage + strings(*(part for pair in pairs.items() for part in pair)))
        stages.pop(stage, None)
        stages[stage] = pairs
    latest = {name: value for pairs in stages.values() for name, value in pairs.items()}
    for name in (b"i", b"j", b"{auth_type}", b"{tls_version}"):
        expected = latest.get(name)
        assert table(name.decode()) == (None if expected is None else expected.decode())
