"""The syntax of MailScanner.conf: lines, comments, continuation, `%variables%` and `include`.

A `#` begins a comment wherever it stands, as in MailScanner. Variables have the value that they were given last
above the line that uses them. This module knows no options: it turns files into assignments.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mailmill.settings.option import option_key
from mailmill.settings.text import VARIABLES, expand, variables_in

_INCLUDE: Final = re.compile(r"include\s+([^=]+)", re.IGNORECASE)
_ASSIGNMENT: Final = re.compile(r"([^=]*?)\s*=\s*(.*)", re.DOTALL)
_VARIABLE_NAME: Final = re.compile(r"%\s*([^%\s]+)\s*%")


@dataclass(frozen=True)
class Assignment:
    """One `Option = value`."""

    name: str
    value: str
    #: `file:line`.
    where: str


@dataclass
class ConfFile:
    """What was read so far: begin with the variables that are fixed, then `read` a file."""

    environ: Mapping[str, str]
    #: Variables that no file can change, by name in lower case without percent signs.
    fixed: Mapping[str, str] = field(default_factory=dict)
    #: In the order of the files; the last one of an option counts.
    assignments: list[Assignment] = field(default_factory=list)
    #: Each `file:line: text`.
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.variables: dict[str, str] = {**VARIABLES, **self.fixed}
        self._used: set[str] = set()
        self._seen: set[Path] = set()

    def read(self, path: Path) -> None:
        """Read a file and what it includes. What is wrong is added to `problems`."""
        self._seen.add(path.resolve())
        first: dict[str, str] = {}
        try:
            lines = logical_lines(path.read_bytes())
        except OSError as exc:
            self.problems.append(f"{path}: cannot be read: {exc.strerror or exc}")
            return
        for number, line, complaint in lines:
            where = f"{path}:{number}"
            if complaint:
                self.warnings.append(f"{where}: {complaint}")
            try:
                self._line(line, where, path, first)
            except ValueError as exc:
                self.problems.append(f"{where}: {exc}")

    def _line(self, line: str, where: str, path: Path, first: dict[str, str]) -> None:
        if any(char < " " and char != "\t" or "\udc80" <= char <= "\udcff" for char in line):
            raise ValueError("the line has control characters or is not UTF-8")
        if include := _INCLUDE.fullmatch(line):
            self._include(self._expand(include[1].strip()), where, path)
            return
        match = _ASSIGNMENT.fullmatch(line)
        if not match:
            raise ValueError(f"not understood: {line!r} (Option = value)")
        name, value = match[1], self._expand(match[2])
        if variable := _VARIABLE_NAME.fullmatch(name):
            self._set_variable(variable[1].lower(), value, where)
            return
        key = option_key(name)
        if not key:
            raise ValueError("there is no option in front of '='")
        if key in first:
            self.warnings.append(f"{where}: {name} was set before ({first[key]}); this value counts")
        first[key] = where
        self.assignments.append(Assignment(name, value, where))

    def _expand(self, text: str) -> str:
        self._used |= variables_in(text)
        return expand(text, self.variables, self.environ)

    def _set_variable(self, name: str, value: str, where: str) -> None:
        if name in self.fixed:
            return
        if name in self._used and self.variables[name] != value:
            self.warnings.append(f"{where}: %{name}% was used above; the values there do not change")
        self.variables[name] = value

    def _include(self, pattern: str, where: str, path: Path) -> None:
        found = sorted(glob.glob(str(path.parent / pattern)))  # noqa: PTH207 - the pattern may be absolute
        if not found:
            self.warnings.append(f"{where}: no file matches include {pattern}")
        for name in map(Path, found):
            if name.resolve() in self._seen:
                self.warnings.append(f"{where}: {name} was read before and is not read again")
            else:
                self.read(name)


def logical_lines(data: bytes) -> Iterator[tuple[int, str, str]]:
    """Yield the lines of a file that say something: first line number, text, and a complaint or "".

    Comments and surrounding space are gone; a line that ended in a backslash has the next one joined to it.
    """
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    start, joined, complaint = 0, "", ""
    for number, raw in enumerate(text.split("\n"), 1):
        kept, mark, _ = raw.partition("#")
        if mark and kept and not kept[-1].isspace() and not joined:
            complaint = "everything after # is a comment"
        kept = kept.strip()
        start = start or number
        if kept.endswith("\\"):
            joined += kept[:-1].rstrip() + " "
            continue
        if joined or kept:
            yield start, (joined + kept).strip(), complaint
        start, joined, complaint = 0, "", ""
    if joined.strip():
        yield start, joined.strip(), complaint
