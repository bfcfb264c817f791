"""A port that is served by an event loop on a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

from mailmill_local.probes import HOST, free_port

#: Seconds for a step of ours on the loop.
_CALL_SECONDS: Final = 10.0
#: Connections that may wait to be accepted.
_BACKLOG: Final = 256


class Listener:
    """Calls `serve` for each connection; subclasses say what that does."""

    def __init__(
        self, host: str = HOST, inside: Callable[[], AbstractContextManager[None]] = nullcontext
    ) -> None:
        """Serve an address, where `inside` puts the thread (for instance in a network namespace)."""
        self._host = host
        self._inside = inside
        self.port = free_port()
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, daemon=True)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection; it is closed afterwards."""
        raise NotImplementedError

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()
        self.open()

    def stop(self) -> None:
        """Stop listening and end the thread."""
        if not self._thread.is_alive():
            return
        self.shut()
        self.drop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def open(self) -> None:
        """Listen, if not yet."""
        self._call(self._open())

    def shut(self) -> None:
        """Refuse new connections; those that are open stay."""
        self._call(self._shut())

    def drop(self) -> int:
        """End all open connections and return how many there were."""
        return self._call(self._drop())

    def _run(self) -> None:
        with self._inside():
            self._loop.run_forever()

    def _call(self, step: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(step, self._loop).result(_CALL_SECONDS)

    async def _open(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._accepted, self._host, self.port, backlog=_BACKLOG)

    async def _shut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _drop(self) -> int:
        ended = list(self._connections)
        for task in ended:
            task.cancel()
        await asyncio.gather(*ended, return_exceptions=True)
        return len(ended)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
                await self.serve(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()  # a reset, as when a route breaks
        finally:
            self._connections.discard(task)
            writer.close()
