from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill.errors import ConfigError
from mailmill_workers.deliver.address import Inet, Unix, parse_addresses


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("relay", Inet("relay", 628)),
        ("relay.example.net:25", Inet("relay.example.net", 25)),
        ("192.0.2.1", Inet("192.0.2.1", 628)),
        ("[2001:db8::1]:25", Inet("2001:db8::1", 25)),
        ("[2001:db8::1]", Inet("2001:db8::1", 628)),
        ("2001:db8::1", Inet("2001:db8::1", 628)),
        ("::1", Inet("::1", 628)),
    ],
)
def test_each_way_to_write_an_address_is_understood(text: str, address: Inet):
    assert parse_addresses("MSMail Relay Address", [text], 628) == (address,)


@pytest.mark.parametrize(
    "text", ["", "host:", "host:0", "host:65536", "host:x", "[::1", "[host]:25", "a b", ":25"]
)
def test_what_is_no_address_is_named_with_its_option(text: str):
    with pytest.raises(ConfigError, match="MSMail Relay Address") as caught:
        parse_addresses("MSMail Relay Address", ["good", text], 628)
    assert len(caught.value.problems) == 1


@given(st.text(max_size=30))
def test_any_text_is_an_address_or_a_problem(text: str):
    try:
        (address,) = parse_addresses("X", [text], 628)
    except ConfigError:
        return
    assert parse_addresses("X", [str(address).removeprefix("inet:")], 1) == (address,)


def test_addresses_are_shown_in_the_notation_of_postfix():
    assert [str(a) for a in (Inet("::1", 25), Inet("relay", 628), Unix("/x/qmqp"))] == [
        "inet:[::1]:25",
        "inet:relay:628",
        "unix:/x/qmqp",
    ]
