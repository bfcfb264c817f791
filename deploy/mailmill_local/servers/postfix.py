"""A private Postfix: its own configuration, queue and data below one directory, without syslog and chroot."""

from __future__ import annotations

import os
import subprocess
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar, Final

from mailmill_local.memory import MemoryDirectory
from mailmill_local.process import Sink, ignore
from mailmill_local.servers.base import Server, ServerError, give_to, program

#: Postfix's mail_owner.
USER: Final = "postfix"

#: The directories of the queue that hold messages (qmgr(8)).
MAIL_QUEUES: Final = ("maildrop", "incoming", "active", "deferred", "hold", "corrupt")

#: What every instance says: its lines on standard output, nothing looked up in DNS, no mail about mail.
_COMMON: Final = {
    "compatibility_level": "3.6",
    "maillog_file": "/dev/stdout",
    "inet_interfaces": "127.0.0.1",
    "inet_protocols": "ipv4",
    "mynetworks": "127.0.0.0/8",
    "mydestination": "",
    "local_recipient_maps": "",
    "alias_maps": "",
    "alias_database": "",
    "biff": "no",
    "notify_classes": "",
    "disable_dns_lookups": "yes",
    "smtp_host_lookup": "native",
    "smtpd_peername_lookup": "no",
    "smtpd_error_sleep_time": "0",
    # Loopback stands for the world: nobody gets headers added or addresses completed.
    "local_header_rewrite_clients": "",
    # Load tests open many connections from one address.
    "smtpd_client_connection_count_limit": "0",
    "smtputf8_enable": "yes",
    "smtputf8_autodetect_classes": "all",
}

#: The services that both instances need: (name, type, private, unprivileged, wakeup, maxproc, command).
_SERVICES: Final = """\
cleanup   unix  n  -  n  -    0  cleanup
qmgr      unix  n  -  n  300  1  qmgr
rewrite   unix  -  -  n  -    -  trivial-rewrite
bounce    unix  -  -  n  -    0  bounce
defer     unix  -  -  n  -    0  bounce
trace     unix  -  -  n  -    0  bounce
verify    unix  -  -  n  -    1  verify
proxymap  unix  -  -  n  -    -  proxymap
smtp      unix  -  -  n  -    -  smtp
relay     unix  -  -  n  -    -  smtp
error     unix  -  -  n  -    -  error
retry     unix  -  -  n  -    -  error
discard   unix  -  -  n  -    -  discard
virtual   unix  -  n  n  -    -  virtual
anvil     unix  -  -  n  -    1  anvil
postlog   unix-dgram n - n -  1  postlogd
"""


class Postfix(Server):
    """One Postfix instance in the foreground; needs root, as Postfix does.

    Args:
        directory: Holds etc/ (configuration), spool/ (queue) and data/.
        extra: Parameters of main.cf that are added or replaced.
        memory: Where the queue is instead, for an instance that nobody's mail rests in.
    """

    programs: ClassVar = ("postfix",)

    def __init__(
        self,
        directory: Path,
        *,
        name: str,
        extra: Mapping[str, str] | None = None,
        memory: MemoryDirectory | None = None,
        sink: Sink = ignore,
    ) -> None:
        super().__init__(directory, name=name, sink=sink)
        self._extra = dict(extra or {})
        self._memory = memory

    @property
    def configuration(self) -> Path:
        """The configuration directory, for `postconf -c` and `postqueue -c`."""
        return self.directory / "etc"

    @property
    def queue(self) -> Path:
        """The queue directory."""
        return self.directory / "spool" if self._memory is None else self._memory.path

    @abstractmethod
    def parameters(self) -> Mapping[str, str]:
        """Return what this instance says in main.cf."""

    @abstractmethod
    def services(self) -> str:
        """Return the lines of master.cf that this instance listens with."""

    def render(self) -> None:
        """Write main.cf and master.cf and let Postfix create its queue.

        Raises:
            ServerError: Postfix does not like them.
        """
        data = self.directory / "data"
        for path in (self.configuration, data):
            path.mkdir(exist_ok=True)
        if self._memory is None:
            self.queue.mkdir(exist_ok=True)
        else:
            self._memory.create()
        give_to(data, USER)
        main = {
            **_COMMON,
            "config_directory": str(self.configuration),
            "queue_directory": str(self.queue),
            "data_directory": str(data),
            "syslog_name": self.name,
            **self.parameters(),
            **self._extra,
        }
        (self.configuration / "main.cf").write_text(
            "".join(f"{key} = {value}\n" for key, value in main.items())
        )
        (self.configuration / "master.cf").write_text(self.services() + _SERVICES)
        checked = subprocess.run(
            [program("postfix"), "-c", str(self.configuration), "check"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=dict(self.environment()),
            check=False,
        )
        if checked.returncode:
            raise ServerError(f"postfix check fails for {self.name}:\n{checked.stdout}{checked.stderr}")

    def stop(self) -> None:
        """Stop the master; a queue in memory goes with it, unless there is mail in it."""
        super().stop()
        if self._memory is not None and not any(self.mail()):
            self._memory.remove()

    def mail(self) -> Iterator[Path]:
        """Yield the files of messages in its queue: those that wait, and those that come in just now."""
        for state in MAIL_QUEUES:
            for directory, _, names in os.walk(self.queue / state):
                yield from (Path(directory, name) for name in names)

    def command(self) -> list[str]:
        """Return the command line.

        `postfix start-fg` starts a master with a session of its own behind a shell that passes no signal on;
        the master itself with -d stays where it is put and logs to standard output.
        """
        daemons = subprocess.run(
            [program("postconf"), "-c", str(self.configuration), "-h", "daemon_directory"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        return [str(Path(daemons) / "master"), "-c", str(self.configuration), "-d"]
