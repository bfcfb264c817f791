"""The relay does what relays do on bad days; the proxy in front of the real one does it."""

from __future__ import annotations

from typing import ClassVar

from faults.bench import Bench
from faults.fault import Fault
from faults.relayproxy import Behaviour, Mode


class BadRelay(Fault):
    """The relay behaves badly for a while."""

    behaviour: ClassVar[Behaviour]
    times = 1
    hold = 5.0

    def inject(self, bench: Bench) -> int:
        self._before = bench.relay_proxy.hits
        bench.relay_proxy.behave(self.behaviour)
        return 0

    def repair(self, bench: Bench) -> int:
        bench.relay_proxy.behave(Behaviour())
        return bench.relay_proxy.hits - self._before


class RelayDown(BadRelay):
    name = "relay down"
    behaviour = Behaviour(Mode.DOWN)
    hold = 10.0
    long_hold = 20.0

    def repair(self, bench: Bench) -> int:
        super().repair(bench)
        return 1  # who is refused a connection is not seen by the proxy


class RelaySilent(BadRelay):
    name = "relay never answers"
    behaviour = Behaviour(Mode.SILENT)
    hold = 12.0


class RelayGarbage(BadRelay):
    name = "relay answers garbage"
    behaviour = Behaviour(Mode.GARBAGE)


class RelayCutBefore(BadRelay):
    name = "relay cuts before the end"
    behaviour = Behaviour(Mode.CUT_BEFORE, 0.5)


class RelayCutAfter(BadRelay):
    """The one fault for which no protocol can tell: each such message may arrive twice, and is counted."""

    name = "relay cuts after the end"
    behaviour = Behaviour(Mode.CUT_AFTER, 0.2)


class RelayDefers(BadRelay):
    name = "relay answers Z"
    behaviour = Behaviour(Mode.DEFER)
    hold = 10.0
    long_hold = 30.0


class RelayRefuses(BadRelay):
    """D for some of the messages: their senders get a bounce."""

    name = "relay answers D"
    behaviour = Behaviour(Mode.REFUSE, 0.2)


FAULTS = (RelayDown, RelaySilent, RelayGarbage, RelayCutBefore, RelayCutAfter, RelayDefers, RelayRefuses)
