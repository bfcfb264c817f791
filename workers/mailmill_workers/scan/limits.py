"""A bound on the memory of a scan process: one message must not take the whole machine along."""

from __future__ import annotations

import resource


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
