"""`mailmill explain`: which rule of which file decides what, for each recipient."""

from __future__ import annotations

import click

from mailmill.cli.context import Cli, pass_cli
from mailmill.cli.output import printable
from mailmill.hostnames import look_up
from mailmill.settings import MailFacts
from mailmill.settings.explain import Explainer
from mailmill.settings.facts import host_number
from mailmill.settings.known import KNOWN
from mailmill.settings.option import Option, Rules, option_key
from mailmill.settings.options import TABLE
from mailmill.settings.unknown import unknown_option


@click.command(short_help="Show which rule decides an option for a message.")
@click.option("--from", "sender", required=True, help="The envelope sender; empty or <> is the null sender.")
@click.option("--to", "recipients", required=True, multiple=True, help="A recipient; may be repeated.")
@click.option("--ip", default="", help="The address of the SMTP client. Without it: mail of this host.")
@click.option(
    "--host", help="The verified name of the client. Without it: what the DNS says, if a rule asks."
)
@click.option(
    "--virus", "viruses", multiple=True, help="The name of a virus that was found; may be repeated."
)
@click.argument("words", metavar="[OPTION]", nargs=-1)
@pass_cli
def explain(
    cli: Cli,
    sender: str,
    recipients: tuple[str, ...],
    ip: str,
    host: str | None,
    viruses: tuple[str, ...],
    words: tuple[str, ...],
) -> None:
    """Show which rule of which file decides OPTION for a message, recipient by recipient.

    Without OPTION: all options that may have a ruleset. Recipients for whom the same rules decide stand
    together.

    Exit status 2 when there is no such option, 78 when the configuration cannot be used.
    """
    if ip and host_number(ip) is None:
        raise click.UsageError(f"--ip {ip} is no IP address")
    option = " ".join(words)
    options = [_option(option)] if option else [o for o in TABLE.values() if o.rules is not Rules.NONE]
    explainer = Explainer(cli.settings)
    groups: dict[tuple[str, ...], list[str]] = {}
    for recipient in dict.fromkeys(map(_bare, recipients)):
        if host is None:
            facts = MailFacts(_bare(sender), recipient, ip, "", viruses, look_up)
        else:
            facts = MailFacts(_bare(sender), recipient, ip, host, viruses)
        lines = tuple(
            f"  {each.name}: {reason.text}  ({reason.where})"
            for each in options
            for reason in explainer.reasons(each, facts)
        )
        groups.setdefault(lines, []).append(recipient)
    for lines, together in groups.items():
        click.echo(f"To {printable(', '.join(together))}:")
        for line in lines:
            click.echo(printable(line))


def _bare(address: str) -> str:
    return address.removeprefix("<").removesuffix(">")


def _option(name: str) -> Option[object]:
    key = option_key(name)
    if key in TABLE:
        return TABLE[key]
    if key in KNOWN:
        raise click.UsageError(
            f"{KNOWN[key].name} is not read ({KNOWN[key].status.value}): {KNOWN[key].note}"
        )
    raise click.UsageError(unknown_option(name))
