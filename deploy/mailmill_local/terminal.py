"""Ctrl-C for us alone: make would report an interrupt although everything was stopped in order."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def own_foreground() -> Iterator[None]:
    """Be the terminal's foreground process group for the block, so that its keys reach nobody else.

    Does nothing without a terminal, or when this process leads its group already (then it was started by an
    interactive shell, which knows what to do).
    """
    before = os.getpgrp()
    if not sys.stdin.isatty() or before == os.getpid() or os.tcgetpgrp(0) != before:
        yield
        return
    # A process of the background is stopped when it changes the terminal's group, unless it ignores this.
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    # make waits for us and would not see that we are suspended.
    signal.signal(signal.SIGTSTP, signal.SIG_IGN)
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpid())
    try:
        yield
    finally:
        os.tcsetpgrp(0, before)
