"""The servers of the containers: those of one machine, on their usual ports, for the compose network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from mailmill_containers.clamav import ContainerClamd, Database
from mailmill_containers.networks import attached_networks
from mailmill_containers.rspamd import NetworkRspamd
from mailmill_local.servers.base import Server
from mailmill_local.servers.edge import PostfixEdge
from mailmill_local.servers.relay import PostfixRelay
from mailmill_local.servers.rspamd import Rspamd

#: Each server keeps everything below its own directory; the volumes are mounted there.
ROOT: Final = Path("/srv")
#: All interfaces.
HOST: Final = "0.0.0.0"  # noqa: S104 - a container has no neighbours but those of its networks
#: The milter's socket, on the volume that both containers have.
MILTER_SOCKET: Final = Path("/run/mailmill/milter.sock")
#: Where the edge sends what the milter did not take: the service of that name.
NEXT_HOP: Final = "smtp:[relay]:25"

SMTP: Final = 25
#: RFC-less, but registered and Postfix's default (master.cf).
QMQP: Final = 628
CLAMD: Final = 3310
RSPAMD: Final = 11_333


def edge(_: Mapping[str, str]) -> Server:
    """Return the edge's Postfix."""
    extra = {**_postfix(), "default_transport": NEXT_HOP, "smtpd_authorized_xclient_hosts": ""}
    return PostfixEdge(ROOT / "edge", port=SMTP, host=HOST, milter=MILTER_SOCKET, extra=extra)


def relay(_: Mapping[str, str]) -> Server:
    """Return the relay's Postfix; it takes mail from the networks that it is attached to."""
    extra = {**_postfix(), "qmqpd_authorized_clients": "$mynetworks"}
    return PostfixRelay(ROOT / "relay", qmqp_port=QMQP, smtp_port=SMTP, host=HOST, extra=extra)


def clamd(environ: Mapping[str, str]) -> Server:
    """Return clamd; `CLAMAV_DATABASE` says which signatures it has, see `Database`."""
    wanted = Database(environ.get("CLAMAV_DATABASE") or Database.AUTO)
    return ContainerClamd(ROOT / "clamd", port=CLAMD, host=HOST, wanted=wanted)


def rspamd(environ: Mapping[str, str]) -> Server:
    """Return rspamd, with its network modules when `RSPAMD_NETWORK` is yes."""
    kind = NetworkRspamd if environ.get("RSPAMD_NETWORK", "").lower() == "yes" else Rspamd
    return kind(ROOT / "rspamd", port=RSPAMD, host=HOST)


SERVERS: Final[Mapping[str, Callable[[Mapping[str, str]], Server]]] = {
    "edge": edge,
    "relay": relay,
    "clamd": clamd,
    "rspamd": rspamd,
}


def _postfix() -> dict[str, str]:
    """Return what both Postfix instances say otherwise than on one machine."""
    return {"inet_interfaces": "all", "mynetworks": " ".join(attached_networks())}
