"""Engines that take a fixed time and no processor: they speak clamd's INSTREAM and find nothing.

Each port is an engine of its own, which looks into one message after the other.

`python -m benchmarks.slowengine SECONDS PORT [PORT...]`
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from benchmarks.load import environment
from mailmill_local.probes import HOST, ask
from mailmill_local.servers.base import Server


class SlowEngines(Server):
    """The engines on loopback ports, in one process.

    Args:
        directory: Its working directory.
        ports: The port of each.
        seconds: What each message takes.
    """

    programs: ClassVar = ()

    def __init__(self, directory: Path, *, ports: Sequence[int], seconds: float) -> None:
        super().__init__(directory, name="slow engines")
        self.ports = tuple(ports)
        self._seconds = seconds

    def render(self) -> None:
        """Write nothing: the command line says it all."""

    def command(self) -> list[str]:
        """Return the command line."""
        return [sys.executable, "-m", "benchmarks.slowengine", str(self._seconds), *map(str, self.ports)]

    def environment(self) -> Mapping[str, str]:
        """Return the environment in which this package is found."""
        return environment()

    def healthy(self) -> bool:
        """Tell whether all of them answer PING."""
        return all(ask(port, b"zPING\0", b"PONG") for port in self.ports)


async def answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float, turn: asyncio.Lock
) -> None:
    """Serve one connection; a message is looked into when it is its turn."""
    try:
        if await reader.readuntil(b"\0") == b"zPING\0":
            writer.write(b"PONG\0")
        else:
            while length := int.from_bytes(await reader.readexactly(4), "big"):
                await reader.readexactly(length)
            async with turn:
                await asyncio.sleep(seconds)
            writer.write(b"stream: OK\0")
        await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        return  # the client has gone
    finally:
        writer.close()


async def _listen(port: int, seconds: float) -> asyncio.Server:
    turn = asyncio.Lock()
    return await asyncio.start_server(
        lambda reader, writer: answer(reader, writer, seconds, turn), HOST, port, limit=1 << 20
    )


async def _serve(ports: Sequence[int], seconds: float) -> None:
    servers = [await _listen(port, seconds) for port in ports]
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(_serve([int(port) for port in sys.argv[2:]], float(sys.argv[1])))
