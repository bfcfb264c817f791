"""What was measured of MailScanner 5.5.3, and how it is carried over to the machine at hand.

Measured on 2 cores next to this load driver: the same 2,020 messages of the SpamAssassin corpus, moved into
its spool while its 2 children were idle, until its last delivery over QMQP to a Postfix that discards. In the
same hours Postfix without a milter accepted `POSTFIX` messages a second, queueing to a discard transport. The
same rows are measured in each run; the geometric mean of the ratios says how fast this machine is next to
that one, and MailScanner's figures are multiplied by it: so the speed of the machine cancels out.
docs/performance.md has the set-up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

#: Messages a second that Postfix without a milter accepts, by connections; medians of five.
POSTFIX: Final[Mapping[int, float]] = {1: 702, 10: 1268, 50: 1138}
#: Messages a second of MailScanner by engine, as it is shipped: it signs what is clean, and works on a disk.
#: The median of three runs, and the better of two.
MAILSCANNER: Final[Mapping[str, float]] = {"none": 39.5, "clamd": 35.2}
#: The same at its fastest: `Sign Clean Messages = no`, `Incoming Work Dir` on tmpfs; the best run.
FASTEST: Final[Mapping[str, float]] = {"none": 68, "clamd": 55}


def speed(postfix: Mapping[int, float]) -> float:
    """Return how fast this machine is, as a multiple of that of the reference.

    Args:
        postfix: Messages a second by connections, of Postfix without a milter in this run.

    Raises:
        KeyError: a number of connections was not measured.
    """
    logarithms = [math.log(postfix[connections] / rate) for connections, rate in POSTFIX.items()]
    return math.exp(sum(logarithms) / len(logarithms))
