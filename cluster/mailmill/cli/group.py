"""The group of commands: imported when they are used; the roles that are installed add theirs."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Final

import click

from mailmill.errors import ConfigError, NotNowError

#: EX_CONFIG of sysexits(3).
EXIT_CONFIG: Final = 78
#: EX_TEMPFAIL of sysexits(3).
EXIT_NOT_NOW: Final = 75
#: EX_UNAVAILABLE of sysexits(3).
EXIT_UNAVAILABLE: Final = 69

#: The commands that every node has: name, and `module:object`.
_BUILT_IN: Final = {
    "adopt": "mailmill.cli.adopt:adopt",
    "check": "mailmill.cli.check:check",
    "conf": "mailmill.cli.conf:conf",
    "drain": "mailmill.cli.drain:drain",
    "explain": "mailmill.cli.explain:explain",
    "flower": "mailmill.cli.flower:flower",
    "import": "mailmill.cli.importing:importing",
    "queue": "mailmill.cli.queue:queue",
    "recorder": "mailmill.cli.recorder:recorder",
    "trace": "mailmill.cli.trace:trace",
    "version": "mailmill.cli.version:version",
}
#: The group of entry points in which a role names its commands.
_ENTRY_POINTS: Final = "mailmill.commands"


class UnavailableError(click.ClickException):
    """A command whose role is not installed completely."""

    exit_code = EXIT_UNAVAILABLE


class CommandGroup(click.Group):
    """A click group that finds its commands by name and reports a wrong configuration without a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted({*super().list_commands(ctx), *_commands()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command; one that cannot be imported is replaced by one that says why."""
        target = _commands().get(cmd_name)
        if target is None:
            return super().get_command(ctx, cmd_name)
        module, _, name = target.partition(":")
        try:
            command: click.Command = getattr(import_module(module), name)
        except (ImportError, AttributeError) as exc:
            return _unavailable(cmd_name, str(exc))
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; a `ConfigError` becomes its problems on standard error and exit status 78 or 75."""
        try:
            return super().invoke(ctx)
        except click.NoSuchOption as exc:
            if exc.option_name != "--conf":
                raise
            message = f"{exc.message} It stands in front of the command: mailmill --conf FILE COMMAND."
            raise click.UsageError(message, exc.ctx) from exc
        except ConfigError as exc:
            for problem in exc.problems:
                click.echo(f"mailmill: {problem}", err=True)
            ctx.exit(EXIT_NOT_NOW if isinstance(exc, NotNowError) else EXIT_CONFIG)


def _commands() -> dict[str, str]:
    return _BUILT_IN | {point.name: point.value for point in entry_points(group=_ENTRY_POINTS)}


def _unavailable(name: str, reason: str) -> click.Command:
    """Return a command that stands for one whose role is not installed completely."""

    def fail(**_: object) -> None:
        raise UnavailableError(f"the command {name} cannot be loaded: {reason}")

    return click.Command(
        name,
        callback=fail,
        short_help=f"(cannot be loaded: {reason})",
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    )
