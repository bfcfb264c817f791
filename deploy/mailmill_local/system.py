"""The whole system: every server and process, in the order in which they are started."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mailmill.settings.option import option_key
from mailmill.settings.options.milter import MILTER_IGNORE_LOOPBACK
from mailmill_local.addresses import LOOPBACK, Addresses
from mailmill_local.configuration import Places, mailscanner_conf
from mailmill_local.ports import Ports
from mailmill_local.process import Sink, ignore
from mailmill_local.servers import mailmill
from mailmill_local.servers.base import Server
from mailmill_local.servers.clamd import Clamd
from mailmill_local.servers.edge import PostfixEdge, queue_in_memory
from mailmill_local.servers.redis import RedisServer
from mailmill_local.servers.relay import PostfixRelay
from mailmill_local.servers.rspamd import Rspamd


class System:
    """All that a message meets from the edge to its mailbox, below one directory.

    Args:
        directory: Where everything is kept; a start takes up what an earlier one left in the queues.
        ports: The ports.
        sink: Gets each line of output with the name of what wrote it.
        changes: Options of MailScanner.conf that differ from `mailscanner_conf`, by name.
        console: Also run Flower.
        scan_processes: Pool processes of the scan worker; 0: as many as there are processors.
        addresses: Where the parts find each other.
    """

    def __init__(
        self,
        directory: Path,
        ports: Ports,
        sink: Sink = ignore,
        *,
        changes: Mapping[str, str] | None = None,
        console: bool = True,
        scan_processes: int = 0,
        addresses: Addresses = LOOPBACK,
    ) -> None:
        self.directory = directory
        self.ports = ports
        self.places = Places(directory / "mailmill")
        self._changes = dict(changes or {})
        self._addresses = addresses
        postfix = {"mynetworks": addresses.clients}
        self.relay = PostfixRelay(
            directory / "relay",
            qmqp_port=ports.relay_qmqp,
            smtp_port=ports.relay_smtp,
            host=addresses.listen,
            extra=postfix,
            sink=sink,
        )
        self.redis = RedisServer(directory / "redis", port=ports.redis, host=addresses.listen, sink=sink)
        self.clamd = Clamd(directory / "clamd", port=ports.clamd, sink=sink)
        self.rspamd = Rspamd(directory / "rspamd", port=ports.rspamd, sink=sink)
        home, conf = self.places.run, self.places.conf
        self.recorder = mailmill.recorder(home, conf, sink)
        self.deliver = mailmill.worker("deliver", home, conf, sink)
        self.scan = mailmill.worker("scan", home, conf, sink, concurrency=scan_processes)
        self.queue_manager = mailmill.queue_manager(home, conf, sink)
        self.milter = mailmill.milter(home, conf, self.places.milter_socket, sink)
        self.edge = PostfixEdge(
            directory / "edge",
            port=ports.edge,
            host=addresses.listen,
            milter=self.places.milter_socket,
            next_hop=ports.relay_smtp,
            next_host=addresses.relay,
            extra=postfix,
            memory=queue_in_memory(directory / "edge") if self._edge_takes_all else None,
            sink=sink,
        )
        flower = [mailmill.flower(home, conf, ports.flower, sink)] if console else []
        #: Each stage is started at once, and is healthy before the next one; stopping goes the other way, so
        #: that the edge stops taking mail first and the relay stops last.
        self.stages: tuple[tuple[Server, ...], ...] = (
            (self.relay,),
            (self.redis, self.clamd, self.rspamd),
            (self.recorder, self.deliver, self.scan, self.queue_manager),
            (self.milter,),
            (*flower, self.edge),
        )

    @property
    def servers(self) -> list[Server]:
        """All of them, in the order in which they are started."""
        return [server for stage in self.stages for server in stage]

    @property
    def _edge_takes_all(self) -> bool:
        """Whether no mail stays with the edge's Postfix: `Milter Ignore Loopback` leaves some to it."""
        values = {option_key(name): value for name, value in self._changes.items()}
        return values.get(MILTER_IGNORE_LOOPBACK.key, "no") == "no"

    def prepare(self) -> None:
        """Write MailScanner.conf and create Mailmill's directories."""
        self.places.create()
        self.places.conf.write_text(
            mailscanner_conf(self.places, self.ports, self.clamd.socket, self._changes, self._addresses)
        )
