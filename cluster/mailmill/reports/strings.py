"""The words of a language: the site's languages.conf, with `Name = text` in each line, or else English."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

#: What Mailmill writes without a file, by MailScanner's names in lower case. It reads no others.
ENGLISH: Final[Mapping[str, str]] = MappingProxyType(
    {
        "blacklisted": "blacklisted",
        "fullheadersare": "The headers of the message",
        "mailscanner": "Mailmill",
        "notnamed": "unnamed part",
        "notspam": "not spam",
        "required": "required",
        "score": "score",
        "spam": "spam",
        "theentiremessage": "the whole message",
        "whitelisted": "whitelisted",
    }
)
_LINE: Final = re.compile(r"\s*([\w-]+)\s*=\s*(.*?)\s*", re.ASCII)


def parse(text: str) -> Mapping[str, str]:
    """Return the words of a languages.conf; for what is not in it the English ones."""
    words = dict(ENGLISH)
    for line in text.split("\n"):
        match = _LINE.fullmatch(line)
        if match and match[2] and match[1].lower() in words:
            words[match[1].lower()] = " ".join(match[2].replace("\\n", " ").split())
    return MappingProxyType(words)
