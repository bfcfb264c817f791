"""Forbidden attachments: the rules about names and about types, applied to the parts of a message."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

import magic

from mailmill.findings import Forbidden
from mailmill_workers.content.rulesfile import first_match

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailmill_workers.content.part import Part
    from mailmill_workers.content.rulesfile import Rule

#: Bytes of a part that libmagic is shown: its own tests look no further than 32 kB (ISO 9660), but for text.
_SHOWN: Final = 64 * 1024

#: Characters at each end of a name that the rules are matched against; names are rarely longer than 255. An
#: expression may need a time that grows with a power of the length, so a name has to be short.
_NAME_END: Final = 256


def forbidden(
    parts: Iterable[Part], name_rules: tuple[Rule, ...], type_rules: tuple[Rule, ...]
) -> tuple[Forbidden, ...]:
    """Return the parts that the rules deny, in their order; a part once for names and once for its type.

    Each name of a part is judged alone, so that a harmless one cannot allow the others.
    """
    return tuple(found for part in parts for found in _judge(part, name_rules, type_rules))


def _judge(part: Part, name_rules: tuple[Rule, ...], type_rules: tuple[Rule, ...]) -> Iterator[Forbidden]:
    for name in part.names:
        rule = first_match(name_rules, _shortened(name))
        if rule and rule.deny:
            yield Forbidden(part.filename, rule.log_text, rule.user_text)
            break
    if type_rules and part.content:
        try:
            rule = _rule_for_type(part.content[:_SHOWN], type_rules)
        except magic.MagicException as exc:
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
    return magic.Magic(), magic.Magic(mime=True)
