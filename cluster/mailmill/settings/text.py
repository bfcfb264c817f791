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
    "report-dir": "/etc/MailScanner/reports/en",
    "rules-dir": "/etc/MailScanner/rules",
    "mcp-dir": "/etc/MailScanner/mcp",
}

_VARIABLE: Final = re.compile(r"%([^%\s]+)%")
_ENVIRONMENT: Final = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))", re.ASCII)


def variables_in(text: str) -> frozenset[str]:
    """Return the names of the `%variables%` in a value, in lower case."""
    return frozenset(name.lower() for name in _VARIABLE.findall(text))


def expand(text: str, variables: Mapping[str, str], environ: Mapping[str, str]) -> str:
    r"""Return a value with its `%variables%`, `$NAME` and `${NAME}` replaced, and `\n` turned into a line end.

    Raises:
        ValueError: a variable is not defined.
    """

    def variable(match: re.Match[str]) -> str:
        try:
            return variables[match[1].lower()]
        except KeyError:
            raise ValueError(f"{match[0]} is not defined") from None

    def environment(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        try:
            return environ[name]
        except KeyError:
            raise ValueError(f"the environment variable {name} is not set") from None

    return _ENVIRONMENT.sub(environment, _VARIABLE.sub(variable, text)).replace("\\n", "\n")
