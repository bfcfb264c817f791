"""Runs the driver as a process of its own, so that its cost is its own too."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.driver.orders import Orders, Outcome

_CHECKOUT: Final = Path(__file__).parents[1]
#: Seconds for one load.
_SECONDS: Final = 3600.0


class LoadError(Exception):
    """The driver failed, or the server did not take all that it sent."""


def environment() -> dict[str, str]:
    """Return the environment for a program of this package."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(_CHECKOUT), str(_CHECKOUT / "deploy")])}


def send(orders: Orders) -> Outcome:
    """Send what is ordered and return what became of it.

    Raises:
        LoadError: a message was not accepted; figures of such a run would mean nothing.
    """
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.driver"],
        input=msgspec.json.encode(orders),
        capture_output=True,
        env=environment(),
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode:
        raise LoadError(f"the driver failed: {done.stderr.decode(errors='replace')}")
    outcome = msgspec.json.decode(done.stdout, type=Outcome)
    refused = [each for each in outcome.sent if each.code != 250]  # noqa: PLR2004 - RFC 5321: completed
    if refused or len(outcome.sent) != orders.count:
        raise LoadError(
            f"{outcome.accepted} of {orders.count} messages were accepted; "
            f"one that was not: {refused[0] if refused else 'never sent'}"
        )
    return outcome
