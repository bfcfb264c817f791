"""The words of the milter protocol: commands, replies, and the bits of its negotiation.

Source: Sendmail's `include/libmilter/mfdef.h`.
"""

from __future__ import annotations

import enum
from typing import Final

#: Versions that we speak (SMFI_PROT_VERSION_MIN and SMFI_PROT_VERSION).
OLDEST_VERSION: Final = 2
VERSION: Final = 6


class Command(enum.IntEnum):
    """What the MTA sends (SMFIC_*)."""

    ABORT = ord("A")
    BODY = ord("B")
    CONNECT = ord("C")
    MACROS = ord("D")
    END_OF_MESSAGE = ord("E")
    HELO = ord("H")
    QUIT_NEW_CONNECTION = ord("K")
    HEADER = ord("L")
    MAIL = ord("M")
    END_OF_HEADERS = ord("N")
    NEGOTIATE = ord("O")
    QUIT = ord("Q")
    RCPT = ord("R")
    DATA = ord("T")
    UNKNOWN = ord("U")


class Reply(enum.IntEnum):
    """What the milter sends (SMFIR_*)."""

    ACCEPT = ord("a")
    CONTINUE = ord("c")
    DISCARD = ord("d")
    REJECT = ord("r")
    TEMPFAIL = ord("t")
    #: An SMTP reply of the milter's own.
    REPLY_CODE = ord("y")


class Step(enum.IntFlag):
    """What is negotiated (SMFIP_*): stages that the milter does not want, or that it never answers."""

    NO_UNKNOWN = 0x100
    NO_DATA = 0x200
    #: No answer to a header.
    NR_HEADER = 0x80
    NR_CONNECT = 0x1000
    NR_HELO = 0x2000
    NR_MAIL = 0x4000
    NR_RCPT = 0x8000
    NR_END_OF_HEADERS = 0x4_0000
    NR_BODY = 0x8_0000
    #: Header values come with the blanks behind the colon.
    HEADER_LEADING_SPACE = 0x10_0000
