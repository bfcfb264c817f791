"""An engine that takes a fixed time and no processor: it speaks clamd's INSTREAM and finds nothing.

`python -m benchmarks.slowengine PORT SECONDS`
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from benchmarks.load import environment
from mailmill_local.probes import HOST, ask
from mailmill_local.servers.base import Server


class SlowEngine(Server):
    """The engine on a loopback port.

    Args:
        directory: Its working directory.
        port: The port.
        seconds: What each message takes.
    """

    programs: ClassVar = ()

    def __init__(self, directory: Path, *, port: int, seconds: float) -> None:
        super().__init__(directory, name="slow engine")
        self.port = port
        self._seconds = seconds

    def render(self) -> None:
        """Write nothing: the command line says it all."""

    def command(self) -> list[str]:
        """Return the command line."""
        return [sys.executable, "-m", "benchmarks.slowengine", str(self.port), str(self._seconds)]

    def environment(self) -> Mapping[str, str]:
        """Return the environment in which this package is found."""
        return environment()

    def healthy(self) -> bool:
        """Tell whether it answers PING."""
        return ask(self.port, b"zPING\0", b"PONG")


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Serve one connection."""
    try:
        if await reader.readuntil(b"\0") == b"zPING\0":
            writer.write(b"PONG\0")
        else:
            while length := int.from_bytes(await reader.readexactly(4), "big"):
                await reader.readexactly(length)
            await asyncio.sleep(seconds)
            writer.write(b"stream: OK\0")
        await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        return  # the client has gone
    finally:
        writer.close()


async def _serve(port: int, seconds: float) -> None:
    server = await asyncio.start_server(
        lambda reader, writer: answer(reader, writer, seconds), HOST, port, limit=1 << 20
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2])))
