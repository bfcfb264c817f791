"""The command line: `mailmill COMMAND`."""

from __future__ import annotations

from pathlib import Path

import click

from mailmill import __version__
from mailmill.cli.context import Cli
from mailmill.cli.group import CommandGroup

__all__ = ["main"]


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--conf",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The MailScanner.conf to use. Otherwise the one that MAILMILL_CONF names, or "
    "/etc/MailScanner/MailScanner.conf when there is one.",
)
@click.version_option(__version__, "--version", prog_name="mailmill")
@click.pass_context
def main(ctx: click.Context, conf: Path | None) -> None:
    """Scan mail on as many machines as it takes.

    Edge nodes take mail over from Postfix (mailmill milter, mailmill queue-manager), Celery workers scan it
    and deliver it to a relay. Every option of MailScanner.conf can also be set in the environment: Milter
    Port is MAILMILL_MILTER_PORT, and %org-name% is MAILMILL_VAR_ORG_NAME. Begin with mailmill check.

    Exit status: 0 all is well, 1 the command failed, 2 wrong usage, 69 a part is not installed,
    75 an address is in use (try again), 78 the configuration cannot be used. A command with other ones says
    so in its own help.
    """
    ctx.obj = Cli(conf)
