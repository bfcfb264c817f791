"""The container's clamd: with ClamAV's own signatures where they can be had, and a loud warning where not."""

from __future__ import annotations

import enum
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final

from mailmill_local.servers.base import ServerError, program
from mailmill_local.servers.clamd import Clamd

#: Where the signatures come from (freshclam.conf: DatabaseMirror), over HTTPS.
MIRROR: Final = "database.clamav.net"
MIRROR_PORT: Final = 443
#: Seconds to find out whether the mirror can be reached.
REACH_SECONDS: Final = 5.0
#: Seconds for the first download (about 300 MB); the updater goes on where it was cut off.
DOWNLOAD_SECONDS: Final = 900.0
#: Looks for new signatures each day (freshclam.conf: Checks; its default is 12).
CHECKS: Final = 12


class Database(enum.StrEnum):
    """`CLAMAV_DATABASE`: which signatures clamd has."""

    #: The official ones where their mirror can be reached, else those for tests.
    AUTO = "auto"
    #: The official ones; without them clamd does not start.
    OFFICIAL = "official"
    #: Only EICAR and ClamAV's test files.
    TEST = "test"


class ContainerClamd(Clamd):
    """clamd that gets its signatures before it starts, and its updater next to it."""

    def __init__(self, directory: Path, *, port: int, host: str, wanted: Database) -> None:
        super().__init__(directory, port=port, host=host)
        self._wanted = wanted

    @property
    def _freshclam_conf(self) -> Path:
        return self.directory / "freshclam.conf"

    def write_signatures(self) -> None:
        """Get the signatures that are wanted, and keep official ones up to date from now on.

        Raises:
            ServerError: there are none.
        """
        if self._wanted is not Database.TEST and self._official():
            for path in self.database.glob("mailmill.*"):
                path.unlink()
            # A child of what this process becomes. clamd notices a new database by itself (SelfCheck, 600 s).
            subprocess.Popen([*self._freshclam(), "--daemon", f"--checks={CHECKS}"])
            return
        if self._wanted is Database.OFFICIAL:
            raise ServerError(f"no signatures from {MIRROR}, and CLAMAV_DATABASE is official")
        super().write_signatures()
        _say("WARNING: only signatures for tests are loaded (EICAR): real viruses are NOT found")

    def _official(self) -> bool:
        """Tell whether the official signatures are there; download them where that is possible."""
        if self._complete():
            return True
        if self._wanted is Database.AUTO and not _reachable(MIRROR, MIRROR_PORT):
            _say(f"{MIRROR} cannot be reached")
            return False
        _say(f"getting signatures from {MIRROR}")
        try:
            subprocess.run(self._freshclam(), stdin=subprocess.DEVNULL, timeout=DOWNLOAD_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            _say(f"not done after {DOWNLOAD_SECONDS:g} s")
        return self._complete()

    def _complete(self) -> bool:
        return all(
            any((self.database / f"{name}.{kind}").exists() for kind in ("cvd", "cld"))
            for name in ("main", "daily")
        )

    def _freshclam(self) -> list[str]:
        self._freshclam_conf.write_text(
            f"DatabaseDirectory {self.database}\nDatabaseMirror {MIRROR}\nDatabaseOwner clamav\n"
        )
        return [program("freshclam"), f"--config-file={self._freshclam_conf}", "--foreground", "--stdout"]


def _reachable(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=REACH_SECONDS).close()
    except OSError:
        return False
    return True


def _say(text: str) -> None:
    print(f"clamd: {text}", file=sys.stderr, flush=True)
