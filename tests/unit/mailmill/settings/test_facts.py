from __future__ import annotations

import pytest

from mailmill.settings.facts import Address, MailFacts, split_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("", Address("", "")),
        ("postmaster", Address("postmaster", "")),
        ("User@Example.COM.", Address("user", "example.com")),
        ('"a@b"@example.com', Address('"a@b"', "example.com")),
    ],
)
def test_an_address_is_split_at_its_last_at_sign(text, address):
    assert split_address(text) == address


def facts(address="", name=""):
    return MailFacts("", "", address, name)


def test_an_ipv4_mapped_client_is_an_ipv4_client():
    assert facts("::ffff:10.1.2.3").client_number == facts("10.1.2.3").client_number == (4, 0x0A010203)
    assert facts("::ffff:10.1.2.3").client_text == "10.1.2.3"


@pytest.mark.parametrize("address", ["", "unix", "10.1.2", "10.1.2.3.4"])
def test_what_is_no_address_has_no_number(address):
    assert facts(address).client_number is None
    assert not facts(address).client_text


def test_an_ipv6_client_is_spelled_in_one_way():
    assert facts("2001:DB8:0:0::1").client_text == "2001:db8::1"


@pytest.mark.parametrize(("name", "host"), [("unknown", ""), ("", ""), ("MX.Example.", "mx.example")])
def test_an_unknown_client_name_is_none(name, host):
    assert facts(name=name).client_host.name == host
