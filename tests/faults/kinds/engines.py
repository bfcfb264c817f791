"""Engines die, hang, refuse and fail; what they could not look at must wait, never pass as clean."""

from __future__ import annotations

import base64
import errno
from dataclasses import replace

from faults.account import Found
from faults.bench import Bench
from faults.fault import Fault, Setup
from faults.processes import kill
from faults.setups import CLAMD_MEGABYTES
from faults.shim import Call, Rule
from mailmill_local.load import Letter
from mailmill_local.samples import EICAR

#: One letter in so many is too large for clamd.
_LARGE_SHARE = 20
#: One letter in so many is infected.
_INFECTED_SHARE = 10
#: Characters of a line of base64 (RFC 2045 6.8).
_LINE = 76
_INFECTED = (
    b"From: sender@example.org\nSubject: your invoice\nMIME-Version: 1.0\n"
    b'Content-Type: application/octet-stream; name="invoice.bin"\nContent-Transfer-Encoding: base64\n\n'
    + base64.encodebytes(EICAR)
)


class EngineFault(Fault):
    """Something is wrong with an engine, and some of the letters are infected: none of them may pass."""

    setup = Setup.ENGINES
    times = 1

    def letters(self, letters: list[Letter]) -> list[Letter]:
        changed = [
            letter if (number + 1) % _INFECTED_SHARE else replace(letter, data=_INFECTED)
            for number, letter in enumerate(letters)
        ]
        self._infected = {letter.recipients[0] for letter in changed if letter.data == _INFECTED}
        return changed

    def check(self, found: Found) -> list[str]:
        wrong = [f"infected, and delivered: {name}" for name in sorted(self._infected & found.inbox.keys())]
        wrong += [f"delivered without a scan for spam: {name}" for name in sorted(found.unscanned)]
        kept = [name for name in self._infected if found.reasons.get(name, "").startswith("infected")]
        return wrong if kept else [*wrong, "no infected message in quarantine"]


class ClamdKilled(EngineFault):
    name = "clamd killed"
    times = 2

    def inject(self, bench: Bench) -> int:
        return int(kill(bench.running(bench.system.clamd)))


class ClamdHangs(EngineFault):
    name = "clamd hangs"
    hold = 10.0

    def inject(self, bench: Bench) -> int:
        bench.system.clamd.process.signal_group(19)
        return 1

    def repair(self, bench: Bench) -> int:
        bench.system.clamd.process.signal_group(18)
        return 0


class ClamdLimits(EngineFault):
    """Some messages are larger than clamd takes; policy here: quarantine."""

    name = "clamd size limit"

    def letters(self, letters: list[Letter]) -> list[Letter]:
        self._large = {letter.recipients[0] for letter in letters[::_LARGE_SHARE]}
        return [
            _enlarged(letter) if letter.recipients[0] in self._large else letter
            for letter in super().letters(letters)
        ]

    def check(self, found: Found) -> list[str]:
        passed = [f"too large, and delivered: {name}" for name in sorted(self._large & found.inbox.keys())]
        return super().check(found) + passed

    def inject(self, bench: Bench) -> int:
        return 1


class RspamdFails(EngineFault):
    """It answers 500."""

    name = "rspamd answers 500"
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


class QuarantineFails(EngineFault):
    """What must be kept cannot be stored: it waits, and is neither delivered nor lost."""

    name = "EIO in quarantine"
    times = 2
    hold = 1.5

    def inject(self, bench: Bench) -> int:
        bench.shims["scan"].arm(Rule(Call.FSYNC, errno.EIO, where="/quarantine/", repeat=True))
        return 0

    def repair(self, bench: Bench) -> int:
        return bench.shims["scan"].disarm()


FAULTS = (ClamdKilled, ClamdHangs, ClamdLimits, RspamdFails, QuarantineFails)
