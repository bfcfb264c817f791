"""The central relay: a Postfix that takes QMQP and SMTP and puts everything into one Maildir."""

from __future__ import annotations

import pwd
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from mailmill_local.mailbox import Mailbox
from mailmill_local.probes import HOST, ask
from mailmill_local.process import Sink, ignore
from mailmill_local.servers.base import give_to
from mailmill_local.servers.postfix import Postfix

#: The owner of the Maildir: Postfix's virtual(8) never delivers as root.
USER: Final = "nobody"
#: Bytes of the largest message that the relay takes: headers that we add must still fit.
MESSAGE_SIZE_LIMIT: Final = 120_000_000


class PostfixRelay(Postfix):
    """qmqpd on a port and on the unix socket public/qmqp, and smtpd on another port.

    Args:
        directory: Holds the instance and the Maildir.
        qmqp_port: The port of qmqpd.
        smtp_port: The port of smtpd.
        host: The address that both listen on; it must include loopback.
        extra: Parameters of main.cf that are added or replaced.
    """

    def __init__(
        self,
        directory: Path,
        *,
        qmqp_port: int,
        smtp_port: int,
        host: str = HOST,
        extra: Mapping[str, str] | None = None,
        sink: Sink = ignore,
        name: str = "relay",
    ) -> None:
        super().__init__(directory, name=name, extra=extra, sink=sink)
        self.qmqp_port = qmqp_port
        self.smtp_port = smtp_port
        self._host = host

    @property
    def qmqp_socket(self) -> Path:
        """The path of the QMQP unix socket (only root and group postdrop reach it)."""
        return self.queue / "public" / "qmqp"

    @property
    def mailbox(self) -> Mailbox:
        """What was delivered."""
        return Mailbox(self.directory / "mail" / "all")

    def render(self) -> None:
        """Write the configuration and create the directory of the Maildir."""
        mail = self.directory / "mail"
        mail.mkdir(exist_ok=True)
        mail.chmod(0o700)
        give_to(mail, USER)
        super().render()

    def parameters(self) -> Mapping[str, str]:
        """Return main.cf: every address of every domain is a virtual mailbox, and all are the same."""
        owner = pwd.getpwnam(USER)
        return {
            "myhostname": "relay.example.net",
            "qmqpd_authorized_clients": "127.0.0.0/8",
            "qmqpd_error_delay": "0",
            "smtpd_relay_restrictions": "permit_mynetworks, reject",
            "message_size_limit": str(MESSAGE_SIZE_LIMIT),
            "virtual_mailbox_limit": "0",
            "virtual_mailbox_domains": "static:all",
            "virtual_mailbox_base": str(self.directory / "mail"),
            "virtual_mailbox_maps": "static:all/",
            "virtual_uid_maps": f"static:{owner.pw_uid}",
            "virtual_gid_maps": f"static:{owner.pw_gid}",
            "virtual_transport": "virtual",
            "default_transport": "error:5.4.0 nothing leaves this machine",
        }

    def services(self) -> str:
        """Return master.cf's qmqpd and smtpd."""
        return (
            "qmqp unix n - n - - qmqpd\n"
            f"{self._host}:{self.qmqp_port} inet n - n - - qmqpd\n"
            f"{self._host}:{self.smtp_port} inet n - n - - smtpd\n"
        )

    def healthy(self) -> bool:
        """Tell whether qmqpd takes connections and smtpd greets."""
        return ask(self.qmqp_port, b"", b"") and ask(self.smtp_port, b"", b"220 ", b"QUIT\r\n")
