"""Start the server of a container, or ask whether its process is healthy.

python3 -m mailmill_containers edge|relay|clamd|rspamd      write the configuration and become the server
python3 -m mailmill_containers health SERVICE               exit status 0: healthy

SERVICE is one of the four, or milter, queue-manager, worker, recorder or flower.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from mailmill_containers.servers import SERVERS
from mailmill_local.servers.base import Server, ServerError

#: EX_USAGE of sysexits(3).
EXIT_USAGE = 64


def main(arguments: Sequence[str]) -> int:
    """Run; returns the exit status, and not at all when a server was started."""
    match arguments:
        case [name] if name in SERVERS:
            return start(SERVERS[name](os.environ))
        case ["health", name] if name in SERVERS:
            return 0 if SERVERS[name](os.environ).healthy() else 1
        case ["health", name]:
            # Only the image of Mailmill's own processes has what these need.
            from mailmill_containers.nodes import healthy  # noqa: PLC0415 - see above

            return 0 if healthy(name) else 1
    print(__doc__, file=sys.stderr)
    return EXIT_USAGE


def start(server: Server) -> int:
    """Become the server, so that it gets the signals of the container; returns only when it cannot start."""
    server.directory.mkdir(parents=True, exist_ok=True)
    try:
        server.render()
        command = server.command()
        os.execve(command[0], command, dict(server.environment()))  # noqa: S606 - a list, no shell
    except (OSError, ServerError) as error:
        print(f"{server.name}: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
