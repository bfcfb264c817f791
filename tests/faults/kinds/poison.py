"""Messages that kill or hang whoever scans them, among good ones.

Nothing in Mailmill knows these messages: the shim acts in the scan worker's child when it sends one of them
to clamd. The good ones must arrive as ever, the bad ones must end in quarantine whole, with the evidence.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import ClassVar

from faults.account import Found
from faults.bench import Bench
from faults.fault import Fault, Setup
from faults.shim import Action, Call, Rule
from mailmill_local.load import Letter


class Poison(Fault):
    """Puts a word into some letters, at which the scanning process ends."""

    setup = Setup.ENGINES
    messages = 303
    times = 1
    action: ClassVar[Action]
    #: Matches the reason that stands in the quarantine.
    evidence: ClassVar[str]
    #: Which letters are poisonous: one early, one in the middle, one late.
    places: ClassVar[tuple[float, ...]] = (0.1, 0.5, 0.8)
    _WORD = b"this message is poison to its scanner"

    def letters(self, letters: list[Letter]) -> list[Letter]:
        poisonous = {int(place * len(letters)) for place in self.places}
        self._poisonous = {letters[number].recipients[0] for number in poisonous}
        return [
            replace(letter, data=letter.data + self._WORD + b"\n") if number in poisonous else letter
            for number, letter in enumerate(letters)
        ]

    def prepare(self, bench: Bench) -> int:
        bench.shims["scan"].arm(
            Rule(Call.SEND, self.action, where="clamd.ctl", marker=self._WORD, repeat=True)
        )
        return 0

    def inject(self, bench: Bench) -> int:
        return 0

    def finish(self, bench: Bench) -> int:
        return bench.shims["scan"].disarm()

    def check(self, found: Found) -> list[str]:
        innocent = found.reasons.keys() - self._poisonous
        wrong = [f"innocent, and in quarantine: {name}" for name in sorted(innocent)]
        for name in sorted(self._poisonous):
            why = found.reasons.get(name)
            if why is None:
                wrong.append(f"poison, and not in quarantine: {name}")
            elif not re.search(f"^poison message: .* in 3 attempts;.*{self.evidence}", why):
                wrong.append(f"no evidence: {name}: {why}")
        return wrong


class PoisonCrash(Poison):
    name = "poison: segmentation fault"
    action = Action.CRASH
    evidence = r"signal 11 \(SIGSEGV\).*clamd"


class PoisonKill(Poison):
    """What the kernel does to a process when the machine is out of memory."""

    name = "poison: killed"
    action = Action.KILL_BEFORE
    evidence = r"signal 9 \(SIGKILL\).*clamd"


class PoisonMemory(Poison):
    """Takes all the memory that `Scan Memory Limit` leaves the process (RLIMIT_DATA), and keeps it."""

    name = "poison: out of memory"
    action = Action.EXHAUST
    evidence = "no memory left within Scan Memory Limit"


class PoisonLoop(Poison):
    """An endless loop: ended by the hard time limit."""

    name = "poison: endless loop"
    action = Action.SPIN
    evidence = r"killed after Scan Time Limit \(10 s\).*clamd"
    places = (0.5,)


class PoisonHang(Poison):
    """Waits for ever for nothing: ended by the hard time limit."""

    name = "poison: hang"
    action = Action.HANG
    evidence = r"killed after Scan Time Limit \(10 s\).*clamd"
    places = (0.5,)


FAULTS = (PoisonCrash, PoisonKill, PoisonMemory, PoisonLoop, PoisonHang)
