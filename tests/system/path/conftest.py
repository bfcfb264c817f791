"""The whole system, and letters that can be told apart on both ends."""

from __future__ import annotations

import collections
import contextlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mailmill.spool import CONFIRMED, Spool, State
from mailmill_local import corpus
from mailmill_local.load import Answer, Letter, send_all
from mailmill_local.mailbox import Received
from mailmill_local.ports import Ports
from mailmill_local.supervisor import Supervisor
from mailmill_local.system import System

#: Seconds in which everything that was sent must have arrived, faults included.
ARRIVAL_SECONDS = 240.0


@dataclass
class Running:
    """A running system with its log."""

    system: System
    supervisor: Supervisor
    lines: list[str] = field(default_factory=list)

    def send(self, letters: list[Letter], connections: int = 10) -> list[Answer]:
        return send_all(letters, self.system.ports.edge, connections=connections)

    def arrived(self) -> dict[str, list[Received]]:
        """What is in the relay's Maildir, by recipient; without notices."""
        found = collections.defaultdict(list)
        for message in self.system.relay.mailbox.messages():
            if not message.recipient.startswith("postmaster@"):
                found[message.recipient].append(message)
        return found

    def quarantined(self) -> set[str]:
        return {path.parent.name for path in self.system.places.quarantine.glob("*/*/message")}

    def waiting(self) -> list[str]:
        """What has not reached its end: messages, what is being written, and marks."""
        spools = [Spool(root) for root in (self.system.places.incoming, self.system.places.outgoing)]
        messages = [name for spool in spools for state in State for name in spool.names(state)]
        return messages + [path.name for spool in spools for path in spool.root.glob(f"{CONFIRMED}/*")]

    def wait_until_empty(self, seconds: float = ARRIVAL_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not self.waiting() and not self._relay_busy():
                return
            time.sleep(0.2)
        log = "\n".join(self.lines[-80:])
        pytest.fail(f"{len(self.waiting())} messages are still in the spool after {seconds} s\n{log}")

    def _relay_busy(self) -> bool:
        spool = self.system.relay.directory / "spool"
        return any(
            path.is_file()
            for state in ("incoming", "active", "maildrop")
            for path in (spool / state).rglob("*")
        )


@pytest.fixture(scope="session")
def letters(require, tmp_path_factory) -> Callable[..., list[Letter]]:
    """Real messages, each to a recipient of its own."""
    cache = Path(os.environ.get("CORPUS_DIRECTORY") or Path(__file__).parents[3] / "var" / "corpus")
    try:
        home = corpus.fetch(cache)
    except corpus.CorpusError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))

    def make(count: int, prefix: str, seed: int = 1) -> list[Letter]:
        return [
            Letter("sender@example.org", (f"{prefix}{number:05}@example.com",), data)
            for number, data in enumerate(corpus.letters(home, count, seed))
        ]

    return make


@contextlib.contextmanager
def systems(require, servers_dir) -> Iterator[Callable[..., Running]]:
    """Start systems; all that were started are stopped at the end."""
    started: list[Supervisor] = []

    def begin(name: str, *, console: bool = False, changes=lambda ports, directory: {}) -> Running:
        directory = servers_dir / name
        directory.mkdir(mode=0o711, exist_ok=True)
        ports = Ports.free()
        lines: list[str] = []
        system = System(
            directory,
            ports,
            lambda who, line: lines.append(f"{who}: {line}"),
            console=console,
            changes=changes(ports, directory),
        )
        require(*{program for server in system.servers for program in server.programs}, root=True)
        supervisor = Supervisor(system.stages, lambda line: None, lambda running: None)
        started.append(supervisor)
        system.prepare()
        supervisor.start()
        return Running(system, supervisor, lines)

    try:
        yield begin
    finally:
        for supervisor in started:
            supervisor.stop()


@pytest.fixture
def start(require, servers_dir):
    """Start a system for one test."""
    with systems(require, servers_dir) as begin:
        yield begin


@pytest.fixture(scope="module")
def running(require, servers_dir, request):
    """A system that the tests of a module share; its MailScanner.conf may be changed by `changes` there."""
    changes = {"changes": request.module.changes} if hasattr(request.module, "changes") else {}
    with systems(require, servers_dir) as begin:
        yield begin(request.module.__name__.rpartition(".")[2], **changes)
