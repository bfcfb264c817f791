from __future__ import annotations

from pathlib import Path

import pytest

from mailmill_local.ports import Ports, users_of, variable

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


def _proc(tmp_path: Path, *lines: str) -> Path:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "tcp").write_text(HEAD + "".join(lines))
    return tmp_path


def _line(port: int, state: str, inode: int) -> str:
    return f"   0: 0100007F:{port:04X} 00000000:0000 {state} 0:0 00:0 0 0 0 {inode} 1\n"


def test_the_environment_changes_a_port() -> None:
    assert Ports.from_environment({"UP_EDGE_PORT": "2600"}) == Ports(edge=2600)


def test_an_empty_variable_changes_nothing() -> None:
    assert Ports.from_environment({variable("redis"): ""}) == Ports()


@pytest.mark.parametrize("text", ["0", "65536", "-1", "tcp://10.0.0.1", "25a", "²"])
def test_what_is_no_port_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="UP_EDGE_PORT"):
        Ports.from_environment({"UP_EDGE_PORT": text})


def test_two_servers_cannot_have_one_port() -> None:
    with pytest.raises(ValueError, match="port 16379 is wanted for edge and for redis"):
        Ports.from_environment({"UP_EDGE_PORT": "16379"})


def test_a_port_without_listener_has_no_user(tmp_path: Path) -> None:
    proc = _proc(tmp_path, _line(2525, "01", 7), _line(2526, "0A", 8))
    assert users_of(2525, proc) is None


def test_the_user_of_a_port_is_named_with_its_id(tmp_path: Path) -> None:
    proc = _proc(tmp_path, _line(2525, "0A", 77))
    for pid, inode in ((41, 76), (42, 77)):
        (proc / str(pid) / "fd").mkdir(parents=True)
        (proc / str(pid) / "fd" / "3").symlink_to(f"socket:[{inode}]")
        (proc / str(pid) / "comm").write_text("exim4\n")
    assert users_of(2525, proc) == ["exim4 (pid 42)"]


def test_a_user_that_may_not_be_seen_leaves_an_empty_list(tmp_path: Path) -> None:
    assert users_of(2525, _proc(tmp_path, _line(2525, "0A", 77))) == []
