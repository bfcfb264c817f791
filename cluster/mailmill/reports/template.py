r"""The syntax of report files: `$name` and `${name}` for what is known of a message, `%name%` for the site.

`\$`, `\@` and `\\` stand for the character behind the backslash, `\n` for a line end. A name that is not
known stays as it is written. MailScanner evaluates these files as Perl; here nothing is evaluated, and what
is put in is not looked into again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = re.compile(
    r"\\(?P<escaped>[$@\\n])|\$(?:\{(?P<braced>[A-Za-z_]\w*)\}|(?P<bare>[A-Za-z_]\w*))|%(?P<site>[^%\s]+)%",
    re.ASCII,
)
#: `%word%` in a text is meant for a variable; `10%,20%` is not.
_SITE_NAME: Final = re.compile(r"[A-Za-z][\w-]*", re.ASCII)
_EMPTY_LINE: Final = re.compile(r"\n[ \t]*\n")
#: The name of a header, which may have `%org-name%` in it (RFC 5322, 3.6.8).
_HEADER: Final = re.compile(r"([!-9;-~]+):[ \t]*(.*)")


@dataclass(frozen=True)
class Values:
    """What is put into a template."""

    #: By name: `$name`.
    message: Mapping[str, str]
    #: By name in lower case: `%name%`.
    site: Mapping[str, str]


def render(text: str, values: Values) -> str:
    """Return a template with its variables replaced; those that are not known stay."""

    def replacement(match: re.Match[str]) -> str:
        if escaped := match["escaped"]:
            return "\n" if escaped == "n" else escaped
        if site := match["site"]:
            return values.site.get(site.lower(), match[0])
        return values.message.get(match["braced"] or match["bare"], match[0])

    return _TOKEN.sub(replacement, text)


def unknown_variables(text: str, values: Values) -> Iterator[tuple[int, str]]:
    """Yield the line (from 1) and the spelling of each variable that is not known."""
    for match in _TOKEN.finditer(text):
        if match["escaped"]:
            continue
        if site := match["site"]:
            known = site.lower() in values.site or not _SITE_NAME.fullmatch(site)
        else:
            known = (match["braced"] or match["bare"]) in values.message
        if not known:
            yield text.count("\n", 0, match.start()) + 1, match[0]


def split_headers(text: str) -> tuple[list[tuple[str, str]], str]:
    """Return the headers that a template begins with, unfolded, and its body.

    There are headers only when nothing else stands above the first line that is empty or blank.
    """
    end = _EMPTY_LINE.search(text)
    above, body = (text[: end.start()], text[end.end() :]) if end else (text, "")
    headers: list[tuple[str, str]] = []
    for line in above.split("\n"):
        match = _HEADER.fullmatch(line)
        if match:
            headers.append((match[1], match[2].strip()))
        elif headers and line[:1] in {" ", "\t"}:
            name, value = headers[-1]
            headers[-1] = (name, f"{value} {line.strip()}")
        else:
            return [], text
    return headers, body
