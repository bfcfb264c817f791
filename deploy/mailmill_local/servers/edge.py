"""The Postfix of an edge node: takes mail from the world and hands it to the milter."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from mailmill_local.memory import MemoryDirectory
from mailmill_local.probes import HOST, ask
from mailmill_local.process import Sink, ignore
from mailmill_local.servers.postfix import Postfix

#: Bytes of the largest message that the edge takes (Postfix's own default is 10,240,000).
MESSAGE_SIZE_LIMIT: Final = 100_000_000
#: Bytes that must be free where its queue is to be kept in memory: smtpd asks for 1.5 times the largest
#: message (postconf(5): queue_minfree), and several may come at the same time.
MEMORY: Final = 4 * MESSAGE_SIZE_LIMIT
#: The recipient that the edge does not know: edges must refuse before DATA (R9).
UNKNOWN_RECIPIENT: Final = "unknown@example.com"


class PostfixEdge(Postfix):
    """smtpd with one milter.

    Args:
        directory: Holds the instance.
        port: The SMTP port.
        host: The address that it listens on; it must include loopback.
        milter: The milter's unix socket, or its loopback port.
        next_hop: The SMTP port of what the milter accepts without scanning; None: it is refused
            by the error transport, so that nothing ever leaves this machine.
        next_host: The address that belongs to it.
        carry_all: The relay can be reached over SMTP, so DSN, SMTPUTF8 and REQUIRETLS may be offered; QMQP
            alone cannot carry them (R14).
        extra: Parameters of main.cf that are added or replaced.
        memory: Where its queue is instead of below `directory`: what the milter takes over is durable with
            Mailmill before Postfix answers, and Postfix drops its own copy.
    """

    def __init__(
        self,
        directory: Path,
        *,
        port: int,
        host: str = HOST,
        milter: Path | int,
        next_hop: int | None = None,
        next_host: str = HOST,
        carry_all: bool = True,
        extra: Mapping[str, str] | None = None,
        memory: MemoryDirectory | None = None,
        sink: Sink = ignore,
        name: str = "edge",
    ) -> None:
        super().__init__(directory, name=name, extra=extra, memory=memory, sink=sink)
        self.port = port
        self._host = host
        self._milter = milter
        self._next_hop = next_hop
        self._next_host = next_host
        self._carry_all = carry_all

    def parameters(self) -> Mapping[str, str]:
        """Return main.cf: the milter is last, and its failure is the sender's delay."""
        milter = f"inet:{HOST}:{self._milter}" if isinstance(self._milter, int) else f"unix:{self._milter}"
        return {
            "myhostname": "edge.example.net",
            "smtpd_milters": milter,
            "milter_protocol": "6",
            "milter_default_action": "tempfail",
            # A discarded message never reaches qmgr: Postfix believes that its queue grows and delays each
            # message by 1 s (measured).
            "in_flow_delay": "0",
            "message_size_limit": str(MESSAGE_SIZE_LIMIT),
            "smtpd_discard_ehlo_keywords": "silent-discard"
            if self._carry_all
            else "dsn, smtputf8, requiretls, silent-discard",
            "smtpd_relay_restrictions": "permit_mynetworks, reject",
            "smtpd_recipient_restrictions": f"check_recipient_access inline:{{{UNKNOWN_RECIPIENT}=REJECT}}",
            # Tests pretend to be clients from elsewhere.
            "smtpd_authorized_xclient_hosts": "127.0.0.0/8",
            "default_transport": "error:5.4.0 the milter did not take this message"
            if self._next_hop is None
            else f"smtp:[{self._next_host}]:{self._next_hop}",
        }

    def services(self) -> str:
        """Return master.cf's smtpd."""
        return f"{self._host}:{self.port} inet n - n - - smtpd\n"

    def healthy(self) -> bool:
        """Tell whether smtpd greets; it does so only when it reaches the milter or tempfails."""
        return ask(self.port, b"", b"220 ", b"QUIT\r\n")


def queue_in_memory(directory: Path) -> MemoryDirectory | None:
    """Return a place in memory for the queue of the edge in `directory` (ADR 18); None: there is no room."""
    memory = MemoryDirectory(directory)
    return memory if memory.has_room(MEMORY) else None
