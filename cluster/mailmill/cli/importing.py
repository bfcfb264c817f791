"""`mailmill import`: what becomes of an /etc/MailScanner."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import click

from mailmill.cli.check import EXIT_ERRORS, EXIT_WARNINGS
from mailmill.cli.output import echo_table, printable
from mailmill.settings.mailscanner import Fate, Finding
from mailmill.settings.survey import Survey, survey

#: Columns of a terminal.
_WIDTH: Final = 100
#: Options whose values a report, which may be shown around, does not have.
_SECRET: Final = frozenset({"dbpassword", "watermarksecret"})


@click.command("import", short_help="Report what becomes of an /etc/MailScanner.")
@click.argument("place", type=click.Path(path_type=Path, exists=True), default=Path("/etc/MailScanner"))
@click.option(
    "--all", "everything", is_flag=True, help="Also list options that are as MailScanner ships them."
)
@click.pass_context
def importing(ctx: click.Context, place: Path, *, everything: bool) -> None:
    """Report what becomes of a configuration of MailScanner's; nothing is changed.

    PLACE is its directory (/etc/MailScanner), a copy of it, or a file. Mailmill reads it as it is: this tells
    which options work, which differ, which have no effect, and what to do.

    Exit status: 0 whatever was set works as it is, 1 something differs or has no effect, 2 errors.
    """
    found = survey(place, os.environ)
    _summary(found)
    _lines("Errors", found.problems)
    _lines("Warnings", found.warnings)
    for fate in (Fate.DIFFERS, Fate.NOT_YET, Fate.NOT_APPLICABLE):
        _section(fate.value.capitalize(), found.findings, fate, everything=everything)
    _lines(
        "Rulesets (without the default)",
        (f"{f.path}: {f.rules} rule{'s' * (f.rules != 1)} ({', '.join(f.options)})" for f in found.rulesets),
    )
    if not everything:
        for fate in (Fate.DIFFERS, Fate.NOT_YET):
            _untouched(found.findings, fate)
    if found.problems:
        ctx.exit(EXIT_ERRORS)
    if found.warnings or any(_chosen(one) for one in found.findings):
        ctx.exit(EXIT_WARNINGS)


def _chosen(one: Finding) -> bool:
    return one.fate is not Fate.WORKS and not one.shipped


def _summary(found: Survey) -> None:
    click.echo(
        f"{found.path}: {len(found.findings)} options of MailScanner's, {len(found.problems)} errors, "
        f"{len(found.warnings)} warnings\n"
    )
    rows = [("", "options", "not as shipped")]
    for fate in Fate:
        of_fate = [one for one in found.findings if one.fate is fate]
        rows.append((fate.value, str(len(of_fate)), str(sum(not one.shipped for one in of_fate))))
    echo_table(rows, right=frozenset({1, 2}))


def _section(title: str, found: Iterable[Finding], fate: Fate, *, everything: bool) -> None:
    lines = []
    for one in found:
        if one.fate is fate and (everything or not one.shipped):
            value = "(not shown)" if one.known.key in _SECRET else one.assignment.value
            lines.append(f"{one.assignment.where}: {one.known.name} = {value}")
            lines += [f"    {one.note}"] if one.note else []
    _lines(title, lines)


def _lines(title: str, lines: Iterable[str]) -> None:
    lines = list(lines)
    if lines:
        click.echo(f"\n{title}:")
    for line in lines:
        click.echo(f"  {printable(line)}")


def _untouched(found: Iterable[Finding], fate: Fate) -> None:
    """Name the options that MailScanner acts on in another way than Mailmill, though nobody chose so."""
    names = [one.known.name for one in found if one.fate is fate and one.shipped]
    if names:
        click.echo(f"\n{fate.value.capitalize()}, and set as MailScanner ships them (--all tells more):")
        click.echo(textwrap.fill(", ".join(names), _WIDTH, initial_indent="  ", subsequent_indent="  "))
