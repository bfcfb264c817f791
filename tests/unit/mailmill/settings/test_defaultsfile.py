from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill.errors import ConfigError
from mailmill.settings.defaultsfile import read_defaults, service_enabled


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "defaults"
        path.write_text(text)
        return path

    return write


def test_names_have_values_without_quotes_and_comments(file):
    text = "# c\na=1\n b='x y' # c\nexport c=\"z\";\nd=\nif [ $a = 1 ]\ne=1 cmd\na=2#x\n"
    assert read_defaults(file(text)) == {"a": "2", "b": "x y", "c": "z", "d": ""}


@pytest.mark.parametrize(
    "line", ["run_mailscanner=0", "run_mailscanner='0'", "run_mailscanner=no", "run_mailscanner="]
)
def test_a_host_that_is_switched_off_may_not_run(file, line):
    assert service_enabled(file(f"#run_mailscanner=1\n{line}\n")) is False


@pytest.mark.parametrize("line", ["run_mailscanner=1", 'run_mailscanner="1"', "q_days=0", ""])
def test_any_other_host_may_run(file, line):
    assert service_enabled(file(line)) is True


def test_a_host_without_the_file_may_run(tmp_path):
    assert service_enabled(tmp_path / "none") is True


def test_a_file_that_cannot_be_read_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        service_enabled(tmp_path)


@given(st.binary())
def test_any_file_can_be_read(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("defaults") / "file"
    path.write_bytes(data)
    assert all(name.isidentifier() for name in read_defaults(path))
