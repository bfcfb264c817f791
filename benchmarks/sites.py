"""Systems for measurements, and looks into their queues that cost little."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.arrivals import Arrivals
from benchmarks.load import LoadError
from mailmill.spool import Spool, State
from mailmill_local.ports import Ports
from mailmill_local.process import Sink, ignore
from mailmill_local.servers.postfix import Postfix
from mailmill_local.servers.relay import PostfixRelay
from mailmill_local.system import System

#: Seconds in which everything must have reached its end.
ALL_SECONDS: Final = 600.0
#: Seconds between two looks at a spool.
LOOK: Final = 0.1
#: Options with which engines are asked about each message, also about one that they know: rates with engines
#: are theirs, not those of the verdict cache.
_ENGINES_ARE_ASKED: Final = {"Cache Virus Scanner Results": "no", "Cache SpamAssassin Results": "no"}


def site(directory: Path, ports: Ports, changes: Mapping[str, str], sink: Sink = ignore) -> System:
    """Return a prepared system of which nothing runs yet, in an empty directory."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(mode=0o711, parents=True)
    system = System(directory, ports, sink, changes={**_ENGINES_ARE_ASKED, **changes}, console=False)
    system.prepare()
    return system


def discarding(system: System, sink: Sink) -> None:
    """Let the relay hand everything to its discard transport; it must not run yet."""
    system.relay = PostfixRelay(
        system.directory / "relay",
        qmqp_port=system.ports.relay_qmqp,
        smtp_port=system.ports.relay_smtp,
        extra={"virtual_transport": "discard:"},
        sink=sink,
    )


def wait_for_all(system: System, count: int, arrivals: Arrivals, spools: Sequence[Path] = ()) -> None:
    """Wait until nothing waits anywhere, and see that of `count` messages none is missing.

    Args:
        system: The system.
        count: How many were accepted.
        arrivals: What its relay has delivered.
        spools: The queue directories; none: those of the system.

    Raises:
        LoadError: a message is missing, or still waits after `ALL_SECONDS`.
        ServerError: the queue manager has ended.
    """
    deadline = time.monotonic() + ALL_SECONDS
    watched = [Spool(root) for root in spools or (system.places.incoming, system.places.outgoing)]
    while sum(map(waiting, watched)) or not postfix_idle(system.relay):
        system.queue_manager.check_running()
        if time.monotonic() > deadline:
            raise LoadError(f"{len(arrivals.times())} of {count} were delivered in {ALL_SECONDS:g} s")
        time.sleep(LOOK)
    kept = len(list(system.places.quarantine.glob("*/*/message")))
    ended = len(letters(arrivals))
    if ended + kept < count:
        raise LoadError(f"{ended} were delivered and {kept} kept of {count}")


def letters(arrivals: Arrivals) -> dict[str, float]:
    """Return when each message arrived, by recipient; notices are no messages."""
    return {who: when for who, when in arrivals.times().items() if not who.startswith("postmaster@")}


def spooled(spool: Spool) -> list[str]:
    """Return the names of the messages that wait in a queue of Mailmill, oldest first.

    With the same object each time, only what is new of the intake is read.
    """
    return sorted(name for state in (State.ACTIVE, State.DEFERRED) for name in _names(spool, state))


def waiting(spool: Spool) -> int:
    """Return how many messages a queue of Mailmill holds, in whatever state."""
    return sum(len(_names(spool, state)) for state in State)


def empty(spool: Spool) -> None:
    """Remove the messages that wait in `active`; the milter alone may run."""
    spool.intake.take_charge()
    for name in _names(spool, State.ACTIVE):
        spool.remove(name, State.ACTIVE)
    spool.flush()
    spool.sweep()


def postfix_idle(postfix: Postfix) -> bool:
    """Tell whether nothing waits in a Postfix queue."""
    return not any(postfix.mail())


def _names(spool: Spool, state: State) -> list[str]:
    try:
        return list(spool.names(state))
    except FileNotFoundError:
        return []
