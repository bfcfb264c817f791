"""Redis as Mailmill wants it: append only, and an error instead of an eviction when memory is full."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from mailmill_local.probes import HOST, ask
from mailmill_local.process import Sink, ignore
from mailmill_local.servers.base import Server, program


class RedisServer(Server):
    """redis-server on a port and on a unix socket.

    Args:
        directory: Holds its configuration, its append only file and its socket.
        port: The port.
        host: The address that it listens on; it must include loopback.
        max_memory: `maxmemory`, for instance `64mb`; `0` is no limit.
    """

    programs: ClassVar = ("redis-server",)

    def __init__(
        self,
        directory: Path,
        *,
        port: int,
        host: str = HOST,
        max_memory: str = "0",
        sink: Sink = ignore,
        name: str = "redis",
    ) -> None:
        super().__init__(directory, name=name, sink=sink)
        self.port = port
        self._host = host
        self._max_memory = max_memory

    @property
    def url(self) -> str:
        """Its URL, database 0."""
        return f"redis://{HOST}:{self.port}/0"

    @property
    def socket(self) -> Path:
        """The path of its unix socket."""
        return self.directory / "redis.sock"

    def render(self) -> None:
        """Write redis.conf."""
        (self.directory / "redis.conf").write_text(
            f"bind {self._host}\n"
            # There is no password: who reaches the address may use it.
            "protected-mode no\n"
            f"port {self.port}\n"
            f"unixsocket {self.socket}\n"
            "unixsocketperm 777\n"
            "daemonize no\n"
            f"dir {self.directory}\n"
            "appendonly yes\n"
            "appendfsync everysec\n"
            'save ""\n'
            f"maxmemory {self._max_memory}\n"
            "maxmemory-policy noeviction\n"
        )

    def command(self) -> list[str]:
        """Return the command line."""
        return [program("redis-server"), str(self.directory / "redis.conf")]

    def healthy(self) -> bool:
        """Tell whether it answers PING; while it loads its file it does not."""
        return ask(self.port, b"PING\r\n", b"+PONG")
