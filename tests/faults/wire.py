"""A wire between two parts that can be slow, silent, cut, or lead elsewhere."""

from __future__ import annotations

import asyncio
from typing import Final

from faults.listener import Listener
from mailmill_local.probes import HOST

#: Bytes that are passed on at once.
_CHUNK: Final = 65_536


class Wire(Listener):
    """Passes bytes between a loopback port of its own and another one."""

    def __init__(self, target: int) -> None:
        """Lead to the loopback port `target`."""
        super().__init__()
        #: The loopback port that new connections lead to.
        self.target = target
        #: Seconds that each piece of data takes in each direction.
        self.delay = 0.0
        self._flowing = asyncio.Event()
        self._flowing.set()

    def freeze(self) -> None:
        """Keep connections open and pass nothing on, as when packets vanish."""
        self._loop.call_soon_threadsafe(self._flowing.clear)

    def thaw(self) -> None:
        """Pass everything on again, also what has waited."""
        self._loop.call_soon_threadsafe(self._flowing.set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass a connection through."""
        await self._flowing.wait()
        there_reader, there_writer = await asyncio.open_connection(HOST, self.target)
        pumps = [
            asyncio.ensure_future(self._pump(reader, there_writer)),
            asyncio.ensure_future(self._pump(there_reader, writer)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            there_writer.close()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(_CHUNK):
            if self.delay:
                await asyncio.sleep(self.delay)
            await self._flowing.wait()
            sink.write(data)
            await sink.drain()


class HttpWire(Wire):
    """A wire that can answer requests with an error of its own."""

    def __init__(self, target: int) -> None:
        super().__init__(target)
        #: Answer 500 instead of passing requests on.
        self.broken = False
        #: How many were answered so.
        self.hits = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass a connection through, or answer its first request."""
        if not self.broken:
            await super().serve(reader, writer)
            return
        await reader.readuntil(b"\r\n\r\n")
        self.hits += 1
        writer.write(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
