"""`mailmill conf`: the options, their values in force and where these come from."""

from __future__ import annotations

import click

from mailmill.cli.context import Cli, pass_cli
from mailmill.cli.publishing import publish, rollback, versions
from mailmill.settings import Settings
from mailmill.settings.known import KNOWN
from mailmill.settings.mailscannerpage import mailscanner_page
from mailmill.settings.option import Option, option_key
from mailmill.settings.options import TABLE
from mailmill.settings.reference import reference_page
from mailmill.settings.unknown import unknown_option


@click.group(short_help="Show the options of MailScanner.conf, publish it.")
def conf() -> None:
    """Show the options of MailScanner.conf, and publish it for the cluster."""


for _command in (publish, versions, rollback):
    conf.add_command(_command)


@conf.command(short_help="Show the value of an option and its source.")
@click.argument("words", metavar="[OPTION]", nargs=-1)
@pass_cli
def show(cli: Cli, words: tuple[str, ...]) -> None:
    """Show the value of OPTION, its source, default and description; without OPTION the values of all.

    The name is compared as in MailScanner.conf: without case, spaces and punctuation. Exit status 2 when
    there is no such option, 78 when the configuration cannot be used.
    """
    option = " ".join(words)
    if not option:
        for each in TABLE.values():
            click.echo(_line(cli.settings, each))
        return
    key = option_key(option)
    if key not in TABLE and key in KNOWN:
        click.echo(f"{KNOWN[key].name} is not read")
        click.echo(f"  status:      {KNOWN[key].status.value}")
        click.echo(f"  MailScanner: {KNOWN[key].default}")
        click.echo(f"  note:        {KNOWN[key].note}")
        return
    found = TABLE.get(key)
    if found is None:
        raise click.UsageError(unknown_option(option))
    click.echo(_line(cli.settings, found))
    click.echo(f"  source:      {cli.settings.source(found)}")
    click.echo(f"  default:     {found.default}")
    click.echo(f"  accepts:     {found.kind.words}")
    click.echo(f"  change:      counts {found.effect.value}")
    click.echo(f"  variable:    {found.variable}")
    click.echo(f"  description: {found.description}")


@conf.command(short_help="Print the version of the configuration.")
@pass_cli
def version(cli: Cli) -> None:
    """Print the version of the configuration, as verdicts name it, and the files that it is made of.

    The version is a hash of these files; what follows a + stands for what the environment contributes. A
    process that runs already may still go by an older one: its log says so. Exit status 78 when the
    configuration cannot be used.
    """
    click.echo(cli.settings.version)
    for name in sorted(cli.settings.files.digests):
        click.echo(f"  {name}")


@conf.command(short_help="Show the options that are not at their default.")
@pass_cli
def diff(cli: Cli) -> None:
    """Show the options that have another value than their default, with both and the source.

    Values are compared, not their spelling. Exit status 78 when the configuration cannot be used.
    """
    for option in TABLE.values():
        if not cli.settings.is_default(option):
            click.echo(_line(cli.settings, option))
            click.echo(f"  default:     {option.default}")
            click.echo(f"  source:      {cli.settings.source(option)}")


@conf.command(short_help="Print the reference page of all options.")
@click.option("--mailscanner", is_flag=True, help="All options of MailScanner, with their status.")
def reference(*, mailscanner: bool) -> None:
    """Print the reference page of all options (docs/reference/options.md, mailscanner-options.md)."""
    click.echo(mailscanner_page() if mailscanner else reference_page(), nl=False)


def _line(settings: Settings, option: Option[object]) -> str:
    return f"{option.name} = {settings.text(option)}"
