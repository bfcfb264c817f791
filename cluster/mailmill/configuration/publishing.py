"""Publishing: checking a configuration as a node would read it, and making it that of the cluster."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

from msgspec import Struct

from mailmill.configuration.bundle import Bundle, pack
from mailmill.configuration.localcopy import Copy
from mailmill.configuration.publication import Publication
from mailmill.configuration.published import Node
from mailmill.configuration.store import PublishedConfigurations
from mailmill.errors import ConfigError
from mailmill.settings import Settings
from mailmill.settings.files import DiskFiles
from mailmill.settings.option import Effect
from mailmill.settings.options import TABLE
from mailmill.settings.sources import Place
from mailmill.settings.version import version_of

#: The group of entry points in which a role names what else it checks in settings: `check(settings)`, which
#: raises ConfigError.
_CHECKS: Final = "mailmill.checks"


class Candidate(Struct, frozen=True):
    """A configuration that can be published."""

    version: str
    files: int
    size: int
    packed: bytes
    warnings: tuple[str, ...]


def candidate(path: Path | None, environ: Mapping[str, str]) -> Candidate:
    """Read a configuration of this host for publication.

    The variables that override options here are left out: every node has its own.

    Args:
        path: MailScanner.conf; None: as in `Settings.load`.
        environ: for `$NAME` in values, and for `%variables%`.

    Raises:
        ConfigError: with every problem at once.
    """
    overrides = {option.variable for option in TABLE.values()}
    environ = {name: value for name, value in environ.items() if name not in overrides}
    files = DiskFiles(keep=True)
    settings = Settings.load(path, environ, files)
    check(settings)
    bundle = Bundle.of(files)
    packed = pack(bundle)
    version = version_of(files, {})
    Node(Settings.of(), environ).read(Copy(Publication(0, version, "", 0, 0), packed))
    warnings = (*settings.warnings, *_not_for_nodes(settings))
    return Candidate(version, len(bundle.files), bundle.size, packed, warnings)


def check(settings: Settings) -> None:
    """Let the roles that are installed here check what only they understand.

    Raises:
        ConfigError: with every problem at once.
    """
    problems: list[str] = []
    for point in entry_points(group=_CHECKS):
        try:
            point.load()(settings)
        except ImportError:
            continue  # the libraries of that role are not installed here
        except ConfigError as exc:
            problems += exc.problems
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)), settings.warnings)


def go_back(
    store: PublishedConfigurations, version: str, who: str, environ: Mapping[str, str]
) -> Publication:
    """Publish a version again that Redis still has; empty: the one before that in force.

    Raises:
        ConfigError: there is no such version, or it cannot be used any more.
        redis.RedisError, RecordError: Redis cannot be used.
    """
    last = store.last()
    current = store.current()
    for found in last:
        if (found.version == version) if version else (current and found.version != current.version):
            break
    else:
        raise ConfigError([f"Redis has no version {version}" if version else "Redis has no earlier version"])
    packed = store.packed(found.version)
    if packed is None:
        raise ConfigError([f"Redis has lost the files of {found.version}"])
    check(Node(Settings.of(), environ).read(Copy(found, packed)))
    return store.publish(found.version, who, found.files, found.size, packed)


def _not_for_nodes(settings: Settings) -> list[str]:
    return [
        f"{settings.source(option)}: {option.name} is not published: each node has its own"
        for option in TABLE.values()
        if option.effect is Effect.NODE and settings.source(option).place is Place.FILE
    ]
