"""What a daemon does as root before it serves: queue directories, the pid file, and giving root up."""

from __future__ import annotations

import grp
import logging
import os
import pwd
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailmill.errors import ConfigError
from mailmill.intake import directories as intake
from mailmill.settings import Settings
from mailmill.settings.option import Option
from mailmill.settings.options.system import (
    INCOMING_QUEUE_DIR,
    OUTGOING_QUEUE_DIR,
    QUEUE_DIR_MODE,
    RUN_AS_GROUP,
    RUN_AS_USER,
)
from mailmill.spool import State

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Identity:
    """Who a process runs as."""

    user: str
    uid: int
    gid: int

    @classmethod
    def wanted(cls, settings: Settings) -> Identity:
        """Return what `Run As User` and `Run As Group` ask for; the present identity where they are empty.

        Raises:
            ConfigError: there is no such user or group.
        """
        problems: list[str] = []
        name, group = settings[RUN_AS_USER], settings[RUN_AS_GROUP]
        user, uid, gid = "", os.geteuid(), os.getegid()
        if name:
            try:
                entry = pwd.getpwnam(name)
                user, uid, gid = entry.pw_name, entry.pw_uid, entry.pw_gid
            except KeyError:
                problems.append(f"{settings.place(RUN_AS_USER)}: there is no user {name}")
        if group:
            try:
                gid = grp.getgrnam(group).gr_gid
            except KeyError:
                problems.append(f"{settings.place(RUN_AS_GROUP)}: there is no group {group}")
        if problems:
            raise ConfigError(problems)
        return cls(user, uid, gid)

    @property
    def words(self) -> str:
        """The user for people."""
        return self.user or f"uid {self.uid}"


def drop_privileges(settings: Settings) -> None:
    """Become `Run As User` and `Run As Group`: supplementary groups first, then the group, then the user.

    In this order, because without root the others are refused. Does nothing when both are met already.

    Raises:
        ConfigError: there is no such user or group, or this process may not become it.
    """
    identity = Identity.wanted(settings)
    if (os.geteuid(), os.getegid()) == (identity.uid, identity.gid):
        return
    try:
        if identity.user:
            os.initgroups(identity.user, identity.gid)
        else:
            os.setgroups([identity.gid])
        os.setresgid(identity.gid, identity.gid, identity.gid)
        os.setresuid(identity.uid, identity.uid, identity.uid)
    except PermissionError as exc:
        place = settings.place(RUN_AS_USER)
        raise ConfigError(
            [f"{place}: only root can become {identity.words} with group {identity.gid}"]
        ) from exc


def prepare_queue_directories(settings: Settings) -> None:
    """Create the queue directories where they are missing, and check that they can be used.

    Each queue needs its directories (see `State`) owned by the user that the process will run as, and on one
    file system, because a message changes its state by a rename.

    Raises:
        ConfigError: with a line for each fault that names the option and the path.
    """
    identity = Identity.wanted(settings)
    problems: list[str] = []
    for option in (INCOMING_QUEUE_DIR, OUTGOING_QUEUE_DIR):
        try:
            below = (*State, *intake.ALL) if option is INCOMING_QUEUE_DIR else tuple(State)
            _prepare_queue(settings[option], below, settings[QUEUE_DIR_MODE], identity)
        except OSError as exc:
            problems.append(
                f"{settings.place(option)}: {exc.filename or settings[option]}: {exc.strerror or exc}"
            )
        except ConfigError as exc:
            problems += [f"{settings.place(option)}: {problem}" for problem in exc.problems]
    if problems:
        raise ConfigError(problems)


def prepare_directory(path: Path, mode: int, settings: Settings, option: Option[Any]) -> None:
    """Create the directory of an option for the user that the process will run as; one that is there stays.

    Raises:
        ConfigError: there is no such user, or the directory cannot be created.
    """
    if path.exists():
        return
    try:
        _prepare_directory(path, mode, Identity.wanted(settings))
    except OSError as exc:
        raise ConfigError(
            [f"{settings.place(option)}: {exc.filename or path}: {exc.strerror or exc}"]
        ) from exc


def write_pid_file(path: Path) -> None:
    """Write this process's id, replacing an older file as a whole.

    Raises:
        OSError: the directory cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(f"{os.getpid()}\n", encoding="ascii")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _prepare_queue(root: Path, below: Sequence[str], mode: int, identity: Identity) -> None:
    device = _prepare_directory(root, mode, identity).st_dev
    for name in below:
        path = root / name
        if _prepare_directory(path, mode, identity).st_dev != device:
            raise ConfigError([f"{path} is on another file system than {root}: messages move by rename"])


def _prepare_directory(path: Path, mode: int, identity: Identity) -> os.stat_result:
    try:
        path.mkdir(mode=0o700, parents=True)
        created = True
    except FileExistsError:
        created = False
    # Through a descriptor that follows no link: the parent may belong to a user less trusted than root.
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | (os.O_NOFOLLOW if created else 0)
    fd = os.open(path, flags)
    try:
        if created:
            os.fchmod(fd, mode)
            if os.geteuid() == 0:
                os.fchown(fd, identity.uid, identity.gid)
            log.info("created %s for %s", path, identity.words)
        found = os.fstat(fd)
    finally:
        os.close(fd)
    if found.st_uid != identity.uid:
        raise ConfigError(
            [f"{path} belongs to uid {found.st_uid}, not to {identity.words}: change its owner"]
        )
    if found.st_mode & stat.S_IRWXU != stat.S_IRWXU:
        raise ConfigError([f"{path} has mode {stat.S_IMODE(found.st_mode):04o}: its owner needs rwx"])
    return found
