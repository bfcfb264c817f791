"""Lines of many programs on one terminal, each with the name of its program."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Final, TextIO

#: Columns for the name; the longest is `queue-manager`.
_WIDTH: Final = 13
#: Foreground colours of a terminal (ECMA-48, SGR) that can be read on light and on dark.
_COLOURS: Final = (36, 32, 33, 35, 34, 96, 92, 93, 95, 94, 91)
_BOLD_RED: Final = "1;31"
_BOLD: Final = "1"
#: The name of our own lines.
OWN: Final = "up"


class Output:
    """Writes whole lines, from any thread, to a stream and, without colours, to a file.

    Args:
        log: The file; what it held is replaced.
        stream: The terminal.
    """

    def __init__(self, log: Path, stream: TextIO = sys.stdout) -> None:
        self._file = log.open("w", encoding="utf-8", errors="replace")
        self._stream = stream
        self._coloured = stream.isatty() and not os.environ.get("NO_COLOR")
        self._lock = threading.Lock()
        self._names: dict[str, str] = {}

    def line(self, name: str, text: str) -> None:
        """Write one line of a program; empty ones say nothing."""
        if text:
            self._write(name, text, "")

    def say(self, text: str) -> None:
        """Write one line of our own."""
        self._write(OWN, text, _BOLD)

    def complain(self, text: str) -> None:
        """Write lines that must not be overlooked."""
        for one in text.splitlines():
            self._write(OWN, one, _BOLD_RED)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, name: str, text: str, style: str) -> None:
        # A program's output is not trusted: control characters would reach the terminal.
        clean = "".join(char if char.isprintable() or char == "\t" else "?" for char in text)
        with self._lock:
            if not self._file.closed:
                print(f"{name:{_WIDTH}} | {clean}", file=self._file, flush=True)
            print(self._shown(name, clean, style), file=self._stream, flush=True)

    def _shown(self, name: str, text: str, style: str) -> str:
        label = f"{name:{_WIDTH}} |"
        if not self._coloured:
            return f"{label} {text}"
        if name not in self._names:
            self._names[name] = str(_COLOURS[len(self._names) % len(_COLOURS)])
        shown = f"\033[{style}m{text}\033[0m" if style else text
        return f"\033[{style or self._names[name]}m{label}\033[0m {shown}"
