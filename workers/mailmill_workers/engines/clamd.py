"""clamd, over its INSTREAM command (clamd(8)): one connection for each message.

A client of our own: docs/adr/0002-own-clamd-client.md tells what the library lacks. The size limits are the
trap here. Over `StreamMaxLength` clamd says so and closes while it is still being sent to; over
`MaxScanSize`, `MaxFileSize`, `MaxRecursion` and `MaxFiles` it says so only with `AlertExceedsMax
yes`, and `OK` otherwise.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
from typing import TYPE_CHECKING, Any, Final

from mailmill.findings import Clean, Found, Unscannable
from mailmill_workers.engines.addresses import Address, TcpAddress, UnixAddress
from mailmill_workers.engines.clamdlimits import ADVICE, sample
from mailmill_workers.engines.silence import Silence
from mailmill_workers.engines.turns import NoAnswerError, Turns
from mailmill_workers.engines.versions import versions_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailmill.findings import VirusAnswer
    from mailmill_workers.mail import Mail

_log = logging.getLogger(__name__)

#: Messages that one scan task has at one clamd at the same time (clamd.conf: MaxThreads, default 10).
CONCURRENCY: Final = 10

#: Bytes of one chunk of the stream. Measured: from 64 kB on it costs no more than the copy itself.
_CHUNK: Final = 256 * 1024

#: A chunk of no bytes ends the stream.
_END: Final = struct.pack("!L", 0)

#: The longest reply that is read, in bytes; clamd's own are one line with one name.
_MAX_REPLY: Final = 4096

#: Seconds that the sample for the limits may take; measured: 5 ms.
_SAMPLE_LIMIT: Final = 5.0

#: What clamd calls a message that it could not look into whole, or could not look into (AlertExceedsMax,
#: AlertEncrypted in clamd.conf(5)): no virus, but not clean either.
_NOT_LOOKED_INTO: Final = {
    "Heuristics.Limits.Exceeded": "over a limit of clamd",
    "Heuristics.Encrypted": "encrypted",
}


#: Servers that this process knows to tell, or not to tell, when a message is over their limits.
_asked_for_limits: set[Address] = set()
#: Servers that hang, for as long as this process lives.
_silence: Silence[Address] = Silence()


class Clamd:
    """The virus engine `clamd`."""

    name: Final = "clamd"

    def __init__(self, servers: Sequence[Address], limit: float) -> None:
        """Take the servers to be tried in turn, and the time for one message at one of them in seconds."""
        self.servers: Final = tuple(servers)
        self._turns = Turns(servers, limit, CONCURRENCY, _silence)

    async def scan(self, mail: Mail) -> VirusAnswer:
        """Return what clamd says; `Failed` when no server gives an answer."""
        return await self._turns.ask(lambda server: _scan_warily(server, mail.content))

    def told(self, mail: Mail) -> tuple[str, ...]:  # noqa: ARG002 - the interface of all engines
        """Return nothing: it gets the message alone."""
        return ()

    async def version(self) -> str | None:
        """Return the versions of program and signatures: `ClamAV 1.4.6/27123/DATE`, see `versions_of`.

        It is that of ClamAV's own daily signatures; others do not show in it.
        """
        return await versions_of(self.servers, _version)

    async def close(self) -> None:
        """Nothing to give back: a connection ends with its message."""


async def _version(server: Address) -> str:
    with await _connect(server) as sock:
        await asyncio.get_running_loop().sock_sendall(sock, b"zVERSION\0")
        reply = await _receive(sock)
    if not reply.startswith(b"ClamAV ") or not reply.endswith(b"\0"):
        raise NoAnswerError(f"not a version: {reply[:100]!r}")
    return reply.rstrip(b"\0").decode("utf-8", errors="replace")


async def _scan_warily(server: Address, content: bytes) -> VirusAnswer:
    answer = await _scan(server, content)
    if server not in _asked_for_limits:
        _asked_for_limits.add(server)
        with contextlib.suppress(OSError, NoAnswerError):  # the answer for the message stands without it
            async with asyncio.timeout(_SAMPLE_LIMIT):
                if isinstance(await _scan(server, sample()), Clean):
                    _log.warning(ADVICE, server)
    return answer


async def _scan(server: Address, content: bytes) -> VirusAnswer:
    with await _connect(server) as sock:
        # clamd closes when it has had enough; its reply is there to be read all the same.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            await _send(sock, content)
        reply = await _receive(sock)
    return judge(reply)


async def _connect(server: Address) -> socket.socket:
    if isinstance(server, UnixAddress):
        return await _connected(socket.AF_UNIX, server.path)
    found = await _resolved(server)
    for family, _, _, _, where in found[:-1]:
        try:
            return await _connected(family, where)
        except OSError:
            continue  # the next address of the same host
    return await _connected(found[-1][0], found[-1][4])


async def _resolved(server: TcpAddress) -> list[tuple[Any, ...]]:
    """Return what `getaddrinfo` says; only a name needs the thread that a look-up may block."""
    try:
        return socket.getaddrinfo(
            server.host, server.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )
    except socket.gaierror:
        loop = asyncio.get_running_loop()
        return await loop.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)


async def _connected(family: int, where: object) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)  # noqa: FBT003 - the socket module's own signature
        await asyncio.get_running_loop().sock_connect(sock, where)  # type: ignore[arg-type]
    except BaseException:  # also when the time limit cancels
        sock.close()
        raise
    return sock


async def _send(sock: socket.socket, content: bytes) -> None:
    """Send the command, the message in chunks and their end: most messages go in one piece."""
    loop = asyncio.get_running_loop()
    view = memoryview(content)
    before = b"zINSTREAM\0"
    for start in range(0, len(content), _CHUNK):
        chunk = view[start : start + _CHUNK]
        behind = _END if start + _CHUNK >= len(content) else b""
        await loop.sock_sendall(sock, b"".join((before, struct.pack("!L", len(chunk)), chunk, behind)))
        before = b""
    if before:
        await loop.sock_sendall(sock, before + _END)  # the message is empty


async def _receive(sock: socket.socket) -> bytes:
    loop = asyncio.get_running_loop()
    reply = b""
    while len(reply) < _MAX_REPLY and not reply.endswith(b"\0"):
        data = await loop.sock_recv(sock, _MAX_REPLY)
        if not data:
            break
        reply += data
    return reply


def judge(reply: bytes) -> VirusAnswer:
    """Return what a reply to `zINSTREAM` means; only a whole `stream: OK` means clean.

    Raises:
        NoAnswerError: an error, or not a whole reply.
    """
    if not reply:
        raise NoAnswerError("closed the connection without a reply")
    if not reply.endswith(b"\0"):
        raise NoAnswerError(f"half a reply: {reply[:100]!r}")
    text = reply.rstrip(b"\0").decode("utf-8", errors="replace")
    if text == "stream: OK":
        return Clean()
    if text.startswith("INSTREAM size limit exceeded"):
        return Unscannable("larger than clamd's StreamMaxLength")
    if not text.startswith("stream: ") or not text.endswith(" FOUND"):
        raise NoAnswerError(text)
    name = text.removeprefix("stream: ").removesuffix(" FOUND")
    for beginning, reason in _NOT_LOOKED_INTO.items():
        if name.startswith(beginning):
            return Unscannable(f"{reason}: {name}")
    return Found((name,))
