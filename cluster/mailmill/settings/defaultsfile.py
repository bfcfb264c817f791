"""/etc/MailScanner/defaults: the shell file in which `run_mailscanner=1` allows MailScanner to start.

It also names MailScanner.conf (`ms_conf`), and says what MailScanner's cron jobs and init scripts do.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from mailmill.errors import ConfigError

#: Where MailScanner's packages put it.
DEFAULTS_FILE: Final = Path("/etc/MailScanner/defaults")

_ASSIGNMENT: Final = re.compile(
    r"(?:export\s+)?([A-Za-z_]\w*)=(\"[^\"]*\"|'[^']*'|[^\s;#]*)\s*(?:;\s*)?(?:#.*)?"
)
_OFF: Final = frozenset({"", "0", "no", "false", "off"})

_RUN: Final = "run_mailscanner"
_CONF: Final = "ms_conf"
_UPDATES: Final = "whoever runs the scanner updates it: freshclam, rspamd itself, sa-update's own timer"
_NO_RAMDISK: Final = "there is no work directory: mail in flight is in Redis, and on the edge's disk"
_NO_PERL: Final = "nothing of MailScanner's own programs is used"
#: What else MailScanner ships in the file: its value there, and why Mailmill does not act on it.
_NOT_READ: Final[Mapping[str, tuple[str, str]]] = {
    "q_days": ("30", "nothing removes files from the quarantine: let cron do it (docs/operations.md)"),
    "ms_cron_av": ("0", _UPDATES),
    "ms_cron_sa": ("1", _UPDATES),
    "ms_cron_ps": ("1", "there are no lists of phishing sites"),
    "ms_cron_ps_restart": ("0", "there are no lists of phishing sites"),
    "ms_cron_sn": ("0", "there is no ScamNailer"),
    "ms_cron_check": ("1", "systemd restarts the services"),
    "ms_cron_msg_alert": ("0", "what no scan survives goes to the quarantine, with a notice"),
    "ramdisk_sync": ("0", _NO_RAMDISK),
    "ramdisk_store": ("/var/spool/MailScanner/ramdisk_store", _NO_RAMDISK),
    "ms_etc": ("/etc/MailScanner", "MailScanner.conf says where everything is: see ms_conf"),
    "ms_core": ("/usr/share/MailScanner", _NO_PERL),
    "ms_lib": ("/usr/lib/MailScanner", _NO_PERL),
    "ms_vs_conf": ("/etc/MailScanner/virus.scanners.conf", _NO_PERL),
    "stopped_lockfile": ("/var/lock/subsys/MailScanner.off", "systemd knows what was stopped by hand"),
}


def read_defaults(path: Path) -> dict[str, str]:
    """Return the variables of a file of `NAME=value` lines, without their quotes; the last of a name counts.

    Nothing is executed: other lines of a shell script are passed over. A file that is not there has none.

    Raises:
        ConfigError: the file is there and cannot be read.
    """
    try:
        text = path.read_text("utf-8", "replace")
    except FileNotFoundError:
        return {}
    except OSError as exc:
        raise ConfigError([f"{path}: cannot be read: {exc.strerror or exc}"]) from exc
    found = {}
    for line in text.splitlines():
        if match := _ASSIGNMENT.fullmatch(line.strip()):
            value = match[2]
            found[match[1]] = value[1:-1] if value[:1] in {'"', "'"} else value
    return found


def service_enabled(path: Path = DEFAULTS_FILE) -> bool:
    """Say whether this host may run Mailmill: `run_mailscanner` is not 0, or there is no such file or line.

    Raises:
        ConfigError: the file is there and cannot be read.
    """
    return read_defaults(path).get(_RUN, "1").lower() not in _OFF


def named_conf_file(path: Path = DEFAULTS_FILE) -> Path | None:
    """Return the MailScanner.conf that the file names (`ms_conf`); None when it names none.

    Raises:
        ConfigError: the file is there and cannot be read.
    """
    named = read_defaults(path).get(_CONF, "")
    return Path(named) if named else None


def remarks_on_defaults(path: Path) -> list[str]:
    """Return what is to be said about the file; each begins with its path.

    Told of are services that are switched off, values that somebody chose and that nobody acts on, and names
    that are none. A value that MailScanner ships is passed over, but for `q_days`: files that stay in the
    quarantine for ever fill the disk.
    """
    try:
        found = read_defaults(path)
    except ConfigError as exc:
        return exc.problems
    remarks = []
    if not service_enabled(path):
        remarks.append(f"{path}: {_RUN} is 0: the daemons refuse to start until it is 1")
    for name, value in found.items():
        shipped, why = _NOT_READ.get(name, ("", ""))
        if why:
            if value != shipped or name == "q_days":
                remarks.append(f"{path}: {name} is not acted on: {why}")
        elif name not in {_RUN, _CONF}:
            near = difflib.get_close_matches(name, [_RUN, _CONF, *_NOT_READ], n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            remarks.append(f"{path}: {name} is nothing that MailScanner knows{hint}")
    return remarks
