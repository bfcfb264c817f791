"""The milter's listening socket: `Milter Bind`, `Milter Port` and the mode of a unix socket."""

from __future__ import annotations

import contextlib
import errno
import grp
import os
import socket
import stat
from pathlib import Path
from typing import Final

from mailmill.errors import ConfigError, NotNowError
from mailmill.process import Identity
from mailmill.settings import Settings
from mailmill.settings.options.milter import (
    MILTER_BIND,
    MILTER_PORT,
    MILTER_SOCKET_GROUP,
    MILTER_SOCKET_MODE,
)
from mailmill_milter.front import Front

#: Errors that pass: the milter before is still stopping, or the network is not up yet.
_PASSING: Final = frozenset({errno.EADDRINUSE, errno.EADDRNOTAVAIL})


class Listener:
    """Opens the socket that all children accept from."""

    def __init__(self, settings: Settings) -> None:
        self._bind = settings[MILTER_BIND]
        self._port = settings[MILTER_PORT]
        self._mode = settings[MILTER_SOCKET_MODE]
        self._group = settings[MILTER_SOCKET_GROUP]
        self._names = settings.place(MILTER_BIND)
        if not self._bind.startswith("/"):
            self._names += f", {settings.place(MILTER_PORT)}"
        self._group_name = settings.place(MILTER_SOCKET_GROUP)
        self._identity = Identity.wanted(settings)
        self._inode: tuple[int, int] | None = None

    @property
    def address(self) -> str:
        """Where the milter listens, as Postfix's `smtpd_milters` wants it."""
        if self._bind.startswith("/"):
            return f"unix:{self._bind}"
        host = f"[{self._bind}]" if ":" in self._bind else self._bind
        return f"inet:{host}:{self._port}"

    @property
    def port(self) -> int:
        """The TCP port; 0 for a unix socket."""
        return 0 if self._bind.startswith("/") else self._port

    def open(self, front: Front) -> None:
        """Let `front` begin to listen.

        Raises:
            NotNowError: the address is in use, or no interface has it.
            ConfigError: it is wrong or not permitted.
        """
        try:
            if self._bind.startswith("/"):
                self._open_unix(Path(self._bind), front)
            else:
                front.listen((self._bind, self._port))
        except OSError as exc:
            kind = NotNowError if exc.errno in _PASSING else ConfigError
            reason = exc.strerror or exc
            raise kind([f"{self._names}: cannot listen on {self.address}: {reason}"]) from exc

    def close(self) -> None:
        """Remove the unix socket, unless another process has put its own there."""
        if self._inode is None:
            return
        path = Path(self._bind)
        with contextlib.suppress(OSError):  # without root its directory may not be ours to change
            found = path.lstat()
            if (found.st_dev, found.st_ino) == self._inode:
                path.unlink()

    def _open_unix(self, path: Path, front: Front) -> None:
        """Bind beside the final path and rename: Postfix never meets a socket that it may not use yet.

        The rename also replaces the socket of a milter that was killed, and keeps libmilter, which knows only
        the first name, from removing the socket when one child ends.
        """
        if _answers(path):
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        temporary = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            front.listen(str(temporary))
            gid = self._group_id() if self._group else self._identity.gid
            os.chown(temporary, self._identity.uid, gid)
            temporary.chmod(self._mode)
            found = temporary.lstat()
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        self._inode = (found.st_dev, found.st_ino)

    def _group_id(self) -> int:
        try:
            return grp.getgrnam(self._group).gr_gid
        except KeyError:
            raise ConfigError([f"{self._group_name}: there is no group {self._group}"]) from None


def _answers(path: Path) -> bool:
    """Say whether somebody serves the socket; a file that is no socket is an error.

    Raises:
        OSError: there is something at the path that is no socket.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return False
    if not stat.S_ISSOCK(mode):
        raise OSError(errno.EEXIST, "there is a file that is not a socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return False
        except OSError:
            return True
    return True
