"""The network between the parts: cut, silent, slow and lossy; and Redis moves to a replica."""

from __future__ import annotations

from typing import ClassVar, Final

import redis as redis_py

from faults.bench import Bench
from faults.fault import Fault, Setup
from faults.network import LINKS, Link, Part
from faults.processes import kill
from mailmill_local.probes import free_port, wait_until
from mailmill_local.servers.redis import RedisServer

#: Seconds that a replica has to follow its master.
_SYNC_SECONDS = 20.0


class LinkFault(Fault):
    """Something about the lines between two parts."""

    setup = Setup.NETWORK
    times = 1
    hold = 8.0
    between: ClassVar[tuple[tuple[Part, Part], ...]]

    def links(self, bench: Bench) -> list[Link]:
        """Return the lines."""
        assert bench.network is not None
        return [bench.network.link(*ends) for ends in self.between]


class LinkCut(LinkFault):
    """The devices at both ends are taken down: no route, and what was under way is gone."""

    times = 2
    hold = 4.0

    def inject(self, bench: Bench) -> int:
        hits = 0
        for link in self.links(bench):
            hits += link.connections
            link.pull()
        return hits

    def repair(self, bench: Bench) -> int:
        for link in self.links(bench):
            link.plug()
        return 0


class LinkShaped(LinkFault):
    """Packets are late or lost."""

    delay: ClassVar[float] = 0.0
    jitter: ClassVar[float] = 0.0
    loss: ClassVar[float] = 0.0

    def inject(self, bench: Bench) -> int:
        links = self.links(bench)
        self._before = sum(link.hits for link in links)
        for link in links:
            link.shape(self.delay, self.jitter, self.loss)
        return 0

    def repair(self, bench: Bench) -> int:
        links = self.links(bench)
        for link in links:
            link.shape()
        return sum(link.hits for link in links) - self._before


class LinkSilent(LinkShaped):
    """Packets vanish; the connections stay."""

    loss = 1.0


class LinkSlow(LinkShaped):
    """A bad line: 200 ms there and back, more or less, and every fiftieth packet is lost."""

    delay = 0.1
    jitter = 0.05
    loss = 0.02


_EDGE_REDIS: Final = ((Part.EDGE, Part.REDIS),)
_WORKERS_REDIS: Final = ((Part.WORKERS, Part.REDIS),)
_WORKERS_RELAY: Final = ((Part.WORKERS, Part.RELAY),)


class EdgeRedisCut(LinkCut):
    name = "edge-redis link cut"
    between = _EDGE_REDIS


class EdgeRedisSilent(LinkSilent):
    name = "edge-redis link silent"
    between = _EDGE_REDIS
    hold = 15.0


class EdgeRedisSlow(LinkSlow):
    name = "edge-redis link lossy"
    between = _EDGE_REDIS


class WorkersRedisCut(LinkCut):
    name = "workers-redis link cut"
    between = _WORKERS_REDIS


class WorkersRedisSilent(LinkSilent):
    name = "workers-redis link silent"
    between = _WORKERS_REDIS
    hold = 15.0
    long_hold = 30.0


class WorkersRelayCut(LinkCut):
    """In the middle of submissions: replies to whole ones may be lost."""

    name = "workers-relay link cut"
    between = _WORKERS_RELAY


class WorkersRelaySilent(LinkSilent):
    """For longer than `Delivery Timeout`."""

    name = "workers-relay link silent"
    between = _WORKERS_RELAY


class WorkersRelaySlow(LinkSlow):
    name = "workers-relay link lossy"
    between = _WORKERS_RELAY


class EverythingSlow(LinkSlow):
    """All lines, that from the senders to the edge among them."""

    name = "all links lossy"
    between = LINKS
    stretch = 2.0
    hold = 15.0
    loss = 0.01


class RedisFailover(Fault):
    """The master dies and a replica takes its place and its address."""

    name = "redis fails over"
    setup = Setup.WIRE
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


FAULTS = (
    RedisFailover,
    EdgeRedisCut,
    EdgeRedisSilent,
    EdgeRedisSlow,
    WorkersRedisCut,
    WorkersRedisSilent,
    WorkersRelayCut,
    WorkersRelaySilent,
    WorkersRelaySlow,
    EverythingSlow,
)
