"""Mailmill's workers and queue manager between a spool and a relay, with a clamd that can do harm.

The clamd is ours: told by a word in a message, it kills, stops or starves the very process that sent it the
message (SO_PEERCRED names it), as a fault in the process itself would.
"""

from __future__ import annotations

import collections
import contextlib
import os
import resource
import signal
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mailmill.envelope import Client, Envelope, Recipient
from mailmill.mailids import new_mail_id
from mailmill.spool import Spool, State
from mailmill.spoolfile import SpoolHeader
from mailmill_local.configuration import Places, mailscanner_conf
from mailmill_local.ports import Ports
from mailmill_local.servers import mailmill

#: Seconds in which everything must have come to its end.
QUIET_SECONDS = 120.0
#: What the clamd obeys, anywhere in a message.
ORDER = b"X-Order: "


class BadClamd:
    """Answers `stream: OK`, after it has done to the other end what the message asks for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.victims: list[tuple[bytes, int]] = []
        self.asked = 0
        self._listener = socket.socket(socket.AF_UNIX)
        path.unlink(missing_ok=True)
        self._listener.bind(str(path))
        path.chmod(0o666)
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.path.unlink(missing_ok=True)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError, EOFError):
            stream = connection.makefile("rb")
            command = b""
            while not command.endswith(b"\0"):
                if not (byte := stream.read(1)):
                    return  # the worker was killed before it had said all
                command += byte
            if command == b"zVERSION\0":
                connection.sendall(b"ClamAV 1.4.6\0")
                return
            assert command == b"zINSTREAM\0"
            content = b""
            while size := struct.unpack("!L", _exactly(stream, 4))[0]:
                content += _exactly(stream, size)
            self.asked += 1
            _, found, rest = content.partition(ORDER)
            if found:
                credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
                pid = struct.unpack("3i", credentials)[0]
                order = rest.split(b"\n", 1)[0].strip()
                self.victims.append((order, pid))
                _harm(order, pid)
            connection.sendall(b"stream: OK\0")


def _exactly(stream, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data


def _harm(order: bytes, pid: int) -> None:
    match order:
        case b"starve":
            # Whatever it has now is all that it will get.
            resource.prlimit(pid, resource.RLIMIT_DATA, (1_000_000, resource.RLIM_INFINITY))
        case b"kill all":
            # As the kernel does when a container is out of memory.
            parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
            for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
                os.kill(int(child), signal.SIGKILL)
            os.kill(parent, signal.SIGKILL)
        case _:
            os.kill(pid, signal.Signals[order.decode()])


@dataclass
class Rig:
    """What the tests drive."""

    directory: Path
    conf: Path
    places: Places
    relay: object
    spool: Spool
    clamd: BadClamd
    #: Pool processes of the scan worker.
    processes: int = 2
    lines: list[str] = field(default_factory=list)
    servers: dict[str, mailmill.MailmillProcess] = field(default_factory=dict)
    sent: dict[str, str] = field(default_factory=dict)

    def accept(self, recipient: str, extra: bytes = b"", body: bytes = b"A body.\n") -> str:
        """Put a message into the spool as the milter does; return its id."""
        mail_id = new_mail_id(time.time(), "4cXyZ1")
        envelope = Envelope(
            "sender@example.org",
            (Recipient(f"{recipient}@example.com"),),
            Client("host.example.org", "192.0.2.1", 1, "helo"),
        )
        header = SpoolHeader(mail_id, "edge1", time.time(), "4cXyZ1", envelope)
        with self.spool.create(header) as writer:
            writer.write(b"Subject: " + recipient.encode() + b"\n" + extra + b"\n" + body)
            writer.commit()
        self.sent[recipient] = mail_id
        return mail_id

    def start(self, *names: str) -> None:
        """Start processes by name (all by default) and wait until they are ready."""
        run, sink = self.places.run, lambda who, line: self.lines.append(f"{who}: {line}")
        make = {
            "scan": lambda: mailmill.worker("scan", run, self.conf, sink, concurrency=self.processes),
            "deliver": lambda: mailmill.worker("deliver", run, self.conf, sink),
            "queue-manager": lambda: mailmill.queue_manager(run, self.conf, sink),
        }
        for name in names or make:
            self.servers[name] = make[name]()
            self.servers[name].start()
        for name in names or make:
            self.servers[name].wait_healthy()

    def open_clamd(self) -> None:
        """Start another clamd in the place of the one that was closed."""
        self.clamd = BadClamd(self.clamd.path)

    def stop(self) -> None:
        for server in self.servers.values():
            server.stop()

    def wait_until(self, condition, seconds: float = QUIET_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                pytest.fail(f"not within {seconds} s\n" + "\n".join(self.lines[-80:]))
            time.sleep(0.1)

    def wait_until_empty(self) -> None:
        self.wait_until(lambda: not self.waiting() and not self._relay_busy())

    def waiting(self) -> list[str]:
        spools = map(Spool, (self.places.incoming, self.places.outgoing))
        return [name for spool in spools for state in State for name in spool.names(state)]

    def arrived(self) -> collections.Counter[str]:
        """How often each recipient got mail, by local part."""
        return collections.Counter(m.recipient.partition("@")[0] for m in self.relay.mailbox.messages())

    def notices(self) -> list[str]:
        return [
            m.body.decode().replace("=\n", "")
            for m in self.relay.mailbox.messages()
            if m.recipient.startswith("postmaster@")
        ]

    def quarantined(self) -> set[str]:
        return {path.parent.name for path in self.places.quarantine.glob("*/*/message")}

    def log(self, text: str) -> list[str]:
        return [line for line in self.lines if text in line]

    def _relay_busy(self) -> bool:
        spool = self.relay.directory / "spool"
        return any(p.is_file() for s in ("incoming", "active", "maildrop") for p in (spool / s).rglob("*"))


@pytest.fixture
def make_rig(require, server_dir, redis_server, relay):
    """Make a rig; nothing of it runs yet. All that it starts is stopped at the end."""
    require(root=True)
    rigs: list[Rig] = []
    database = iter(range(1, 16))

    def make(**changes: str) -> Rig:
        places = Places(server_dir / "mailmill")
        places.create()
        values = {
            "Redis URL": redis_server.url.removesuffix("/0") + f"/{next(database)}",
            "MSMail Relay Port": str(relay.qmqp_port),
            "SMTP Relay Address": "",
            "Run As User": "",
            "Spam Scanner": "none",
            "Virus Scanner Timeout": "4",
            "Minimal Backoff Time": "1",
            "Maximal Backoff Time": "2",
            "Maximum Processing Attempts": "3",
            "Scan Time Limit": "6",
        }
        values |= {name.replace("_", " "): value for name, value in changes.items()}
        socket_path = server_dir / "clamd.ctl"
        places.conf.write_text(mailscanner_conf(places, Ports.free(), socket_path, values))
        for spool in (places.incoming, places.outgoing):
            for state in State:
                (spool / state).mkdir(parents=True, exist_ok=True)
        rig = Rig(server_dir, places.conf, places, relay, Spool(places.incoming), BadClamd(socket_path))
        rigs.append(rig)
        return rig

    yield make
    for rig in rigs:
        rig.stop()
        rig.clamd.close()
