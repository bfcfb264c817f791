"""Engines die, hang, refuse and fail; what they could not look at must wait, never pass as clean."""

from __future__ import annotations

import base64
from dataclasses import replace

from faults.bench import Bench
from faults.fault import Fault, Setup
from faults.processes import kill
from faults.setups import CLAMD_MEGABYTES
from mailmill_local.load import Letter

#: One letter in so many is too large for clamd.
_LARGE_SHARE = 20
#: Characters of a line of base64 (RFC 2045 6.8).
_LINE = 76


class ClamdKilled(Fault):
    name = "clamd killed"
    setup = Setup.ENGINES
    times = 2

    def inject(self, bench: Bench) -> int:
        return int(kill(bench.running(bench.system.clamd)))


class ClamdHangs(Fault):
    name = "clamd hangs"
    setup = Setup.ENGINES
    times = 1
    hold = 10.0

    def inject(self, bench: Bench) -> int:
        bench.system.clamd.process.signal_group(19)
        return 1

    def repair(self, bench: Bench) -> int:
        bench.system.clamd.process.signal_group(18)
        return 0


class ClamdLimits(Fault):
    """Some messages are larger than clamd takes; policy here: quarantine."""

    name = "clamd size limit"
    setup = Setup.ENGINES
    times = 1

    def letters(self, letters: list[Letter]) -> list[Letter]:
        return [
            letter if number % _LARGE_SHARE else _enlarged(letter) for number, letter in enumerate(letters)
        ]

    def inject(self, bench: Bench) -> int:
        return 1


class RspamdFails(Fault):
    """It answers 500."""

    name = "rspamd answers 500"
    setup = Setup.ENGINES
    times = 1
    hold = 6.0

    def inject(self, bench: Bench) -> int:
        self._before = bench.rspamd_wire.hits
        bench.rspamd_wire.broken = True
        bench.rspamd_wire.drop()
        return 0

    def repair(self, bench: Bench) -> int:
        bench.rspamd_wire.broken = False
        return bench.rspamd_wire.hits - self._before


def _enlarged(letter: Letter) -> Letter:
    filler = base64.b64encode(bytes(range(256)) * 4 * 1024).decode()
    lines = [filler[at : at + _LINE] for at in range(0, len(filler), _LINE)]
    body = "\n".join(lines * CLAMD_MEGABYTES) + "\n"
    return replace(letter, data=b"Subject: large\n\n" + body.encode())


FAULTS = (ClamdKilled, ClamdHangs, ClamdLimits, RspamdFails)
