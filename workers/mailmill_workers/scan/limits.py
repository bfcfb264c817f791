"""A bound on the memory of a scan process: one message must not take the whole machine along."""

from __future__ import annotations

import logging
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NoReturn

log = logging.getLogger(__name__)

#: Exit status of a process that had no memory left (sysexits.h: EX_OSERR).
OUT_OF_MEMORY: Final = os.EX_OSERR


def limit_memory(size: int) -> None:
    """Let this process have `size` bytes of data segment at most, and no core file; 0 is no limit.

    The data segment (RLIMIT_DATA, Linux 4.7 and later) is what a process allocates and writes itself, without
    the libraries that it shares with others. Python raises MemoryError over it; a library that does not check
    ends the process.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if size:
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        bound = size if hard == resource.RLIM_INFINITY else min(size, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (bound, hard))


@contextmanager
def without_limit() -> Iterator[None]:
    """Lift the limit for a while."""
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


@contextmanager
def end_without_memory() -> Iterator[None]:
    """End this process when it has no memory left: the notes tell over which messages that was.

    Celery 5.7 would end the parent with all of its processes (Request.on_failure raises MemoryError again).
    """
    try:
        yield
    except MemoryError:
        out_of_memory("a task")


def out_of_memory(what: str) -> NoReturn:
    """End this process in the handler of a MemoryError: who keeps the memory would starve the next message.

    Args:
        what: What it was that got none, for the log.
    """
    try:
        with without_limit():
            log.exception("%s: no memory left", what)  # noqa: LOG004 - the handler calls us
    finally:
        os._exit(OUT_OF_MEMORY)
