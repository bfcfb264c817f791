"""What is done with a message, as Spam Actions and its relatives write it."""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from mailmill.settings.kinds import Kind


class Actions(Struct, frozen=True):
    """A list of actions. A list that neither delivers nor deletes nor stores cannot be made."""

    deliver: bool = False
    delete: bool = False
    store: bool = False
    #: Headers to add: names and values.
    headers: tuple[tuple[str, str], ...] = ()


_TOKEN: Final = re.compile(r"\s*,?\s*(?:\"(?P<quoted>[^\"]*)\"|(?P<word>[^\s,\"]+))\s*,?\s*")
_HEADER: Final = re.compile(r"([!-9;-~]+):\s*([^\r\n]*)\Z")
_LATER: Final = frozenset({"forward", "notify", "striphtml", "attachment", "bounce", "custom"})


def parse_actions(text: str) -> Actions:
    """Return the actions in a text such as `deliver header "X-Spam-Status: Yes"`.

    Raises:
        ValueError: a word is no action, a header has no name and value, or nothing says where the mail goes.
    """
    words = _tokens(text)
    deliver = delete = store = False
    headers: list[tuple[str, str]] = []
    while words:
        quoted, word = words.pop(0)
        match "" if quoted else word.lower():
            case "deliver":
                deliver = True
            case "delete":
                delete = True
            case "store":
                store = True
            case "header":
                field = _HEADER.match(words.pop(0)[1]) if words and words[0][0] else None
                if field is None:
                    raise ValueError('has header, which must be followed by "Name: value"')
                headers.append((field[1], field[2].strip()))
            case other if other in _LATER:
                raise ValueError(f"has the action {word}, which is not supported yet")
            case _:
                raise ValueError(f"has {word!r}, which is no action (deliver, delete, store, header)")
    if not (deliver or delete or store):
        raise ValueError("must say deliver, delete or store")
    return Actions(deliver, delete, store, tuple(headers))


def _tokens(text: str) -> list[tuple[bool, str]]:
    tokens = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"cannot be read from {text[at:]!r} on (a quote that does not end?)")
        quoted = match["quoted"] is not None
        tokens.append((quoted, match["quoted"] if quoted else match["word"]))
        at = match.end()
    return tokens


ACTIONS: Final = Kind('actions: deliver, delete, store, header "Name: value"', parse_actions)
