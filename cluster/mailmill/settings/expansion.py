r"""What may stand in any value: `%variables%`, `$ENVIRONMENT` and `\n`, as in MailScanner.conf."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

#: The variables that MailScanner.conf ships, with what they are when nobody sets them.
VARIABLES: Final[Mapping[str, str]] = {
    "org-name": "yoursite",
    "org-long-name": "Your Organisation Name Here",
    "web-site": "www.your-organisation.com",
    "etc-dir": "/etc/MailScanner",
    "report-dir": "/usr/share/MailScanner/reports/en",
    "rules-dir": "/etc/MailScanner/rules",
    "mcp-dir": "/etc/MailScanner/mcp",
}

_VARIABLE: Final = re.compile(r"%([^%\s]+)%")
_ENVIRONMENT: Final = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))", re.ASCII)
#: `%3Aword%` in a URL is percent-encoding, unless there is such a variable.
_ENCODED: Final = re.compile(r"%[0-9A-Fa-f]{2}")


def variables_in(text: str) -> frozenset[str]:
    """Return the names of the `%variables%` in a value, in lower case."""
    return frozenset(name.lower() for name in _VARIABLE.findall(text))


def expand_variables(text: str, variables: Mapping[str, str]) -> str:
    """Return a value with its `%variables%` replaced.

    Raises:
        ValueError: a variable is not defined.
    """
    done: list[str] = []
    place = 0
    while match := _VARIABLE.search(text, place):
        known = variables.get(match[1].lower())
        if known is not None:
            done += text[place : match.start()], known
            place = match.end()
        elif _ENCODED.match(match[0]):
            done.append(text[place : match.start() + 1])
            place = match.start() + 1
        else:
            raise ValueError(f"{match[0]} is not defined")
    return "".join([*done, text[place:]])


def expand(text: str, variables: Mapping[str, str], environ: Mapping[str, str]) -> str:
    r"""Return a value with `%variables%`, `$NAME` and `${NAME}` replaced, and `\n` turned into a line end.

    Raises:
        ValueError: a variable is not defined.
    """

    def environment(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name not in environ:
            raise ValueError(f"the environment variable {name} is not set")
        return environ[name]

    return _ENVIRONMENT.sub(environment, expand_variables(text, variables)).replace("\\n", "\n")
