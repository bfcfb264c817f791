"""/etc/MailScanner/defaults: the shell file in which `run_mailscanner=1` allows MailScanner to start."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from mailmill.errors import ConfigError

#: Where MailScanner's packages put it.
DEFAULTS_FILE: Final = Path("/etc/MailScanner/defaults")

_ASSIGNMENT: Final = re.compile(r"(?:export\s+)?([A-Za-z_]\w*)=(\"[^\"]*\"|'[^']*'|[^\s;#]*)\s*;?\s*(?:#.*)?")
_OFF: Final = frozenset({"", "0", "no", "false", "off"})


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
    return read_defaults(path).get("run_mailscanner", "1").lower() not in _OFF
