import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill_workers.engines.addresses import TcpAddress, UnixAddress, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("/var/run/clamav/clamd.ctl", UnixAddress("/var/run/clamav/clamd.ctl")),
        ("10.0.0.1", TcpAddress("10.0.0.1", 3310)),
        ("clamd.example.org:3311", TcpAddress("clamd.example.org", 3311)),
        ("[2001:db8::1]:3311", TcpAddress("2001:db8::1", 3311)),
        ("[2001:db8::1]", TcpAddress("2001:db8::1", 3310)),
        ("2001:db8::1", TcpAddress("2001:db8::1", 3310)),
    ],
)
def test_every_form_of_an_address_is_read(text, address):
    assert parse_address(text, 3310) == address


@pytest.mark.parametrize(
    "text",
    ["", ":25", "host:", "host:0", "host:65536", "host:x", "a b", "[::1", "[::1]x", "[host]:1", "1:2:x"],
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(ValueError):
        parse_address(text, 3310)


@given(st.text(max_size=30))
def test_any_text_is_an_address_or_refused(text):
    try:
        address = parse_address(text, 1)
    except ValueError:
        return
    assert parse_address(str(address), 2) == address
