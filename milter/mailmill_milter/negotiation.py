"""What an edge asks of an MTA: the stages without an answer, and those that it does not want to hear of.

Replies are switched off for every stage except the end of the message (and the connect stage and MAIL where
they can matter): a milter that answers each header costs a round trip for each.
"""

from __future__ import annotations

from typing import Final

from mailmill_milter.protocol.words import Step
from mailmill_milter.session import Edge

_ALWAYS_WANTED: Final = int(
    Step.NR_HELO
    | Step.NR_RCPT
    | Step.NR_HEADER
    | Step.NR_END_OF_HEADERS
    | Step.NR_BODY
    | Step.NO_DATA
    | Step.NO_UNKNOWN
    | Step.HEADER_LEADING_SPACE
)


def wanted_steps(edge: Edge) -> int:
    """Return the protocol steps (SMFIP_*) to ask for on a connection that begins now."""
    wanted = _ALWAYS_WANTED
    if not (edge.ignore_loopback or edge.in_hand.draining):
        wanted |= Step.NR_CONNECT
    if not _closed(edge):
        wanted |= Step.NR_MAIL
    return int(wanted)


def _closed(edge: Edge) -> bool:
    """Say whether no mail is taken now. Then MAIL is answered, and senders need not send their mail."""
    try:
        return edge.gate.refusal(0) is not None
    except OSError:
        return True
