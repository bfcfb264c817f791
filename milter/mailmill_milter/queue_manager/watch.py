"""Learning of new messages: inotify tells of files that come into a directory or grow the moment they do.

A full queue of inotify events is reported as `Rescan`, so that nothing is missed for long; the manager also
looks into the directory at start and from time to time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from inotify_simple import INotify, flags

#: Files that are renamed into a directory.
APPEARED: Final[int] = flags.MOVED_TO
#: Files that are written to.
GREW: Final[int] = flags.MODIFY
#: Milliseconds between looks at whether to stop.
_POLL: Final = 500


class DirectoryWatch:
    """A thread that reports the names of files in a directory."""

    def __init__(
        self,
        directory: Path,
        events: int,
        happened: Callable[[list[str]], None],
        overflowed: Callable[[], None],
    ) -> None:
        """Call `happened` with the names that `events` tell of, and `overflowed` when some were missed.

        Both are called on the thread.

        Raises:
            OSError: the directory cannot be watched.
        """
        self._events = events
        self._happened = happened
        self._overflowed = overflowed
        self._stopping = threading.Event()
        self._inotify = INotify()
        self._inotify.add_watch(directory, events)
        self._thread = threading.Thread(target=self._run, name=f"watch {directory.name}", daemon=True)

    def start(self) -> None:
        """Start reporting; what happens from the construction of this object on is reported."""
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
            names = list(dict.fromkeys(event.name for event in events if event.mask & self._events))
            if names:
                self._happened(names)
            if any(event.mask & flags.Q_OVERFLOW for event in events):
                self._overflowed()
