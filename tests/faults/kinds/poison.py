"""Messages that kill or hang whoever scans them, among good ones.

Nothing in Mailmill knows these messages: the shim acts in the scan worker's child when it sends one of them
to clamd. The good ones must arrive as ever, the bad ones must end in quarantine whole.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from faults.bench import Bench
from faults.fault import Fault, Setup
from faults.shim import Action, Call, Rule
from mailmill_local.load import Letter

#: Which letters are poisonous: one early, one in the middle, one late.
_PLACES = (0.1, 0.5, 0.8)


class Poison(Fault):
    """Puts a word into some letters, at which the scanning process ends."""

    setup = Setup.ENGINES
    times = 1
    action: ClassVar[Action]
    _WORD = b"this message is poison to its scanner"

    def letters(self, letters: list[Letter]) -> list[Letter]:
        poisonous = {int(place * len(letters)) for place in _PLACES}
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


class PoisonCrash(Poison):
    """A segmentation fault."""

    name = "poison: crash"
    action = Action.CRASH


class PoisonKill(Poison):
    """What the kernel does to a process that is out of memory."""

    name = "poison: out of memory"
    action = Action.KILL_BEFORE


class PoisonLoop(Poison):
    """An endless loop: ended by the hard time limit."""

    name = "poison: endless loop"
    action = Action.SPIN


FAULTS = (PoisonCrash, PoisonKill, PoisonLoop)
