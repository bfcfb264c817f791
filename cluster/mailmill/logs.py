"""One log format for all parts: one line per fact, the message's id first, as Postfix does."""

from __future__ import annotations

import logging
import sys


def setup_logging(*, debug: bool) -> None:
    """Send the log of this process to standard error; `debug` is the option Debug."""
    # No line names the place in the code or the thread: they need not be looked up for each (Python's Logging
    # HOWTO, "Optimization").
    logging._srcfile = None  # noqa: SLF001 - that is the documented way
    logging.logThreads = False
    logging.logMultiprocessing = False
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s[%(process)d]: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    set_detail(debug=debug)


def set_detail(*, debug: bool) -> None:
    """Write more or less to the log; `debug` is the option Debug."""
    # Celery tells of each task twice; our own lines tell of each message.
    for chatty in ("celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(chatty).setLevel(logging.INFO if debug else logging.WARNING)
    # Only our own parts become talkative: the libraries would bury what is looked for.
    for package in ("mailmill", "mailmill_milter", "mailmill_workers"):
        logging.getLogger(package).setLevel(logging.DEBUG if debug else logging.INFO)
