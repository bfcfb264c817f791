from pathlib import Path

import pytest

from mailmill_local.memory import TMPFS, MemoryDirectory
from mailmill_local.ports import Ports
from mailmill_local.system import System


@pytest.fixture
def _room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MemoryDirectory, "has_room", lambda _, size: size < 1 << 30)


def _queue(tmp_path: Path, **changes: str) -> Path:
    return System(tmp_path, Ports(), changes=changes).edge.queue


@pytest.mark.usefixtures("_room")
def test_the_edges_queue_is_in_memory(tmp_path: Path) -> None:
    assert _queue(tmp_path).parent == TMPFS


@pytest.mark.usefixtures("_room")
@pytest.mark.parametrize("name", ["Milter Ignore Loopback", "milterignoreloopback"])
def test_mail_that_the_milter_leaves_to_postfix_is_on_disk(tmp_path: Path, name: str) -> None:
    assert _queue(tmp_path, **{name: "yes"}) == tmp_path / "edge" / "spool"
    assert _queue(tmp_path, **{name: "no"}).parent == TMPFS


def test_without_room_in_memory_the_edges_queue_is_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MemoryDirectory, "has_room", lambda *_: False)
    assert _queue(tmp_path) == tmp_path / "edge" / "spool"


def test_the_relays_queue_is_on_disk(tmp_path: Path) -> None:
    assert System(tmp_path, Ports()).relay.queue == tmp_path / "relay" / "spool"
