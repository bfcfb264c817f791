"""The system under test with all that the faults need to reach it."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Final

from faults.evidence import relay_is_quiet, waiting
from faults.filesystem import FileSystem
from faults.keeper import Keeper
from faults.load import Load
from faults.network import ADDRESSES, Network, Part
from faults.relayproxy import RelayProxy
from faults.shim import Shim, compile_shim
from faults.wire import HttpWire, Wire
from mailmill_local.addresses import LOOPBACK
from mailmill_local.configuration import USER
from mailmill_local.load import Letter
from mailmill_local.ports import Ports
from mailmill_local.probes import HOST, wait_until
from mailmill_local.servers.base import Server
from mailmill_local.supervisor import Supervisor
from mailmill_local.system import System

#: Options of MailScanner.conf for all systems: recoveries in seconds instead of minutes.
CHANGES: Final[Mapping[str, str]] = {
    "Milter Max Children": "2",
    "Message Lease": "20s",
    "Delivery Timeout": "5s",
    "Minimal Backoff Time": "1s",
    "Maximal Backoff Time": "5s",
}
#: Options of a system without engines.
NO_ENGINES: Final[Mapping[str, str]] = {"Virus Scanning": "no", "Spam Checks": "no"}
#: Pool processes of the scan worker.
SCAN_PROCESSES: Final = 2
#: Seconds to wait for a server that died before it is killed again.
RESTART_PATIENCE: Final = 10.0
#: Seconds for which nothing must be left before the system counts as quiet.
SETTLE: Final = 1.0


class Bench:
    """A running system, its relay proxy, and a keeper that restarts what dies.

    Args:
        changes: Returns options of MailScanner.conf on top of `CHANGES`, given the bench.
        engines: Run clamd and rspamd.
        shim: Preload shim.c into Mailmill's processes.
        network: Give each part a network namespace of its own.
        disk: Put the incoming queue on a small file system of its own.
    """

    def __init__(
        self,
        *,
        changes: Callable[[Bench], Mapping[str, str]],
        engines: bool = False,
        shim: bool = False,
        network: bool = False,
        disk: bool = False,
    ) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="mf-", dir="/tmp"))  # unix sockets: short paths
        self.directory.chmod(0o711)
        #: For the choices of faults.
        self.random = random.Random()
        self.ports = Ports.free()
        self.lines: list[str] = []
        #: The namespaces, or None when all is on loopback.
        self.network = Network() if network else None
        addresses = ADDRESSES if network else LOOPBACK
        self.relay_proxy = RelayProxy(
            self.ports.relay_qmqp, self.random, addresses.listen, self._inside(Part.RELAY)
        )
        #: Lead to Redis and to rspamd for setups that say so in their MailScanner.conf.
        self.redis_wire = Wire(self.ports.redis)
        self.rspamd_wire = HttpWire(self.ports.rspamd)
        self._listeners = (self.relay_proxy, self.redis_wire, self.rspamd_wire)
        #: What must be closed or unmounted at the end, last first.
        self.cleanup: list[Callable[[], None]] = []
        self.system = System(
            self.directory,
            self.ports,
            self._line,
            changes={**CHANGES, **changes(self), "MSMail Relay Port": str(self.relay_proxy.port)},
            console=False,
            scan_processes=SCAN_PROCESSES,
            addresses=addresses,
        )
        #: The file system of the incoming queue, or None when it has none of its own.
        self.disk = FileSystem(self.directory / "disk", self.system.places.incoming, USER) if disk else None
        out: tuple[Server, ...] = () if engines else (self.system.clamd, self.system.rspamd)
        stages = [[server for server in stage if server not in out] for stage in self.system.stages]
        self._supervisor = Supervisor(stages, lambda line: None, lambda running: None)
        self.keeper = Keeper([server for stage in stages for server in stage])
        system = self.system
        for part, servers in (
            (Part.EDGE, (system.edge, system.milter, system.queue_manager)),
            (Part.REDIS, (system.redis,)),
            (Part.WORKERS, (system.scan, system.deliver, system.recorder)),
            (Part.RELAY, (system.relay,)),
        ):
            for server in servers:
                server.inside = self._inside(part)
        self.shims: dict[str, Shim] = {}
        if shim:
            library = compile_shim(self.directory)
            for server in (system.milter, system.queue_manager, system.scan, system.deliver):
                self.shims[server.name] = Shim(library, server, self.directory)

    def start(self) -> None:
        """Start everything.

        Raises:
            ServerError: something does not start.
        """
        if self.network is not None:
            self.cleanup.append(self.network.stop)
            self.network.start(self.directory)
        if self.disk is not None:
            self.disk.create()
            self.cleanup.append(self.disk.discard)
        for listener in self._listeners:
            listener.start()
        self.system.prepare()
        self._supervisor.start()
        self.keeper.start()

    def stop(self) -> None:
        """Stop everything; the directory stays."""
        self.keeper.stop()
        self._supervisor.stop()
        for listener in self._listeners:
            listener.stop()
        for action in reversed(self.cleanup):
            action()

    def load(self, letters: list[Letter], seconds: float) -> Load:
        """Return what sends letters to the edge within about so many seconds."""
        host = HOST if self.network is None else Part.EDGE.address
        return Load(letters, self.ports.edge, seconds, host, self._inside(Part.SENDERS))

    def seed(self, text: str) -> None:
        """Make all random choices from now on those that belong to a text."""
        self.random.seed(text)

    def running(self, server: Server) -> int:
        """Return the process id of a server, waiting until the keeper has started it again."""
        wait_until(lambda: server.started and server.process.exit_status is None, RESTART_PATIENCE)
        return server.process.pid

    def kill_group(self, *servers: Server) -> int:
        """Kill -9 servers with all their children, at the same moment."""
        for server in servers:
            server.process.signal_group(9)
        return len(servers)

    def wait_quiet(self, seconds: float) -> bool:
        """Wait until the spools are empty and the relay has delivered all; return whether it became so."""
        deadline = time.monotonic() + seconds
        quiet_since: float | None = None
        while time.monotonic() < deadline:
            now = time.monotonic()
            if waiting(self.system.places) or not relay_is_quiet(self.system.relay):
                quiet_since = None
            elif quiet_since is None:
                quiet_since = now
            elif now - quiet_since >= SETTLE:
                return True
            time.sleep(0.1)
        return False

    def _inside(self, part: Part) -> Callable[[], AbstractContextManager[None]]:
        return nullcontext if self.network is None else self.network.inside(part)

    def _line(self, who: str, line: str) -> None:
        self.lines.append(f"{time.strftime('%H:%M:%S')} {who}: {line}")
