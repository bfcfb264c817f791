from __future__ import annotations

import ipaddress
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from mailmill_containers.networks import attached_networks

_HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"


def _line(network: ipaddress.IPv4Network, gateway: str = "0.0.0.0") -> str:  # noqa: S104 - no gateway, nothing is bound
    numbers = [
        ipaddress.IPv4Address(address).packed[::-1].hex().upper()
        for address in (network.network_address, gateway, network.netmask)
    ]
    return f"eth0\t{numbers[0]}\t{numbers[1]}\t0001\t0\t0\t0\t{numbers[2]}\t0\t0\t0   \n"


def test_networks_without_a_gateway_are_attached(tmp_path: Path) -> None:
    table = tmp_path / "route"
    table.write_text(
        _HEAD
        + "eth0\t00000000\t010012AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
        + "eth0\t000012AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
    )
    assert attached_networks(table) == ["127.0.0.0/8", "172.18.0.0/16"]


def test_a_container_without_networks_has_loopback(tmp_path: Path) -> None:
    table = tmp_path / "route"
    table.write_text(_HEAD)
    assert attached_networks(table) == ["127.0.0.0/8"]


@given(
    st.lists(
        st.builds(
            lambda address, length: ipaddress.IPv4Network((address, length), strict=False),
            st.ip_addresses(v=4),
            st.integers(1, 32),
        ),
        max_size=4,
    )
)
def test_every_table_is_read_as_it_was_written(tmp_path_factory, networks) -> None:
    table = tmp_path_factory.mktemp("routes") / "route"
    table.write_text(
        _HEAD + "".join(map(_line, networks)) + _line(ipaddress.IPv4Network("10.9.0.0/16"), "10.1.1.1")
    )
    assert attached_networks(table)[1:] == [str(network) for network in networks]
