"""The page of all options of MailScanner, made from the table that the parser uses."""

from __future__ import annotations

from collections import Counter
from typing import Final

from mailmill.settings.known import KNOWN, MODULES, Known, Status, known_of
from mailmill.settings.option import Rules
from mailmill.settings.options import TABLE

_INTRODUCTION: Final = """\
# The options of MailScanner

This page is made by `mailmill conf reference --mailscanner` from the table that the parser uses; do not edit
it. It has every option of MailScanner 5.5.3, also those that only its code knows, and those of the last ten
years' versions. None of them is an error in MailScanner.conf.

{counts}

- *Shipped* is what the MailScanner.conf of MailScanner says.
- *Ruleset*: whether MailScanner takes one. "Not yet": Mailmill takes the ruleset's default for all mail.
- A value without effect is a warning of `mailmill check`, with file and line, unless it is the shipped one or
  says what Mailmill does anyway. `mailmill import` sorts a whole configuration.
- What supported options accept stands in [options](options.md).
"""
_MEANING: Final = {
    Status.SUPPORTED: "works as in MailScanner",
    Status.DIFFERENT: "works in another way, or is always so; the note says how",
    Status.NOT_YET: "known, but without effect until it is there",
    Status.NOT_APPLICABLE: "has no meaning here; the note says why",
}


def mailscanner_page() -> str:
    """Return the page as Markdown."""
    count = Counter(known.status for known in KNOWN.values())
    counts = "".join(f"| {status.value} | {count[status]} | {_MEANING[status]} |\n" for status in Status)
    table = f"| Status | Options | |\n|---|---|---|\n{counts}| all | {len(KNOWN)} | |"
    parts = [_INTRODUCTION.format(counts=table)]
    for module in MODULES:
        title = (module.__doc__ or "").splitlines()[0].partition(" about ")[2].rstrip(".")
        parts.append(f"\n## {title[:1].upper()}{title[1:]}\n\n")
        parts.append("| Option | Status | Shipped | Ruleset | Note |\n|---|---|---|---|---|\n")
        parts += [_row(known) for known in known_of(module)]
    return "".join(parts)


def _row(known: Known) -> str:
    shipped = f"`{_cell(known.default)}`" if known.default else ""
    name = _cell(known.name).replace("<", "\\<")
    return f"| {name} | {known.status.value} | {shipped} | {_ruleset(known)} | {_cell(known.note)} |\n"


def _ruleset(known: Known) -> str:
    if known.rules is Rules.NONE:
        return ""
    option = TABLE.get(known.key)
    if option is None or option.rules is known.rules:
        return str(known.rules.value)
    here: Rules = option.rules
    return f"{known.rules.value}; here {here.value}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
