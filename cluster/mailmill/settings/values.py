"""The values in force: defaults, then MailScanner.conf, then the environment."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self, TypeVar, cast

from mailmill.errors import ConfigError
from mailmill.settings.conffile import ConfFile
from mailmill.settings.kinds import PATH
from mailmill.settings.option import Option, Rules, option_key
from mailmill.settings.options import TABLE
from mailmill.settings.ruleset import RuleSet
from mailmill.settings.rulesetfile import RuleSetFile
from mailmill.settings.sources import Place, Source
from mailmill.settings.text import expand

T = TypeVar("T")

#: Where MailScanner's users have their configuration.
DEFAULT_FILE: Final = Path("/etc/MailScanner/MailScanner.conf")
#: The environment variable that names another file.
FILE_VARIABLE: Final = "MAILMILL_CONF"

_PREFIX: Final = "MAILMILL_"
#: `MAILMILL_VAR_ORG_NAME` sets `%org-name%`.
_VARIABLE_PREFIX: Final = "MAILMILL_VAR_"


class Settings:
    """The value of every option. All of them are checked when this is made, so that reading one cannot fail."""

    def __init__(self, texts: Mapping[str, tuple[str, Source]], conf: ConfFile) -> None:
        """Parse `texts` (by option key); `load` and `of` make them.

        Raises:
            ConfigError: with every problem of `conf` and of the values.
        """
        self._conf = conf
        self._sources = {key: source for key, (_, source) in texts.items()}
        self._values: dict[str, object] = {}
        self._rules: dict[str, RuleSet[object]] = {}
        for option in TABLE.values():
            text, source = texts.get(option.key, (option.default, Source(Place.DEFAULT)))
            try:
                self._parse(option, text, source)
            except ValueError as exc:
                conf.problems.append(f"{source}: {option.name}: {exc}")
        if conf.problems:
            raise ConfigError(conf.problems)
        #: Each `file:line: text`, or with the name of an environment variable in front.
        self.warnings: tuple[str, ...] = tuple(conf.warnings)

    @classmethod
    def load(cls, path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Self:
        """Return the settings of a node.

        Args:
            path: MailScanner.conf. None: the one that `MAILMILL_CONF` names, or else
                /etc/MailScanner/MailScanner.conf, which need not exist.
            environ: beats the file, see `Option.variable`.

        Raises:
            ConfigError: with every problem at once.
        """
        named = path or (Path(environ[FILE_VARIABLE]) if environ.get(FILE_VARIABLE) else None)
        fixed = {
            name.removeprefix(_VARIABLE_PREFIX).lower().replace("_", "-"): value
            for name, value in environ.items()
            if name.startswith(_VARIABLE_PREFIX)
        }
        conf = ConfFile(environ, fixed)
        if named or DEFAULT_FILE.exists():
            conf.read(named or DEFAULT_FILE)
        texts: dict[str, tuple[str, Source]] = {}
        for item in conf.assignments:
            _add(texts, conf, item.name, item.value, Source(Place.FILE, item.where))
        by_variable = {option.variable: option for option in TABLE.values()}
        for name in sorted(environ):
            if option := by_variable.get(name):
                texts[option.key] = (environ[name], Source(Place.ENVIRONMENT, name))
        return cls(texts, conf)

    @classmethod
    def of(cls, values: Mapping[str, str] | None = None) -> Self:
        """Return settings for a test: option names and their values as text, without file and environment.

        Raises:
            ConfigError: a value is wrong or an option is unknown.
        """
        conf = ConfFile(environ={})
        texts: dict[str, tuple[str, Source]] = {}
        for name, value in (values or {}).items():
            _add(texts, conf, name, value, Source(Place.FILE, "test"))
        return cls(texts, conf)

    def __getitem__(self, option: Option[T]) -> T:
        if option.rules is not Rules.NONE:
            raise TypeError(f"{option.name} may be a ruleset: use rule()")
        return cast("T", self._values[option.key])

    def rule(self, option: Option[T]) -> RuleSet[T]:
        """Return the ruleset of an option that may have one; a plain value is a constant ruleset."""
        if option.rules is Rules.NONE:
            raise TypeError(f"{option.name} cannot be a ruleset: use []")
        return cast("RuleSet[T]", self._rules[option.key])

    def source(self, option: Option[Any]) -> Source:
        """Return where the value of an option comes from."""
        return self._sources.get(option.key, Source(Place.DEFAULT))

    def _parse(self, option: Option[object], text: str, source: Source) -> None:
        def parse(value: str) -> object:
            return option.kind.parse(expand(value, self._conf.variables, self._conf.environ))

        if source.place is Place.DEFAULT:
            value = parse(text)
        elif option.rules is not Rules.NONE and _names_ruleset(option, text):
            file = RuleSetFile(parse, self._conf.problems, self._conf.warnings)
            self._rules[option.key] = file.read(Path(text), parse(option.default))
            return
        else:
            value = option.kind.parse(text)
        self._values[option.key] = value
        self._rules[option.key] = RuleSet.constant(value)


def _names_ruleset(option: Option[object], text: str) -> bool:
    if option.kind == PATH:
        return text.endswith(".rules")
    return text.startswith("/")


def _add(texts: dict[str, tuple[str, Source]], conf: ConfFile, name: str, value: str, source: Source) -> None:
    key = option_key(name)
    if key not in TABLE:
        near = difflib.get_close_matches(key, TABLE, 1)
        hint = f" (did you mean {TABLE[near[0]].name}?)" if near else ""
        conf.problems.append(f"{source}: unknown option {name}{hint}")
        return
    texts[key] = (value, source)
