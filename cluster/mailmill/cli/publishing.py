"""`mailmill conf publish`, `versions` and `rollback`: one configuration for all nodes, through Redis."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import click
import redis

from mailmill.cli.context import Cli, pass_cli
from mailmill.cli.output import echo_json, echo_table, local_time, printable
from mailmill.configuration.published import who
from mailmill.configuration.publishing import candidate, go_back
from mailmill.configuration.store import PublishedConfigurations
from mailmill.connection import connect
from mailmill.errors import ConfigError, RecordError
from mailmill.settings import Settings
from mailmill.settings.options.cluster import REDIS_URL


@click.command(short_help="Put a MailScanner.conf into force for the cluster.")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@pass_cli
def publish(cli: Cli, file: Path | None) -> None:
    """Check a MailScanner.conf with all that it names, and put it into force for the cluster.

    FILE is published instead of this node's own MailScanner.conf. It goes to the Redis that the own one
    names, with everything that it includes: rulesets, lists of patterns, rules about attachments, reports.
    Nodes with Configuration Source = published take it up within seconds and without a restart, each from one
    batch of mail to the next. What is wrong is told at once, and nothing changes.

    Variables that override options on this host are not published. Exit status 78 when the configuration
    cannot be used.
    """
    found = candidate(file or cli.conf, os.environ)
    for warning in found.warnings:
        click.echo(f"warning: {warning}", err=True)
    with _published(cli) as store:
        current = store.current()
        if current and current.version == found.version and store.packed(found.version):
            click.echo(f"{found.version} is in force already.")
            return
        store.publish(found.version, who(), found.files, found.size, found.packed)
    click.echo(f"{found.version} is published: {found.files} files, {found.size} bytes.")


@click.command(short_help="Show what was published, the newest first.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; numbers are milliseconds since the epoch.")
@pass_cli
def versions(cli: Cli, *, as_json: bool) -> None:
    """Show what was published, the newest first; the first one is in force.

    Redis remembers the last 10 publications with their files.
    """
    with _published(cli) as store:
        last = store.last()
    if as_json:
        echo_json(last)
        return
    if not last:
        click.echo("Nothing was published (mailmill conf publish).")
        return
    rows = [("Version", "Published", "By", "Files", "Bytes", "")]
    rows += [
        (
            printable(each.version),
            local_time(each.time),
            printable(each.who),
            str(each.files),
            str(each.size),
            "in force" if each is last[0] else "",
        )
        for each in last
    ]
    echo_table(rows, right=frozenset({3, 4}))


@click.command(short_help="Put an earlier version into force again.")
@click.argument("version", default="")
@pass_cli
def rollback(cli: Cli, version: str) -> None:
    """Put VERSION into force again; without VERSION the one before that in force.

    Exit status 78 when Redis does not have it any more, or it cannot be used any more.
    """
    with _published(cli) as store:
        back = go_back(store, version, who(), os.environ)
    click.echo(f"{back.version} is published again.")


@contextlib.contextmanager
def _published(cli: Cli) -> Iterator[PublishedConfigurations]:
    """Give the publications in this node's Redis; one that cannot be used ends the command with status 1.

    Raises:
        ConfigError: the node's own configuration does not tell which Redis that is.
    """
    try:
        client = connect(Settings.peek(REDIS_URL, cli.conf))
    except ValueError as exc:
        raise ConfigError([str(exc)]) from exc
    try:
        yield PublishedConfigurations(client)
    except (redis.RedisError, RecordError) as exc:
        raise click.ClickException(f"Redis: {exc}") from exc
    finally:
        client.close()
