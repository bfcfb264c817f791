from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailmill_local.instance import AlreadyRunningError, end_leftovers, lock, remember
from mailmill_local.probes import wait_until


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A program that leads a session, has a child and ignores TERM."""
    script = "trap '' TERM; sleep 1000 & echo; wait; wait"
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        _kill_group(process.pid)


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def test_a_second_instance_is_refused_with_the_id_of_the_first(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with lock(path), pytest.raises(AlreadyRunningError, match=f"process {os.getpid()} "), lock(path):
        pass


def test_the_lock_is_free_again_afterwards(tmp_path: Path) -> None:
    for _ in range(2):
        with lock(tmp_path / "lock"):
            pass


def test_leftovers_are_ended_with_their_children(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    remember(tmp_path / "state", [("stubborn", sleeper.pid)])
    assert end_leftovers(tmp_path / "state", grace=0.1) == ["stubborn"]
    assert wait_until(lambda: sleeper.poll() is not None, 10)
    assert end_leftovers(tmp_path / "state", grace=0.1) == []


def test_children_are_found_when_their_leader_has_gone(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    remember(tmp_path / "state", [("orphaned", sleeper.pid)])
    sleeper.kill()
    sleeper.wait()
    assert end_leftovers(tmp_path / "state", grace=0.1) == ["orphaned"]


def test_a_stranger_with_the_same_id_is_left_alone(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    path = tmp_path / "state"
    remember(path, [("other", sleeper.pid)])
    started = Path(f"/proc/{sleeper.pid}/stat").read_text().rpartition(")")[2].split()[19]
    path.write_text(path.read_text().replace(f'"{started}"', '"1"'))
    assert end_leftovers(path, grace=0.1) == []
    assert sleeper.poll() is None


def test_ids_of_another_boot_mean_nothing(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    path = tmp_path / "state"
    remember(path, [("other", sleeper.pid)])
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    path.write_text(path.read_text().replace(boot, "another"))
    assert end_leftovers(path, grace=0.1) == []
    assert sleeper.poll() is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"boot": 1}'])
def test_a_damaged_state_file_names_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / "state").write_text(content)
    assert end_leftovers(tmp_path / "state") == []
