from __future__ import annotations

import io
from pathlib import Path

import pytest

from mailmill_local.output import Output


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_each_line_has_the_name_of_its_program(tmp_path: Path) -> None:
    stream = io.StringIO()
    output = Output(tmp_path / "log", stream)
    output.line("redis", "ready")
    output.say("go")
    output.close()
    assert stream.getvalue() == "redis         | ready\nup            | go\n"
    assert (tmp_path / "log").read_text() == stream.getvalue()


def test_programs_cannot_control_the_terminal(tmp_path: Path) -> None:
    stream = io.StringIO()
    output = Output(tmp_path / "log", stream)
    output.line("redis", "a\033[2Jb\rc")
    output.close()
    assert stream.getvalue() == "redis         | a?[2Jb?c\n"


def test_empty_lines_of_programs_are_left_out(tmp_path: Path) -> None:
    stream = io.StringIO()
    output = Output(tmp_path / "log", stream)
    output.line("redis", "")
    output.close()
    assert stream.getvalue() == ""


def test_colours_are_for_terminals_that_want_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured, plain = Terminal(), Terminal()
    output = Output(tmp_path / "log", coloured)
    output.line("redis", "ready")
    output.close()
    assert coloured.getvalue() == "\033[36mredis         |\033[0m ready\n"
    monkeypatch.setenv("NO_COLOR", "1")
    output = Output(tmp_path / "log", plain)
    output.line("redis", "ready")
    output.close()
    assert plain.getvalue() == "redis         | ready\n"
