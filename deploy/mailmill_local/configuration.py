"""The one MailScanner.conf that all Mailmill processes of this machine read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mailmill.settings.option import Option, option_key
from mailmill.settings.options import TABLE, cluster, delivery, metrics, milter, policy, scanners, system
from mailmill_local.addresses import LOOPBACK, Addresses
from mailmill_local.ports import Ports
from mailmill_local.probes import HOST
from mailmill_local.servers.base import give_to

#: The user of the Mailmill processes when root starts them; smtpd is this one too and finds their socket.
USER: Final = "postfix"
#: Who gets the notices.
POSTMASTER: Final = "postmaster@example.net"
#: The sample rules about attachments.
RULES: Final = Path(__file__).parents[1] / "etc"


@dataclass(frozen=True)
class Places:
    """Where Mailmill keeps what on this machine."""

    directory: Path

    @property
    def conf(self) -> Path:
        """MailScanner.conf."""
        return self.directory / "MailScanner.conf"

    @property
    def milter_socket(self) -> Path:
        """The milter's unix socket."""
        return self.run / "milter.sock"

    @property
    def run(self) -> Path:
        """Sockets and pid files."""
        return self.directory / "run"

    @property
    def incoming(self) -> Path:
        """`Incoming Queue Dir`."""
        return self.directory / "milterin"

    @property
    def outgoing(self) -> Path:
        """`Outgoing Queue Dir`."""
        return self.directory / "milterout"

    @property
    def quarantine(self) -> Path:
        """`Quarantine Dir`."""
        return self.directory / "quarantine"

    @property
    def journal(self) -> Path:
        """`Delivery Journal Dir`."""
        return self.directory / "journal"

    @property
    def database(self) -> Path:
        """The directory of the message log."""
        return self.directory / "log"

    def create(self) -> None:
        """Create the directories that Mailmill does not create itself, for the user that it runs as."""
        for path in (self.directory, self.run, self.quarantine, self.database):
            path.mkdir(parents=True, exist_ok=True)
        for path in (self.run, self.quarantine, self.database):
            give_to(path, USER)


def mailscanner_conf(
    places: Places,
    ports: Ports,
    clamd_socket: Path,
    changes: Mapping[str, str] | None = None,
    addresses: Addresses = LOOPBACK,
) -> str:
    """Return the text of MailScanner.conf.

    Args:
        places: The directories.
        ports: The ports of the servers.
        clamd_socket: clamd's unix socket.
        changes: Values by option name that replace those here or are added.
        addresses: Where Redis and the relay are.

    Raises:
        KeyError: `changes` names an option that does not exist.
    """
    root = os.geteuid() == 0
    values: list[tuple[Option[Any], object]] = [
        (system.RUN_AS_USER, USER if root else ""),
        (system.INCOMING_QUEUE_DIR, places.incoming),
        (system.OUTGOING_QUEUE_DIR, places.outgoing),
        (system.QUARANTINE_DIR, places.quarantine),
        (system.EDGE_NAME, "edge1"),
        (milter.MILTER_BIND, places.milter_socket),
        (milter.MILTER_PID_FILE, places.run / "milter.pid"),
        # On two cores 5 to 13 % more mail than with two: one fills a core at some 2,500 messages a second.
        (milter.MILTER_MAX_CHILDREN, max(1, (os.cpu_count() or 1) // 2)),
        (milter.MILTER_IGNORE_LOOPBACK, "no"),
        (delivery.DELIVERY_JOURNAL_DIR, places.journal),
        (delivery.MSMAIL_DELIVERY_METHOD, "QMQP"),
        (delivery.MSMAIL_SOCKET_TYPE, "inet"),
        (delivery.MSMAIL_RELAY_ADDRESS, addresses.relay),
        (delivery.MSMAIL_RELAY_PORT, ports.relay_qmqp),
        (delivery.SMTP_RELAY_ADDRESS, f"{addresses.relay}:{ports.relay_smtp}"),
        (cluster.REDIS_URL, f"redis://{addresses.redis}:{ports.redis}/0"),
        (cluster.MESSAGE_LOG_URL, f"sqlite:///{places.database / 'messages.db'}"),
        (metrics.METRICS_BIND, HOST),
        (metrics.METRICS_PORT, ports.metrics),
        (metrics.RECORDER_METRICS_PORT, ports.recorder_metrics),
        (scanners.CLAMD_SOCKET, clamd_socket),
        (scanners.RSPAMD_URL, f"http://{HOST}:{ports.rspamd}"),
        (policy.FILENAME_RULES, RULES / "filename.rules.conf"),
        (policy.FILETYPE_RULES, RULES / "filetype.rules.conf"),
        (policy.NOTICES_TO, POSTMASTER),
        (policy.LOCAL_POSTMASTER, POSTMASTER),
    ]
    lines = {option.key: (option.name, str(value)) for option, value in values}
    for name, value in (changes or {}).items():
        lines[option_key(name)] = (TABLE[option_key(name)].name, value)
    return "\n".join(
        [
            "# Written at each start: changes here are lost.",
            "%org-name% = mailmill",
            *(f"{name} = {value}" for name, value in lines.values()),
            "",
        ]
    )
