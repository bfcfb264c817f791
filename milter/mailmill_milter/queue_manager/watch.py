"""Learning of new files: inotify tells of renames into a directory the moment they happen.

A full queue of inotify events is reported as `Rescan`, so that nothing is missed for long; the manager also
looks into the directory at start and from time to time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from inotify_simple import INotify, flags

#: Milliseconds between looks at whether to stop.
_POLL: Final = 500


class DirectoryWatch:
    """A thread that reports the names that appear in a directory."""

    def __init__(
        self, directory: Path, appeared: Callable[[list[str]], None], overflowed: Callable[[], None]
    ) -> None:
        """Call `appeared` with new names and `overflowed` when some were missed, both on the thread.

        Raises:
            OSError: the directory cannot be watched.
        """
        self._appeared = appeared
        self._overflowed = overflowed
        self._stopping = threading.Event()
        self._inotify = INotify()
        self._inotify.add_watch(directory, flags.MOVED_TO)
        self._thread = threading.Thread(target=self._run, name=f"watch {directory.name}", daemon=True)

    def start(self) -> None:
        """Start reporting; what is renamed from the construction of this object on is reported."""
        self._thread.start()

    def stop(self) -> None:
        """Stop reporting and end the thread."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        self._inotify.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            events = self._inotify.read(timeout=_POLL)
            names = [event.name for event in events if event.mask & flags.MOVED_TO]
            if names:
                self._appeared(names)
            if any(event.mask & flags.Q_OVERFLOW for event in events):
                self._overflowed()
