"""What was measured of MailScanner 5.5.3, and how it is carried over to the machine at hand.

MailScanner cannot be run here. Its figures are those of issue 4: 2 cores, 2,020 messages of the SpamAssassin
corpus, from its spool to the last delivery over QMQP with 2 children. Next to them Postfix without a milter
accepted 440, 650 and 800 messages a second over 1, 10 and 50 connections, queueing to a discard transport.
The same rows are measured in this run; the geometric mean of the three ratios says how fast this machine is
next to that one, and MailScanner's figures are multiplied by it: so the speed of the machine cancels out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

#: Messages a second that Postfix without a milter accepts, by connections (issue 4, first row).
POSTFIX: Final[Mapping[int, float]] = {1: 440, 10: 650, 50: 800}
#: Messages a second of MailScanner by engine (issue 4).
MAILSCANNER: Final[Mapping[str, float]] = {"none": 35, "clamd": 32}


def speed(postfix: Mapping[int, float]) -> float:
    """Return how fast this machine is, as a multiple of that of the reference.

    Args:
        postfix: Messages a second by connections, of Postfix without a milter in this run.

    Raises:
        KeyError: a number of connections was not measured.
    """
    logarithms = [math.log(postfix[connections] / rate) for connections, rate in POSTFIX.items()]
    return math.exp(sum(logarithms) / len(logarithms))
