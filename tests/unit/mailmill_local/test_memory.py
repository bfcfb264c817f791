import pytest

from mailmill_local.memory import MemoryDirectory
from mailmill_local.servers.base import ServerError


def test_it_is_the_same_for_the_same_owner_and_another_for_another(tmp_path):
    first = MemoryDirectory(tmp_path / "a", tmp_path)
    assert first.path == MemoryDirectory(tmp_path / "a", tmp_path).path
    assert first.path != MemoryDirectory(tmp_path / "b", tmp_path).path
    assert first.path.parent == tmp_path


def test_what_an_earlier_run_left_is_taken_up(tmp_path):
    memory = MemoryDirectory(tmp_path / "edge", tmp_path)
    (memory.create() / "kept").touch()
    assert (memory.create() / "kept").exists()


def test_others_can_pass_whatever_the_umask(tmp_path):
    made = MemoryDirectory(tmp_path / "edge", tmp_path)
    made.path.mkdir(mode=0o700)
    assert made.create().stat().st_mode & 0o777 == 0o755


def test_what_is_no_directory_of_ours_is_refused(tmp_path):
    memory = MemoryDirectory(tmp_path / "edge", tmp_path)
    memory.path.symlink_to(tmp_path)
    with pytest.raises(ServerError, match=f"{memory.path}.* remove it"):
        memory.create()


def test_a_directory_of_somebody_else_is_refused(tmp_path, monkeypatch):
    memory = MemoryDirectory(tmp_path / "edge", tmp_path)
    memory.create()
    monkeypatch.setattr("os.geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(ServerError, match="remove it"):
        memory.create()


def test_a_tmpfs_that_is_not_there_is_an_error_and_has_no_room(tmp_path):
    memory = MemoryDirectory(tmp_path / "edge", tmp_path / "absent")
    assert not memory.has_room(0)
    with pytest.raises(ServerError, match="cannot be created"):
        memory.create()


def test_room_is_what_is_free(tmp_path):
    memory = MemoryDirectory(tmp_path / "edge", tmp_path)
    assert memory.has_room(1)
    assert not memory.has_room(1 << 60)


def test_removing_takes_all_and_may_be_repeated(tmp_path):
    memory = MemoryDirectory(tmp_path / "edge", tmp_path)
    (memory.create() / "active").mkdir()
    memory.remove()
    assert not memory.path.exists()
    memory.remove()
