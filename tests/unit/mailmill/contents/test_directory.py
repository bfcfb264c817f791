from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill.contents import open_store
from mailmill.contents.directory import DirectoryContents
from mailmill.errors import ContentsError

KEY = "01J0000000ABCDEFGH-4T"


@pytest.fixture
def store(tmp_path):
    return DirectoryContents(tmp_path / "contents")


def files(tmp_path):
    return [path for path in tmp_path.rglob("*") if path.is_file()]


def test_what_was_put_can_be_got(store):
    store.put({KEY: b"one", f"{KEY}.label": b""})
    assert store.get([KEY, "missing", f"{KEY}.label"]) == {KEY: b"one", f"{KEY}.label": b""}


def test_an_item_is_replaced_whole(store, tmp_path):
    store.put({KEY: b"a long first version"})
    store.put({KEY: b"short"})
    assert store.get([KEY]) == {KEY: b"short"}
    assert len(files(tmp_path)) == 1


def test_removed_items_are_gone_and_a_second_time_is_no_error(store, tmp_path):
    store.put({KEY: b"x"})
    store.remove([KEY, "missing"])
    store.remove([KEY])
    assert store.get([KEY]) == {}
    assert files(tmp_path) == []


@given(st.dictionaries(st.from_regex(r"[0-9A-Za-z.-]{3,40}", fullmatch=True), st.binary(), max_size=5))
def test_keys_do_not_get_in_each_others_way(tmp_path_factory, items):
    store = DirectoryContents(tmp_path_factory.mktemp("contents"))
    store.put(items)
    assert store.get(items) == items


@pytest.mark.parametrize("key", ["../escape", "/etc/passwd", "a/b/c"])
def test_a_key_with_slashes_stays_inside(tmp_path, key):
    store = DirectoryContents(tmp_path / "contents")
    store.put({key: b"x"})
    assert store.get([key]) == {key: b"x"}
    assert all((tmp_path / "contents") in path.parents for path in files(tmp_path))


def test_a_failed_rename_leaves_the_old_item_and_no_temporary_file(store, tmp_path, monkeypatch):
    store.put({KEY: b"old"})

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(ContentsError, match=f"cannot store {KEY} in .*: No space left on device"):
        store.put({KEY: b"new"})
    assert store.get([KEY]) == {KEY: b"old"}
    assert len(files(tmp_path)) == 1


def test_a_directory_that_cannot_be_used_is_an_error_of_the_store(tmp_path):
    (tmp_path / "file").write_text("")
    store = DirectoryContents(tmp_path / "file")
    for action in (lambda: store.put({KEY: b""}), lambda: store.get([KEY]), lambda: store.remove([KEY])):
        with pytest.raises(ContentsError, match="Not a directory"):
            action()


def test_a_file_url_means_a_directory(tmp_path):
    store = open_store(f"file://{tmp_path}", lifetime=60)
    assert isinstance(store, DirectoryContents)
    store.put({KEY: b"x"})
    assert len(files(tmp_path)) == 1


def test_an_unknown_scheme_is_refused():
    with pytest.raises(ValueError, match="unknown scheme 'ftp'"):
        open_store("ftp://host/", lifetime=60)
