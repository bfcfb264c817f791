"""The syntax of MailScanner.conf: `Option = value`, `%variable% = value` and `include`.

Variables have the value that they were given last above the line that uses them, as in MailScanner. This
module knows no options: it turns files into assignments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mailmill.settings.expansion import VARIABLES, expand, variables_in
from mailmill.settings.files import DiskFiles, Files
from mailmill.settings.lines import read_lines
from mailmill.settings.option import option_key

_INCLUDE: Final = re.compile(r"include\s+([^=]+)", re.IGNORECASE)
#: MailScanner's directory, where a path begins with it; version 4 had it in /opt.
_HOME: Final = re.compile(r"(?<![^\s=,:;\"'(])(?:/etc/MailScanner|/opt/MailScanner/etc)(?![^/\s])")
_VARIABLE_NAME: Final = re.compile(r"%\s*([^%\s]+)\s*%")

#: The one variable that is meant to differ between the nodes of a cluster.
_OWN_NAME: Final = "HOSTNAME"


@dataclass(frozen=True)
class Assignment:
    """One `Option = value`, with everything in the value replaced."""

    name: str
    value: str
    #: `file:line`.
    where: str
    #: The value as it is written in the file.
    written: str


@dataclass
class ConfFile:
    """What was read so far. Begin with the variables that no file can change, then `read` a file."""

    environ: Mapping[str, str]
    #: By name in lower case, without percent signs.
    fixed: Mapping[str, str] = field(default_factory=dict)
    #: Where the copy of /etc/MailScanner lies that is read; None: it is no copy.
    copied_to: Path | None = None
    #: Where files are read from.
    files: Files = field(default_factory=DiskFiles)
    #: In the order of the files; the last one of an option counts.
    assignments: list[Assignment] = field(default_factory=list)
    #: Each `file:line: text`.
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.variables: dict[str, str] = {**VARIABLES, **self.fixed}
        #: What `$NAME` was replaced by in any value; the host's own name is not among it.
        self.environ_used: dict[str, str] = {}
        self._environ = _Noted(self.environ, self.environ_used)
        self._used: set[str] = set()
        self._seen: set[Path] = set()

    def read(self, path: Path) -> None:
        """Read a file and what it includes. What is wrong is added to `problems`."""
        self._seen.add(self.files.identity(path))
        set_at: dict[str, str] = {}
        for line in read_lines(path, self.problems, self.warnings, self.files):
            where = f"{path}:{line.number}"
            include = _INCLUDE.fullmatch(line.text)
            name, equals, value = (word.strip() for word in line.text.partition("="))
            try:
                if include:
                    self._include(self._expand(include[1]), where, path)
                elif equals:
                    self._warn_if_repeated(name, where, set_at)
                    self.assign(name, value, where)
                else:
                    self.problems.append(f"{where}: not understood: {line.text!r} (Option = value)")
            except ValueError as exc:
                self.problems.append(f"{where}: {exc}")

    def assign(self, name: str, text: str, where: str) -> None:
        """Take `name = text` from a place.

        Raises:
            ValueError: there is no name, or something in the text is not defined.
        """
        value = self._expand(text)
        if variable := _VARIABLE_NAME.fullmatch(name):
            self._set_variable(variable[1].lower(), value, where)
            return
        if not option_key(name):
            raise ValueError("there is no option in front of '='")
        self.assignments.append(Assignment(name, value, where, text))

    def expand(self, text: str) -> str:
        """Return a text with its variables replaced by what they are now.

        Raises:
            ValueError: one is not defined.
        """
        return self.located(expand(text, self.variables, self._environ))

    def located(self, text: str) -> str:
        """Return a text in which paths below /etc/MailScanner are those of the copy that is read."""
        return text if self.copied_to is None else _HOME.sub(lambda _: str(self.copied_to), text)

    def _expand(self, text: str) -> str:
        self._used |= variables_in(text)
        return self.expand(text)

    def _warn_if_repeated(self, name: str, where: str, set_at: dict[str, str]) -> None:
        # Within one file it is a slip; a later file of an include is meant to override an earlier one.
        key = option_key(name)
        if key in set_at and "%" not in name:
            self.warnings.append(f"{where}: {name} was set before ({set_at[key]}); this value counts")
        set_at[key] = where

    def _set_variable(self, name: str, value: str, where: str) -> None:
        if name in self.fixed:
            return
        if name in self._used and self.variables.get(name) != value:
            self.warnings.append(f"{where}: %{name}% was used above; the values there do not change")
        self.variables[name] = value

    def _include(self, pattern: str, where: str, path: Path) -> None:
        pattern = str(path.parent / pattern.strip())
        found = [Path(name) for name in self.files.find(pattern)]
        if not found:
            self.warnings.append(f"{where}: no file fits include {pattern}")
        for name in found:
            if self.files.identity(name) in self._seen:
                self.warnings.append(f"{where}: {name} was read before and is not read again")
            else:
                self.read(name)


class _Noted(Mapping[str, str]):
    """An environment that notes what is asked for."""

    def __init__(self, environ: Mapping[str, str], used: dict[str, str]) -> None:
        self._environ = environ
        self._used = used

    def __getitem__(self, name: str) -> str:
        value = self._environ[name]
        if name != _OWN_NAME:
            self._used[name] = value
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._environ)

    def __len__(self) -> int:
        return len(self._environ)
