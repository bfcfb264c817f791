from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill.delivery import Delivery, delivery_id, group_label
from mailmill.envelope import Recipient, argument

PLAIN = Delivery(
    id="ID.x",
    mail_id="ID",
    edge="mx1",
    sender="s@example.org",
    recipients=(Recipient("r@example.org"), Recipient("q@example.org", ("ORIGINAL=x",))),
    sender_args=("SIZE=1200", "BODY=8BITMIME"),
    head=b"",
    content="ID",
    covers=("0", "1"),
    arrival=0.0,
)


def with_sender_args(*args):
    return msgspec.structs.replace(PLAIN, sender_args=args)


def with_recipient_args(*args):
    return msgspec.structs.replace(PLAIN, recipients=(*PLAIN.recipients, Recipient("z@example.org", args)))


def test_qmqp_carries_an_ordinary_message():
    assert not PLAIN.needs_smtp()


@pytest.mark.parametrize("args", [("RET=HDRS",), ("envid=abc",), ("SIZE=1", "ENVID=")])
def test_dsn_arguments_of_the_sender_need_smtp(args):
    assert with_sender_args(*args).needs_smtp() == "DSN"


@pytest.mark.parametrize("arg", ["NOTIFY=SUCCESS", "notify=never", "ORCPT=rfc822;a@b"])
def test_dsn_arguments_of_one_recipient_need_smtp(arg):
    assert with_recipient_args(arg).needs_smtp() == "DSN"


def test_all_that_needs_smtp_is_named():
    assert with_sender_args("SMTPUTF8").needs_smtp() == "SMTPUTF8"
    assert with_sender_args("REQUIRETLS", "RET=FULL", "smtputf8").needs_smtp() == "DSN, SMTPUTF8, REQUIRETLS"


def test_an_argument_has_its_value_or_none():
    assert argument(("SIZE=5", "SMTPUTF8", "X=a=b"), "size") == "5"
    assert argument(("SMTPUTF8",), "SMTPUTF8") == ""
    assert argument(("X=a=b",), "X") == "a=b"
    assert argument(("SIZED=5",), "SIZE") is None


def test_a_mark_with_bytes_that_are_not_utf_8_has_a_label():
    assert group_label(("notice:\udcff@example.org",)) != group_label(("notice:?@example.org",))


@given(
    st.lists(st.integers(0, 1000).map(str), unique=True).map(tuple),
    st.lists(st.integers(0, 1000).map(str), unique=True).map(tuple),
)
def test_groups_have_the_same_id_only_for_the_same_marks(one, other):
    assert (delivery_id("ID", one) == delivery_id("ID", other)) == (one == other)
    assert delivery_id("ID", one) == f"ID.{group_label(one)}"
    assert delivery_id("ID", one) != delivery_id("ID2", one)
