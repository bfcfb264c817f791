from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill.configuration import bundle as module
from mailmill.configuration.bundle import Bundle, BundledFile, pack, unpack
from mailmill.errors import ConfigError, RecordError
from mailmill.settings.files import DiskFiles

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=8).map(
    "/{}".format
)
BUNDLES = st.builds(
    lambda files, main: Bundle(main, tuple(BundledFile(*item) for item in sorted(files.items()))),
    st.dictionaries(NAMES, st.binary(max_size=50), max_size=5),
    NAMES,
)


@given(BUNDLES)
def test_what_is_packed_is_unpacked_as_it_was(bundle):
    assert unpack(pack(bundle)) == bundle


@given(BUNDLES, st.data())
def test_a_damaged_bundle_is_refused_or_another_one_and_never_a_crash(bundle, data):
    packed = bytearray(pack(bundle))
    at = data.draw(st.integers(0, len(packed) - 1))
    if data.draw(st.booleans()):
        del packed[at:]
    else:
        packed[at] ^= data.draw(st.integers(1, 255))
    try:
        unpack(bytes(packed))
    except RecordError:
        return


@given(st.binary(max_size=60))
def test_any_bytes_are_refused_or_a_bundle(data):
    for packed in (data, zlib.compress(data)):
        try:
            assert isinstance(unpack(packed), Bundle)
        except RecordError:
            continue


def test_a_bundle_that_grows_beyond_all_bounds_is_cut_off(monkeypatch):
    monkeypatch.setattr(module, "MOST_BYTES", 1000)
    with pytest.raises(RecordError, match="too large"):
        unpack(zlib.compress(bytes(10_000)))


def test_too_many_files_and_bytes_are_refused_together(monkeypatch, tmp_path):
    files = DiskFiles(keep=True)
    for name in "ab":
        (tmp_path / name).write_bytes(b"12345")
        files.read(tmp_path / name)
    assert Bundle.of(files).size == 10
    monkeypatch.setattr(module, "MOST_FILES", 1)
    monkeypatch.setattr(module, "MOST_BYTES", 9)
    with pytest.raises(ConfigError) as caught:
        Bundle.of(files)
    assert len(caught.value.problems) == 2
    monkeypatch.setattr(module, "MOST_PACKED", 3)
    with pytest.raises(ConfigError, match="compressed"):
        pack(Bundle("", ()))


def test_a_name_that_is_not_utf_8_cannot_be_published(tmp_path):
    path = tmp_path / "a\udcff"
    path.write_bytes(b"")
    files = DiskFiles(keep=True)
    files.read(path)
    with pytest.raises(ConfigError, match="not UTF-8"):
        Bundle.of(files)
