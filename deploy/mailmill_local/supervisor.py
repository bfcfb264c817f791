"""Starting everything stage by stage, noticing what dies, and stopping everything in the opposite order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from mailmill_local.servers.base import Server

#: Takes a line for the person at the terminal.
Say = Callable[[str], None]
#: Is told (name, pid) of everything that runs, whenever that changes.
Remember = Callable[[list[tuple[str, int]]], None]


class Supervisor:
    """Runs servers in stages.

    Args:
        stages: What is started together; each stage is healthy before the next one starts.
        say: Gets what is worth telling.
        remember: Is told what runs, so that a successor can find it.
    """

    def __init__(self, stages: Sequence[Sequence[Server]], say: Say, remember: Remember) -> None:
        self._stages = stages
        self._say = say
        self._remember = remember
        self._running: list[Server] = []

    def start(self) -> None:
        """Start all.

        Raises:
            ServerError: one does not start or does not become healthy; the others still run.
        """
        for stage in self._stages:
            for server in stage:
                self._running.append(server)
                server.start()
                self._tell()
            for server in stage:
                server.wait_healthy()
                self.check()
                self._say(f"{server.name} is healthy")

    def check(self) -> None:
        """Look whether all that was started is still there.

        Raises:
            ServerError: one has ended; the message has its status and its last lines.
        """
        for server in self._running:
            server.check_running()

    def stop(self) -> None:
        """Stop all, the last stage first, each stage at once; what was never started does not matter."""
        for stage in reversed(self._stages):
            there = [server for server in stage if server in self._running]
            for server in there:
                self._say(f"stopping {server.name}")
            with ThreadPoolExecutor(max_workers=max(1, len(there))) as pool:
                for ended in [pool.submit(server.stop) for server in there]:
                    ended.result()
            self._running = [server for server in self._running if server not in there]
            self._tell()

    def _tell(self) -> None:
        self._remember([(server.name, server.process.pid) for server in self._running if server.started])
