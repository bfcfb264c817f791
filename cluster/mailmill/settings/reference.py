"""The reference page of all options, made from the table that the parser uses."""

from __future__ import annotations

from collections.abc import Iterator

from mailmill.settings.option import Option, Origin, Rules
from mailmill.settings.options import MODULES, TABLE, options_of

_INTRODUCTION = """\
# Options of MailScanner.conf

This page is made by `mailmill conf reference` from the table that the parser uses; do not edit it. It
describes {count} options. How the file and its rulesets are written stands in
[configuration](configuration.md).

Every option can be set in the environment too, under the variable that is named with it; the environment
beats the file. Options marked *Mailmill* are unknown to MailScanner.
"""


def reference_page() -> str:
    """Return the page as Markdown."""
    parts = [_INTRODUCTION.format(count=len(TABLE))]
    for module in MODULES:
        parts.append(f"\n## {_title(module.__doc__ or '')}\n")
        parts += [_section(option) for option in options_of(module)]
    return "".join(parts)


def _title(doc: str) -> str:
    """Return the first line of an options module, without what all of them begin with."""
    subject = doc.splitlines()[0].removeprefix("Options of ").removeprefix("the ").rstrip(".")
    return subject[:1].upper() + subject[1:]


def _section(option: Option[object]) -> str:
    lines = "".join(f"- {line}\n" for line in _facts(option))
    return f"\n### {option.name}\n\n{option.description}\n\n{lines}"


def _facts(option: Option[object]) -> Iterator[str]:
    yield f"Accepts: {option.kind.words}"
    if option.unit:
        yield f"Unit: {option.unit}"
    yield f"Default: `{option.default}`" if option.default else "Default: empty"
    if option.rules is not Rules.NONE:
        yield f"Ruleset: yes, {option.rules.value}"
    yield f"A change counts {option.effect.value}"
    yield f"Variable: `{option.variable}`"
    if option.origin is Origin.MAILMILL:
        yield "*Mailmill*"
