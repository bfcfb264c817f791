"""What must be right before anything is started, each fault as one sentence that says what to do."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from mailmill_local.ports import Ports, users_of, variable
from mailmill_local.servers.base import SEARCH_PATH

#: Bytes of a unix socket's path without the terminating zero (Linux: sun_path has 108).
SOCKET_PATH_BYTES: Final = 107
#: The longest path below the directory that is a unix socket (rspamd's).
_LONGEST_SOCKET: Final = "rspamd/state/control.sock"


def faults(directory: Path, source: Path, ports: Ports, programs: Iterable[str]) -> list[str]:
    """Return what prevents a start.

    Args:
        directory: Where everything is kept.
        source: The checkout, which processes without root must be able to read.
        ports: The ports that must be free.
        programs: The programs that must be installed.
    """
    return [
        *_missing_programs(programs),
        *_closed_parents((directory, source)),
        *_long_sockets(directory),
        *_taken_ports(ports),
    ]


def _missing_programs(programs: Iterable[str]) -> list[str]:
    absent = sorted({name for name in programs if shutil.which(name, path=SEARCH_PATH) is None})
    if not absent:
        return []
    return [f"not installed: {', '.join(absent)}. Run deploy/install-debian.sh, or install them yourself."]


def _closed_parents(paths: Iterable[Path]) -> list[str]:
    """Servers give up root, and must still be able to pass through every directory above their files."""
    closed = sorted(
        {
            parent
            for path in paths
            for parent in (path, *path.parents)
            if parent.exists() and not parent.stat().st_mode & stat.S_IXOTH
        }
    )
    return [
        f"{path} cannot be passed by other users (mode {stat.S_IMODE(path.stat().st_mode):04o}), and the "
        f"servers do not run as root: move the checkout, or `chmod o+x {path}`."
        for path in closed
    ]


def _long_sockets(directory: Path) -> list[str]:
    longest = directory / _LONGEST_SOCKET
    if len(os.fsencode(longest)) <= SOCKET_PATH_BYTES:
        return []
    fault = (
        f"{directory} is too long: a unix socket below it would have more than {SOCKET_PATH_BYTES} bytes. "
        "Choose another place: `make up UP_DIR=/var/tmp/mailmill`."
    )
    return [fault]


def _taken_ports(ports: Ports) -> list[str]:
    found = []
    for name, port in ports.items():
        users = users_of(port)
        if users is not None:
            who = ", ".join(users) or "a process that this user may not see"
            found.append(
                f"port {port} (for {name}) is used by {who}. Choose another: `make up {variable(name)}=PORT`."
            )
    return found
