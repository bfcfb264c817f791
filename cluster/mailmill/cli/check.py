"""`mailmill check`: everything that is wrong with a configuration, at once."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from mailmill.cli.context import Cli
from mailmill.configuration.publishing import check as check_by_roles
from mailmill.errors import ConfigError
from mailmill.process import Identity
from mailmill.settings import Settings
from mailmill.settings.defaultsfile import remarks_on_defaults

EXIT_WARNINGS: Final = 1
EXIT_ERRORS: Final = 2


@click.command(short_help="Check MailScanner.conf and all that it names.")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.pass_context
def check(ctx: click.Context, file: Path | None) -> None:
    """Check MailScanner.conf, its rulesets, the rules about attachments and the environment.

    Prints every error and every warning with its file and line. FILE is the configuration to check instead
    of the one in use.

    Exit status: 0 nothing to say, 1 warnings only, 2 errors.
    """
    cli = ctx.ensure_object(Cli)
    try:
        settings = Settings.load(file or cli.conf)
        check_by_roles(settings)
    except ConfigError as exc:
        problems, warnings = exc.problems, list(exc.warnings)
    else:
        problems, warnings = [], [*settings.warnings, *settings.without_rules, *_unknown_here(settings)]
    if file is None:
        warnings += remarks_on_defaults(cli.defaults)
    for problem in problems:
        click.echo(f"error: {problem}")
    for warning in warnings:
        click.echo(f"warning: {warning}")
    if problems:
        ctx.exit(EXIT_ERRORS)
    if warnings:
        ctx.exit(EXIT_WARNINGS)
    click.echo("The configuration is in order.")


def _unknown_here(settings: Settings) -> list[str]:
    """Return a warning for each user and group that this host does not have: those that use it may."""
    try:
        Identity.wanted(settings)
    except ConfigError as exc:
        return [f"{problem} on this host" for problem in exc.problems]
    return []
