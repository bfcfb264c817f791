from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill.settings import Settings
from mailmill.settings.files import GivenFiles
from mailmill.settings.version import files_version, version_of

CONTENTS = st.dictionaries(
    st.text(max_size=5).map(lambda name: f"/{name}"), st.binary(max_size=5), max_size=4
)


def version(contents: dict[str, bytes], overrides: dict[str, str] | None = None) -> str:
    files = GivenFiles(contents)
    files.digests.update(contents)
    return version_of(files, overrides or {})


@given(CONTENTS, CONTENTS)
def test_versions_are_equal_for_equal_files_only(one, other):
    assert (version(one) == version(other)) == (one == other)


@given(st.dictionaries(st.text(max_size=3), st.text(max_size=3), min_size=1, max_size=3))
def test_overrides_show_behind_a_plus(overrides):
    assert re.fullmatch(r"[0-9a-f]{12}\+[0-9a-f]{6}", version({}, overrides))
    assert files_version(version({}, overrides)) == version({})


@pytest.fixture
def node(tmp_path: Path):
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "spam.rules").write_text(f"From: {tmp_path}/list yes\n")
    (tmp_path / "list").write_text("@a.example\n")
    (tmp_path / "names").write_text("deny\tx\tx\tx\n")
    (tmp_path / "MailScanner.conf").write_text(
        f"%org-name% = a\ninclude conf.d/*.conf\n"
        f"Is Definitely Spam = {tmp_path}/spam.rules\nFilename Rules = {tmp_path}/names\n"
    )

    def load(**environ: str) -> str:
        return Settings.load(tmp_path / "MailScanner.conf", environ).version

    return load


@pytest.mark.parametrize("name", ["MailScanner.conf", "conf.d/x.conf", "spam.rules", "list", "names"])
def test_every_file_that_is_read_is_part_of_the_version(node, tmp_path, name):
    before = node()
    assert node() == before
    with (tmp_path / name).open("a") as file:
        file.write("\n# x\n")
    assert node() != before


def test_the_environment_is_part_of_the_version_where_it_changes_what_becomes_of_mail(node, tmp_path):
    before = node()
    assert (
        node(MAILMILL_REDIS_URL="redis://other", MAILMILL_EDGE_NAME="mx2", HOSTNAME="mx2", PATH="/bin")
        == before
    )
    assert node(MAILMILL_REQUIRED_SPAMASSASSIN_SCORE="5").startswith(f"{before}+")
    assert node(MAILMILL_VAR_ORG_NAME="b").startswith(f"{before}+")
    with (tmp_path / "MailScanner.conf").open("a") as file:
        file.write("Notices From = $WHO at $HOSTNAME\n")
    one, other = node(WHO="x", HOSTNAME="a"), node(WHO="y", HOSTNAME="a")
    assert files_version(one) == files_version(other)
    assert one != other
    assert node(WHO="x", HOSTNAME="b") == one
