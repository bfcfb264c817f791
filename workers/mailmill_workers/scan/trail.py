"""What is being done with a message, the evidence should its process not survive it; and how long it took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Trail:
    """The steps that have begun and not ended: several, because engines are asked at the same time."""

    def __init__(self, changed: Callable[[str], None] | None = None) -> None:
        """Call `changed` with the open steps at the beginning of each; without it, this costs nothing."""
        self._changed = changed
        self._open: list[str] = []
        #: How long each step took that has ended, in seconds.
        self.took: dict[str, float] = {}
        #: Engines that were not asked, because the verdict cache knew their answer.
        self.cached: set[str] = set()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Do something that is called `name`."""
        self._open.append(name)
        if self._changed is not None:
            self._changed(", ".join(self._open))
        begin = time.monotonic()
        try:
            yield
        finally:
            self._open.remove(name)
            self.took[name] = time.monotonic() - begin
