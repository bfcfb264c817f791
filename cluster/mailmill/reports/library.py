"""The report files of a configuration, read with it: they are part of its version, and published with it."""

from __future__ import annotations

import glob
from collections.abc import Mapping
from pathlib import Path

from mailmill.reports.files import ReportFile, decode, own_text
from mailmill.reports.strings import ENGLISH, parse
from mailmill.reports.template import Values, unknown_variables
from mailmill.reports.variables import NAMES
from mailmill.settings.files import Files


class Library:
    """Texts by the path of their file. A file that is not there is replaced by Mailmill's own, in English."""

    def __init__(self, files: Files, charset: str, site: Mapping[str, str]) -> None:
        """Read from `files`.

        Args:
            files: what the configuration is read from.
            charset: of files that are not UTF-8 and do not name theirs.
            site: the `%variables%` by name in lower case.
        """
        self._files = files
        self._charset = charset
        self._values = Values(NAMES, site)
        self._texts: dict[Path, str] = {}
        self._words: dict[Path, Mapping[str, str]] = {}
        #: What is odd, each once; begins with `file:line` or `file`.
        self.remarks: dict[str, None] = {}

    def add_report(self, path: Path, *, expected: bool) -> None:
        """Read a report; it is a remark when one that is `expected` is not there."""
        text = self._read(path, expected=expected)
        if text is None or path in self._texts:
            return
        self._texts[path] = text
        for line, written in unknown_variables(text, self._values):
            self._remark(f"{path}:{line}: {written} is not a variable of reports and stays as it is")

    def add_language(self, path: Path, *, expected: bool) -> None:
        """Read a languages.conf; it is a remark when one that is `expected` is not there."""
        text = self._read(path, expected=expected)
        if text is not None:
            self._words[path] = parse(text)

    def text(self, file: ReportFile) -> str:
        """Return the text of a report."""
        found = self._texts.get(file.path)
        return own_text(file.own) if found is None else found

    def words(self, path: Path | None) -> Mapping[str, str]:
        """Return the words of a language, for the names in `strings.ENGLISH`."""
        return self._words.get(path, ENGLISH) if path else ENGLISH

    def _read(self, path: Path, *, expected: bool) -> str | None:
        try:
            return decode(self._files.read(path), self._charset)
        except FileNotFoundError:
            if expected and self._files.find(f"{glob.escape(str(path.parent))}/*"):
                self._remark(f"{path}: not there: Mailmill's own English text is used")
            elif expected:
                self._remark(f"{path.parent}: not there: Mailmill's own English texts are used")
        except OSError as exc:
            self._remark(f"{path}: {exc.strerror}: Mailmill's own English text is used")
        return None

    def _remark(self, text: str) -> None:
        self.remarks[text] = None
