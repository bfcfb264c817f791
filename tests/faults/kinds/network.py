"""The network between the parts: cut, silent, slow; and Redis moves to a replica."""

from __future__ import annotations

import redis as redis_py

from faults.bench import Bench
from faults.fault import Fault, Setup
from faults.processes import kill
from mailmill_local.probes import free_port, wait_until
from mailmill_local.servers.redis import RedisServer

#: Seconds that a replica has to follow its master.
_SYNC_SECONDS = 20.0


class RedisUnreachable(Fault):
    """Connections break, and nobody gets through for a while."""

    name = "network to redis cut"
    setup = Setup.NETWORK
    times = 2
    hold = 4.0

    def inject(self, bench: Bench) -> int:
        bench.redis_wire.shut()
        return bench.redis_wire.drop()

    def repair(self, bench: Bench) -> int:
        bench.redis_wire.open()
        return 0


class RedisSilent(Fault):
    """Packets vanish; the connections stay."""

    name = "network to redis silent"
    setup = Setup.NETWORK
    times = 1
    hold = 20.0
    long_hold = 40.0

    def inject(self, bench: Bench) -> int:
        bench.redis_wire.freeze()
        return 1

    def repair(self, bench: Bench) -> int:
        bench.redis_wire.thaw()
        return 0


class RedisSlow(Fault):
    """Each step takes 100 ms."""

    name = "network to redis slow"
    setup = Setup.NETWORK
    times = 1
    hold = 8.0

    def inject(self, bench: Bench) -> int:
        bench.redis_wire.delay = 0.05
        return 1

    def repair(self, bench: Bench) -> int:
        bench.redis_wire.delay = 0.0
        return 0


class RedisFailover(Fault):
    """The master dies and a replica takes its place and its address."""

    name = "redis fails over"
    setup = Setup.NETWORK
    times = 1
    hold = 2.0

    def inject(self, bench: Bench) -> int:
        replica = RedisServer(bench.directory / "replica", port=free_port(), name="replica")
        replica.start()
        bench.cleanup.append(replica.stop)
        replica.wait_healthy()
        self._port = replica.port
        with redis_py.Redis(port=replica.port) as connection:
            connection.replicaof("127.0.0.1", bench.ports.redis)
            wait_until(lambda: connection.info("replication")["master_link_status"] == "up", _SYNC_SECONDS)
        self._excused = bench.keeper.excuse(bench.system.redis)
        self._excused.__enter__()
        hit = kill(bench.system.redis.process.pid)
        bench.system.redis.stop()
        return int(hit)

    def repair(self, bench: Bench) -> int:
        with redis_py.Redis(port=self._port) as connection:
            connection.replicaof("NO", "ONE")
        bench.redis_wire.target = self._port
        bench.redis_wire.drop()
        return 0


FAULTS = (RedisUnreachable, RedisSilent, RedisSlow, RedisFailover)
