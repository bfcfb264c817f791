from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailmill.settings.files import DiskFiles, GivenFiles


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_given_files_are_all_that_there_is(tmp_path: Path):
    there = write(tmp_path / "a", "disk")
    files = GivenFiles({"/etc/x": b"given"})
    assert files.read(Path("/etc/../etc/x")) == b"given"
    with pytest.raises(FileNotFoundError, match="published set"):
        files.read(there)


def test_a_state_tells_that_a_file_was_changed_made_or_removed(tmp_path: Path):
    changed, removed = write(tmp_path / "changed", "1"), write(tmp_path / "removed", "1")
    files = DiskFiles()
    for path in (changed, removed):
        files.read(path)
    with pytest.raises(FileNotFoundError):
        files.read(tmp_path / "made")
    assert files.state.now() == files.state
    for act in (
        lambda: changed.write_text("22"),
        removed.unlink,
        lambda: write(tmp_path / "made", ""),
    ):
        before = files.state.now()
        act()
        assert files.state.now() != before
    assert files.state.now() != files.state


def test_a_state_tells_that_a_file_was_replaced_by_one_of_the_same_size_and_time(tmp_path: Path):
    path = write(tmp_path / "a", "1")
    files = DiskFiles()
    files.read(path)
    other = write(tmp_path / "b", "2")
    status = path.stat()
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.rename(path)
    assert files.state.now() != files.state


def test_a_state_tells_that_a_pattern_finds_another_file(tmp_path: Path):
    files = DiskFiles()
    assert files.find(f"{tmp_path}/conf.d/*.conf") == []
    write(tmp_path / "conf.d/a.conf", "")
    assert files.state.now() != files.state


def test_bytes_are_kept_when_wanted(tmp_path: Path):
    path = write(tmp_path / "a", "x")
    for files, kept in ((DiskFiles(), {}), (DiskFiles(keep=True), {str(path): b"x"})):
        assert files.read(path) == b"x"
        assert files.kept == kept


def test_what_is_no_file_is_refused_without_waiting_for_it(tmp_path: Path):
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(OSError, match="Not a regular file"):
        DiskFiles().read(tmp_path / "fifo")
    with pytest.raises(IsADirectoryError):
        DiskFiles().read(tmp_path)
    assert DiskFiles().read(Path(os.devnull)) == b""


NAME = st.sampled_from(["a", "b.conf", ".b.conf", "c.conf", "[x]", "*"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.sets(st.tuples(st.sampled_from(["d", "e.d", ".h"]), NAME), max_size=6),
    st.tuples(
        st.sampled_from(["d", "*", "*.d", ".*"]),
        st.sampled_from(["*", "*.conf", "?", "[a-b]*", ".b*", "[[]x]"]),
    ),
)
def test_given_files_are_found_as_on_a_disk(tmp_path_factory, names, pattern):
    root = tmp_path_factory.mktemp("tree")
    paths = [write(root / directory / name, "x") for directory, name in names]
    wanted = f"{root}/{pattern[0]}/{pattern[1]}"
    given_files = GivenFiles({str(path): b"x" for path in paths})
    assert given_files.find(wanted) == DiskFiles().find(wanted)
