"""Forbidden attachments: the rules about names and about types, applied to the parts of a message."""

from __future__ import annotations

import errno
import functools
import os
from typing import TYPE_CHECKING, Final

import magic

from mailmill.findings import Forbidden
from mailmill.settings.attachmentrules import first_match

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mailmill.settings.attachmentrules import Rule
    from mailmill_workers.content.part import Part

#: Bytes of a part that libmagic is shown: few of its tests look further than 32 kB (ISO 9660).
_SHOWN: Final = 64 * 1024

#: Bytes of all parts of a message that libmagic is shown; with many parts each has a smaller share. Blanks
#: cost it 1.5 to 3 us a byte (measured), so a message takes some seconds in the worst case.
_SHOWN_IN_ALL: Final = 1_000_000

#: The smallest share, in bytes.
_SHOWN_AT_LEAST: Final = 2048

#: Bytes that one regular expression of libmagic looks at (its own default: 8192). Line ends cost three times
#: as much with the default; no description of 500 files differed (measured).
_REGEX_BYTES: Final = 1024

#: Characters at each end of a name that the rules are matched against; names are rarely longer than 255. An
#: expression may need a time that grows with a power of the length, so a name has to be short.
_NAME_END: Final = 256


def forbidden(
    parts: Sequence[Part], name_rules: tuple[Rule, ...], type_rules: tuple[Rule, ...]
) -> tuple[Forbidden, ...]:
    """Return the parts that the rules deny, in their order; a part once for names and once for its type.

    Each name of a part is judged alone, so that a harmless one cannot allow the others.
    """
    share = _SHOWN_IN_ALL // max(1, sum(1 for part in parts if part.content))
    shown = min(_SHOWN, max(_SHOWN_AT_LEAST, share))
    return tuple(found for part in parts for found in _judge(part, shown, name_rules, type_rules))


def _judge(
    part: Part, shown: int, name_rules: tuple[Rule, ...], type_rules: tuple[Rule, ...]
) -> Iterator[Forbidden]:
    for name in part.names:
        rule = first_match(name_rules, _shortened(name))
        if rule and rule.deny:
            yield Forbidden(part.filename, rule.log_text, rule.user_text)
            break
    if type_rules and part.content:
        try:
            rule = _rule_for_type(part.content[:shown], type_rules)
        except magic.MagicException as exc:
            if os.strerror(errno.ENOMEM) in str(exc):
                raise MemoryError(f"libmagic: {exc}") from exc  # says nothing about the attachment
            yield Forbidden(part.filename, f"libmagic cannot tell its type: {exc}", "")
            return
        if rule and rule.deny:
            yield Forbidden(part.filename, rule.log_text, rule.user_text)


def _rule_for_type(content: bytes, rules: tuple[Rule, ...]) -> Rule | None:
    """Ask libmagic for the MIME type only when a rule needs it: each question costs it all of its tests."""
    needed = any(rule.mime_pattern for rule in rules)
    describe, classify = _detectors()
    return first_match(rules, describe.from_buffer(content), classify.from_buffer(content) if needed else "")


def _shortened(name: str) -> str:
    return name if len(name) <= 2 * _NAME_END else name[:_NAME_END] + name[-_NAME_END:]


@functools.cache
def _detectors() -> tuple[magic.Magic, magic.Magic]:
    """Return libmagic for descriptions and for MIME types, as file(1) prints them without and with -i.

    Each maps its database (8 MB) and keeps it for the life of the process.
    """
    detectors = magic.Magic(), magic.Magic(mime=True)
    for detector in detectors:
        detector.setparam(magic.MAGIC_PARAM_REGEX_MAX, _REGEX_BYTES)
    return detectors
