"""Redis dies, forgets, stops, refuses and moves."""

from __future__ import annotations

import contextlib
import shutil
import signal
import threading
import time

import redis

from faults.bench import Bench
from faults.fault import Fault
from faults.processes import kill
from mailmill.tasks import DELIVER_QUEUE

#: Seconds between two CLIENT KILLs.
_BETWEEN_CUTS = 0.3
#: Seconds that are lost when Redis comes back older (appendfsync everysec: up to two).
_OLDER = 2.0


def client(bench: Bench) -> redis.Redis:
    """Return a client of the bench's Redis."""
    return redis.Redis(port=bench.ports.redis)


class RedisKilled(Fault):
    """It comes back with its append only file, which lacks the last second (appendfsync everysec)."""

    name = "redis killed"
    times = 2

    def inject(self, bench: Bench) -> int:
        return int(kill(bench.running(bench.system.redis)))


class RedisEmpty(Fault):
    """It comes back without its data."""

    name = "redis restarted empty"
    times = 2
    hold = 1.0

    def __init__(self) -> None:
        self._excused = contextlib.ExitStack()

    def inject(self, bench: Bench) -> int:
        server = bench.system.redis
        self._excused.enter_context(bench.keeper.excuse(server))
        hit = int(kill(bench.running(server)))
        server.stop()
        shutil.rmtree(server.directory / "appendonlydir")
        return hit

    def repair(self, bench: Bench) -> int:
        bench.system.redis.start()
        self._excused.close()
        return 0


class RedisOlder(Fault):
    """It comes back as it was seconds ago, without what it acknowledged since, with what it removed.

    So does a host that loses its power (appendfsync everysec), and a replica that is promoted while it lags.
    """

    name = "redis comes back older"
    times = 2

    def inject(self, bench: Bench) -> int:
        server = bench.system.redis
        then = server.directory / "then"
        shutil.copytree(server.directory / "appendonlydir", then)
        time.sleep(_OLDER)
        with bench.keeper.excuse(server):
            hit = int(kill(bench.running(server)))
            server.stop()
            shutil.rmtree(server.directory / "appendonlydir")
            then.rename(server.directory / "appendonlydir")
            server.start()
        return hit


class RedisFlushed(Fault):
    name = "redis FLUSHALL"

    def inject(self, bench: Bench) -> int:
        with client(bench) as connection:
            connection.flushall()
        return 1


class TasksLost(Fault):
    """Tasks that wait vanish, as they do when a worker dies between taking one and noting that it has it."""

    name = "redis loses tasks"
    hold = 1.5

    def inject(self, bench: Bench) -> int:
        return int(kill(bench.running(bench.system.deliver), signal.SIGSTOP))

    def repair(self, bench: Bench) -> int:
        with client(bench) as connection, connection.pipeline() as pipe:
            pipe.llen(DELIVER_QUEUE)
            pipe.delete(DELIVER_QUEUE)
            gone, _ = pipe.execute()
        kill(bench.running(bench.system.deliver), signal.SIGCONT)
        return int(gone)


class RedisPaused(Fault):
    name = "redis paused"
    times = 1
    hold = 20.0
    long_hold = 60.0

    def inject(self, bench: Bench) -> int:
        bench.system.redis.process.signal_group(19)
        return 1

    def repair(self, bench: Bench) -> int:
        bench.system.redis.process.signal_group(18)
        return 0


class RedisCut(Fault):
    """All connections are cut, again and again."""

    name = "redis connections cut"
    times = 1
    hold = 5.0

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._cuts = 0

    def inject(self, bench: Bench) -> int:
        self._stop.clear()
        self._cuts = 0
        self._thread = threading.Thread(target=self._cut, args=(bench,))
        self._thread.start()
        return 0

    def repair(self, bench: Bench) -> int:
        self._stop.set()
        self._thread.join()
        return self._cuts

    def _cut(self, bench: Bench) -> None:
        with client(bench) as connection:
            while not self._stop.wait(_BETWEEN_CUTS):
                self._cuts += connection.client_kill_filter(_type="normal", skipme=True)


class RedisFull(Fault):
    """Its memory is used up: it answers with errors to everything that writes (noeviction)."""

    name = "redis out of memory"
    times = 1
    hold = 6.0

    def inject(self, bench: Bench) -> int:
        with client(bench) as connection:
            used = connection.info("memory")["used_memory"]
            self._refused = _refused(connection)
            # Far below it: with room left, the edges stop in time and no command is ever refused.
            connection.config_set("maxmemory", used // 2)
        return 0

    def repair(self, bench: Bench) -> int:
        with client(bench) as connection:
            connection.config_set("maxmemory", 0)
            return _refused(connection) - self._refused


def _refused(connection: redis.Redis) -> int:
    """Return how many commands Redis has refused because its memory was used up."""
    errors = connection.info("errorstats").get("errorstat_OOM", {})
    return int(errors.get("count", 0))


FAULTS = (RedisKilled, RedisEmpty, RedisOlder, RedisFlushed, TasksLost, RedisPaused, RedisCut, RedisFull)
