"""`mailmill version`."""

from __future__ import annotations

import contextlib
import platform
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from typing import Final

import click

import mailmill

#: What a report of a fault should name.
_LIBRARIES: Final = ("celery", "kombu", "redis", "msgspec")
#: The same of what only some nodes have.
_SOME: Final = ("pymilter", "aiospamc", "google-re2", "python-magic", "sqlalchemy", "flower")


@click.command(short_help="Print the versions that a report should name.")
def version() -> None:
    """Print the versions of Mailmill, Python and the libraries that matter for a report."""
    click.echo(f"mailmill {mailmill.__version__}")
    click.echo(f"python {platform.python_version()}")
    for library in _LIBRARIES:
        click.echo(f"{library} {version_of(library)}")
    for library in _SOME:
        with contextlib.suppress(PackageNotFoundError):
            click.echo(f"{library} {version_of(library)}")
    click.echo(f"system {platform.platform()}")
