"""A relay that defers some of the mail, for faults of what the edge does with it then."""

from __future__ import annotations

from faults.bench import Bench
from faults.fault import Fault
from faults.relayproxy import Behaviour, Mode

#: The share of the submissions that it does not take.
_SHARE = 0.4


class RelayDefers(Fault):
    """A fault that happens while the relay defers."""

    def prepare(self, bench: Bench) -> int:
        bench.relay_proxy.behave(Behaviour(Mode.DEFER, _SHARE))
        return 0

    def finish(self, bench: Bench) -> int:
        bench.relay_proxy.behave(Behaviour())
        return 0
