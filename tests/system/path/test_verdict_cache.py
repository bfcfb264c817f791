"""A message that comes again is scanned from the verdict cache, and the message log says so."""

import contextlib
import sqlite3

import pytest

from mailmill_local.load import Letter
from mailmill_local.probes import wait_until
from mailmill_local.samples import EICAR

pytestmark = pytest.mark.system


def told(running, said):
    """How often the message log says so."""
    with contextlib.closing(sqlite3.connect(next(running.system.places.database.glob("*.db")))) as database:
        rows = database.execute("SELECT detail FROM events WHERE step = 'scanned'").fetchall()
    return sum(said in detail for (detail,) in rows)


def assert_told(running, said, count):
    assert wait_until(lambda: told(running, said) == count, 30)


def test_what_comes_again_is_answered_from_the_cache(start):
    running = start("verdicts")
    clean = Letter("ann@example.org", ("bob@example.com",), b"Subject: minutes\n\nDear Bob\n")
    virus = Letter("ann@example.org", ("bob@example.com",), b"Subject: x\n\n" + EICAR + b"\n")
    for times in (1, 2):
        assert all(answer.accepted for answer in running.send([clean, virus], connections=1))
        running.wait_until_empty()
        assert len(running.arrived()["bob@example.com"]) == times
        assert len(running.quarantined()) == times
        for answer in ("clean", "found"):
            assert_told(running, f"clamd {answer}, rspamd ", 1)
            assert_told(running, f"clamd {answer} (cached), rspamd ", times - 1)
