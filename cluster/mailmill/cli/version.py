"""`mailmill version`."""

from __future__ import annotations

import platform
from importlib.metadata import version as version_of
from typing import Final

import click

import mailmill

#: What a report of a fault should name.
_LIBRARIES: Final = ("celery", "kombu", "redis", "msgspec")


@click.command()
def version() -> None:
    """Print the versions of Mailmill, Python and the libraries that matter for a report."""
    click.echo(f"mailmill {mailmill.__version__}")
    click.echo(f"python {platform.python_version()}")
    for library in _LIBRARIES:
        click.echo(f"{library} {version_of(library)}")
