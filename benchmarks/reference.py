"""What was measured of MailScanner 5.5.3, and how it is carried over to the machine at hand.

Measured on 2 cores next to this load driver: the same 2,020 messages of the SpamAssassin corpus, moved into
its spool while its 2 children were idle, until its last delivery over QMQP to a Postfix that discards. Before
and after each of these runs spamd was fed directly with every 20th of the messages (`benchmarks/direct.py`):
Perl next to Perl, on all cores. The same is done around each row that is compared with it, and MailScanner's
figures are multiplied by the ratio of spamd's: so the speed of the machine cancels out, which others use as
well and which changes within minutes. docs/performance.md has the set-up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: Of how many messages of the corpus spamd is fed one.
EACH: Final = 20
#: Messages a second of spamd, fed directly.
SPAMD: Final = 25.5
#: Messages a second of MailScanner by engine, as it is shipped: it signs what is clean, and works on a disk.
#: Medians of three runs, each divided by spamd's rate around it, times `SPAMD`.
MAILSCANNER: Final[Mapping[str, float]] = {"none": 40.0, "clamd": 35.6}
#: The same at its fastest: `Sign Clean Messages = no`, `Incoming Work Dir` on tmpfs. Means of two runs.
FASTEST: Final[Mapping[str, float]] = {"none": 73.6, "clamd": 67.6}


def speed(spamd: float) -> float:
    """Return how fast this machine is, as a multiple of that of the reference; `spamd` is its rate here."""
    return spamd / SPAMD
