"""`make up`: the whole system in one terminal, with sample messages through it."""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Final

from mailmill_local.configuration import POSTMASTER
from mailmill_local.instance import AlreadyRunningError, end_leftovers, lock, remember
from mailmill_local.output import Output
from mailmill_local.ports import Ports
from mailmill_local.preflight import faults
from mailmill_local.probes import HOST
from mailmill_local.results import Result, Results, table
from mailmill_local.samples import Sent, samples, send
from mailmill_local.servers.base import ServerError
from mailmill_local.supervisor import Supervisor
from mailmill_local.system import System
from mailmill_local.terminal import own_foreground

CHECKOUT: Final = Path(__file__).resolve().parents[2]
NEEDS_ROOT: Final = """\
make up: it needs root, because Postfix is started by root and gives it up itself. Run `sudo make up`.
It changes nothing outside of var/, except that missing Debian packages are installed."""
#: Seconds in which all samples must have reached their end.
SAMPLES_SECONDS: Final = 90.0
#: Seconds between two looks at what runs and at what arrived.
LOOK_SECONDS: Final = 0.1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until Ctrl-C; returns the exit status."""
    parser = argparse.ArgumentParser(prog="make up", description=__doc__)
    parser.add_argument("--once", action="store_true", help="stop when the samples have reached their end")
    parser.add_argument("--no-samples", action="store_true", help="send no sample messages")
    options = parser.parse_args(arguments)
    if os.geteuid() != 0:
        print(NEEDS_ROOT, file=sys.stderr)
        return 1
    directory = Path(os.environ.get("UP_DIR") or CHECKOUT / "var" / "up").absolute()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        ports = Ports.from_environment(os.environ)
        directory.mkdir(parents=True, exist_ok=True)
        with lock(directory / "lock"), own_foreground():
            return _run(directory, ports, once=options.once, send_samples=not options.no_samples)
    except (ValueError, AlreadyRunningError, OSError) as error:
        print(f"make up: {error}", file=sys.stderr)
        return 1


def _run(directory: Path, ports: Ports, *, once: bool, send_samples: bool) -> int:
    output = Output(directory / "log")
    system = System(directory, ports, output.line)
    state = directory / "running.json"
    left = end_leftovers(state)
    if left:
        output.say(f"ended what an earlier run left: {', '.join(left)}")
    wrong = faults(directory, CHECKOUT, ports, [name for s in system.servers for name in s.programs])
    for fault in wrong:
        output.complain(fault)
    if wrong:
        return 1
    supervisor = Supervisor(system.stages, output.say, lambda running: remember(state, running))
    try:
        return _serve(system, supervisor, output, once=once, send_samples=send_samples)
    except KeyboardInterrupt:
        output.say("stopping: the edge first, the relay last")
        return 0
    except ServerError as error:
        output.complain(f"A PROCESS FAILED: {error}")
        output.complain("stopping all the others")
        return 1
    finally:
        _stop(supervisor)
        output.say("all is stopped")
        output.close()


def _verdict(results: list[Result]) -> str:
    wrong = [result.sent.sample.name for result in results if not result.right]
    if wrong:
        return f"{len(wrong)} of {len(results)} samples did not end as they must: {', '.join(wrong)}"
    return f"all {len(results)} samples ended as they must"


def _serve(system: System, supervisor: Supervisor, output: Output, *, once: bool, send_samples: bool) -> int:
    system.prepare()
    supervisor.start()
    right = True
    if send_samples:
        results = _samples(system, supervisor, output)
        right = all(result.right for result in results)
        for line in ["", *table(results), ""]:
            output.say(line)
        (output.say if right else output.complain)(_verdict(results))
    if once:
        return 0 if right else 1
    for line in _hints(system):
        output.say(line)
    while True:
        supervisor.check()
        time.sleep(LOOK_SECONDS)


def _samples(system: System, supervisor: Supervisor, output: Output) -> list[Result]:
    """Send the samples and wait until all have reached their end or the time is over."""
    found = Results(system.relay.mailbox, system.places.quarantine, POSTMASTER)
    sent: list[Sent] = []
    for sample in samples(secrets.token_hex(4)):
        output.say(f"sending: {sample.name}")
        try:
            sent.append(send(sample, system.ports.edge))
        except OSError as error:
            supervisor.check()
            raise ServerError(f"the edge does not take the sample {sample.name}: {error}") from error
    end = time.monotonic() + SAMPLES_SECONDS
    while True:
        supervisor.check()
        results = found.look(sent)
        if all(result.right for result in results) or time.monotonic() > end:
            return results
        time.sleep(LOOK_SECONDS)


def _hints(system: System) -> list[str]:
    cluster = f"of the cluster: http://{HOST}:{system.ports.recorder_metrics}/metrics"
    return [
        f"SMTP: {HOST}:{system.ports.edge}    Flower: http://{HOST}:{system.ports.flower}/",
        f"metrics of the edge: http://{HOST}:{system.ports.metrics}/metrics    {cluster}",
        f"delivered: {system.relay.mailbox.directory}    quarantine: {system.places.quarantine}",
        f"configuration: {system.places.conf}    this log: {system.directory / 'log'}",
        f"look inside: MAILMILL_CONF={system.places.conf} mailmill trace QUEUE_ID",
        "Ctrl-C stops everything",
    ]


def _stop(supervisor: Supervisor) -> None:
    """Stop all; a second Ctrl-C does not leave half of it running."""

    def patience(_number: int, _frame: FrameType | None) -> None:
        print("stopping already; each program has a few seconds", flush=True)

    signal.signal(signal.SIGINT, patience)
    signal.signal(signal.SIGTERM, patience)
    supervisor.stop()


if __name__ == "__main__":
    sys.exit(main())
