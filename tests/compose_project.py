"""docker-compose.yml as a project of its own: on free ports, with its own password, removed afterwards."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from mailmill_local.mailbox import Mailbox
from mailmill_local.probes import free_port, wait_until

ROOT: Final = Path(__file__).parents[1]
#: One service for each image: the others find it built.
IMAGES: Final = ("milter", "edge", "clamd", "rspamd")
#: Seconds to build the images when nothing is cached, and for any other command.
BUILD_SECONDS: Final = 1800
COMMAND_SECONDS: Final = 300
#: Seconds until all services must be healthy.
HEALTHY_SECONDS: Final = 180.0
LOG_LINES: Final = 60
#: Compose (both) marks its containers with labels of this prefix.
_LABEL: Final = "com.docker.compose"

#: In the recorder's container: print the rows of a query.
_QUERY: Final = """
import json, sqlite3, sys
print(json.dumps(sqlite3.connect("/var/lib/mailmill/log/messages.db").execute(sys.argv[1]).fetchall()))
"""


def why_not() -> str:
    """Return why containers cannot be run here; empty when they can."""
    if not _works(["docker", "info"]):
        return "no docker engine answers"
    return "" if _command() else "neither `docker compose` nor docker-compose is installed"


class ComposeProject:
    """The services of docker-compose.yml, with two workers.

    Args:
        directory: Where copies of what is in containers are put.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.name = f"mailmill-test-{os.getpid()}"
        self.smtp_port = free_port()
        self.flower_port = free_port()
        self.redis_password = secrets.token_hex(8)

    def start(self) -> None:
        """Build the images and start everything, without waiting for it.

        Raises:
            subprocess.CalledProcessError: with what it printed in its notes.
        """
        self.compose("build", *IMAGES, seconds=BUILD_SECONDS)
        self.up()

    def up(self) -> None:
        """Start what does not run."""
        self.compose("up", "-d", "--scale", "worker=2")

    def remove(self) -> None:
        """Stop everything and remove containers, networks and volumes."""
        self.compose("down", "--volumes", "--timeout", "10")

    def wait_healthy(self) -> None:
        """Wait until every container is healthy."""
        healthy = wait_until(
            lambda: all("(healthy)" in status for _, status in self.states()), HEALTHY_SECONDS
        )
        assert healthy, f"not healthy: {self.states()}"

    def states(self) -> list[tuple[str, str]]:
        """Return (service, status) of each container, as `docker ps` says it."""
        return [(service, status) for service, _, status in self._containers()]

    def compose(self, *arguments: str, seconds: float = COMMAND_SECONDS) -> str:
        """Run a command of Compose and return what it prints."""
        environment = {
            "MAILMILL_SMTP_PORT": str(self.smtp_port),
            "MAILMILL_FLOWER_PORT": str(self.flower_port),
            "MAILMILL_REDIS_PASSWORD": self.redis_password,
            "MAILMILL_TAG": "test",
            "CLAMAV_DATABASE": "test",
        }
        command = [*_command(), "--project-name", self.name, *arguments]
        return _run(command, {**os.environ, **environment}, seconds)

    def run_in(self, service: str, *command: str) -> str:
        """Run a command in the first container of a service and return what it prints."""
        return _run(["docker", "exec", self._container(service), *command])

    def message_log(self, query: str) -> list[list[Any]]:
        """Return the rows of a query to the message log."""
        rows: list[list[Any]] = json.loads(self.run_in("recorder", "python", "-c", _QUERY, query))
        return rows

    def mailbox(self) -> Mailbox:
        """Return a copy of the relay's Maildir."""
        return Mailbox(self._copy("relay", "/srv/relay/mail/all"))

    def quarantine(self) -> Path:
        """Return a copy of the quarantine."""
        return self._copy("worker", "/var/spool/MailScanner/quarantine")

    def logs(self) -> str:
        """Return the states and the last lines of all services."""
        states = "\n".join(f"{service}: {status}" for service, status in self.states())
        return states + "\n" + self.compose("logs", "--no-color", f"--tail={LOG_LINES}")

    def _copy(self, service: str, path: str) -> Path:
        target = self._directory / secrets.token_hex(4)
        _run(["docker", "cp", f"{self._container(service)}:{path}", str(target)])
        return target

    def _container(self, service: str) -> str:
        return next(identity for name, identity, _ in self._containers() if name == service)

    def _containers(self) -> list[tuple[str, str, str]]:
        """Return (service, id, status) of each container."""
        wanted = f"--filter=label={_LABEL}.project={self.name}"
        form = f'--format={{{{.Label "{_LABEL}.service"}}}} {{{{.ID}}}} {{{{.Status}}}}'
        lines = _run(["docker", "ps", "--all", wanted, form]).splitlines()
        return [(line[0], line[1], line[2]) for line in (text.split(" ", 2) for text in lines)]


def _command() -> list[str]:
    """Return the words that Compose is called with: the plugin, or else the older program."""
    candidates = (["docker", "compose"], ["docker-compose"])
    return next((candidate for candidate in candidates if _works([*candidate, "version"])), [])


def _works(command: Sequence[str]) -> bool:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _run(
    command: Sequence[str], environment: Mapping[str, str] | None = None, seconds: float = COMMAND_SECONDS
) -> str:
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=environment,
            timeout=seconds,
            check=True,
        ).stdout
    except subprocess.CalledProcessError as error:
        error.add_note(f"{error.stdout[-4000:]}\n{error.stderr[-4000:]}")
        raise
