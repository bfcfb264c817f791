"""The values in force: defaults, then MailScanner.conf, then the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self, TypeVar, cast

from mailmill.errors import ConfigError
from mailmill.reports.library import Library
from mailmill.settings.attachmentrules import Rule as AttachmentRule
from mailmill.settings.attachmentrules import load, read_as_deny
from mailmill.settings.conffile import ConfFile
from mailmill.settings.conflicts import conflicts, suspicions
from mailmill.settings.defaultsfile import named_conf_file
from mailmill.settings.expansion import VARIABLES, expand_variables
from mailmill.settings.facts import MailFacts
from mailmill.settings.files import DiskFiles, Files
from mailmill.settings.known import KNOWN
from mailmill.settings.mailscanner import remarks
from mailmill.settings.option import PREFIX, Effect, Option, Rules, option_key
from mailmill.settings.options import TABLE
from mailmill.settings.options.policy import FILENAME_RULES, FILETYPE_RULES
from mailmill.settings.options.reports import ATTACHMENT_ENCODING_CHARSET, LANGUAGE_STRINGS, REPORT_FILES
from mailmill.settings.optionvalue import parse_value
from mailmill.settings.othermta import set_aside_queues
from mailmill.settings.ruleset import RuleSet
from mailmill.settings.sources import Place, Source
from mailmill.settings.unknown import unknown_option, unknown_variable
from mailmill.settings.version import overrides_of, version_of

__all__ = ["DEFAULT_FILE", "FILE_VARIABLE", "MailFacts", "RuleSet", "Settings", "Source"]

T = TypeVar("T")

#: Where MailScanner's users have their configuration.
DEFAULT_FILE: Final = Path("/etc/MailScanner/MailScanner.conf")
#: The environment variable that names another file.
FILE_VARIABLE: Final = PREFIX + "CONF"
#: `MAILMILL_VAR_ORG_NAME` sets `%org-name%`.
_VARIABLE_PREFIX: Final = PREFIX + "VAR_"

#: The text of an option's value and its place, by option key.
_Texts = dict[str, tuple[str, Source]]


class Settings:
    """The value of every option. All are checked when this is made, so that reading one cannot fail."""

    def __init__(self, texts: Mapping[str, tuple[str, Source]], conf: ConfFile) -> None:
        """Parse the values; `load` and `of` call this.

        Raises:
            ConfigError: with every problem of `conf` and of the values.
        """
        self._conf = conf
        self._texts: dict[str, str] = {}
        self._sources: dict[str, Source] = {}
        self._rules: dict[str, RuleSet[object]] = {}
        self._attachments: dict[Path, tuple[AttachmentRule, ...]] = {}
        #: A warning for each file of rules about attachments that is missing where MailScanner has it: for
        #: those who scan.
        self.without_rules: list[str] = []
        for option in TABLE.values():
            text, source = texts.get(option.key) or (conf.expand(option.default), Source(Place.DEFAULT))
            self._texts[option.key], self._sources[option.key] = text, source
            try:
                self._rules[option.key] = parse_value(option, text, source, conf)
            except ValueError as exc:
                conf.problems.append(f"{source}: {option.name} {exc}")
        self._read_attachment_rules()
        #: The texts of reports, and the words of languages.
        self.reports: Library = self._read_reports()
        conf.warnings.extend(self.reports.remarks)
        if not conf.problems:
            conf.problems.extend(conflicts(self))
        if conf.problems:
            raise ConfigError(conf.problems, conf.warnings)
        conf.warnings.extend(suspicions(self))
        #: What it was read from.
        self.files: Files = conf.files
        #: Short, and the same for the same configuration: see `mailmill.settings.version`.
        self.version: str = version_of(conf.files, overrides_of(self._sources, self._texts, conf))
        #: What is odd but usable; each begins with `file:line` or the name of an environment variable.
        self.warnings: tuple[str, ...] = tuple(conf.warnings)

    @classmethod
    def load(
        cls,
        path: Path | None = None,
        environ: Mapping[str, str] = os.environ,
        files: Files | None = None,
    ) -> Self:
        """Return the settings of a node.

        Args:
            path: MailScanner.conf. None: the one that `MAILMILL_CONF` names, or else
                /etc/MailScanner/MailScanner.conf, which need not exist.
            environ: beats the file, see `Option.variable`.
            files: where files are read from; None: the disk.

        Raises:
            ConfigError: with every problem at once.
        """
        conf = conf_file(environ, files=files)
        _read_own(conf, path, environ)
        return cls.from_conf(conf, environ)

    @classmethod
    def peek(cls, option: Option[T], path: Path | None = None, environ: Mapping[str, str] = os.environ) -> T:
        """Return one value of a configuration that may have faults elsewhere; arguments as `load`.

        Raises:
            ConfigError: the value is wrong.
        """
        conf = conf_file(environ)
        _read_own(conf, path, environ)
        texts = _texts(conf)
        _add_environment(texts, conf, environ)
        text, source = texts.get(option.key, (option.default, Source(Place.DEFAULT)))
        try:
            return option.kind.parse(text)
        except ValueError as exc:
            raise ConfigError([f"{source}: {option.name} {exc}"]) from exc

    @classmethod
    def published(cls, files: Files, own: Settings, environ: Mapping[str, str] = os.environ) -> Self:
        """Return the settings of a node that goes by files which were published for the cluster.

        Args:
            files: what was published.
            own: the node's own settings. Of them counts what needs a restart: all options of which nodes
                have each their own value, and others where the node's file or environment sets them.
            environ: beats both.

        Raises:
            ConfigError: with every problem at once.
        """
        conf = conf_file(environ, files=files)
        if files.main:
            conf.read(Path(files.main))
        texts = _texts(conf)
        set_aside_queues(texts, conf.warnings)
        _add_environment(texts, conf, environ)
        unused = []
        for option in TABLE.values():
            source = own.source(option)
            its_own = source.place is Place.FILE
            if its_own and option.effect is Effect.NEXT_BATCH:
                unused.append(option.name)
            elif its_own or option.effect is Effect.NODE:
                texts[option.key] = (own.text(option), source)
        if unused:
            names = ", ".join(unused)
            conf.warnings.append(
                f"Configuration Source is published: this node's own file does not count for {names}"
            )
        _warn_about_org_name(conf)
        return cls(texts, conf)

    @classmethod
    def from_conf(cls, conf: ConfFile, environ: Mapping[str, str]) -> Self:
        """Return the settings of files that were read, and of an environment.

        Raises:
            ConfigError: with every problem at once.
        """
        texts = _texts(conf)
        set_aside_queues(texts, conf.warnings)
        _add_environment(texts, conf, environ)
        _warn_about_org_name(conf)
        return cls(texts, conf)

    @classmethod
    def of(cls, values: Mapping[str, str] | None = None) -> Self:
        """Return settings for a test: names of options or `%variables%` with their values as text.

        Neither a file nor the environment is read.

        Raises:
            ConfigError: a value is wrong or an option is unknown.
        """
        conf = ConfFile(environ={})
        for name, value in (values or {}).items():
            try:
                conf.assign(name, value, "values")
            except ValueError as exc:
                conf.problems.append(f"values: {name}: {exc}")
        return cls(_texts(conf), conf)

    def __getitem__(self, option: Option[T]) -> T:
        if option.rules is not Rules.NONE:
            raise TypeError(f"{option.name} may be a ruleset: use rule()")
        return cast("T", self._rules[option.key].default)

    def rule(self, option: Option[T]) -> RuleSet[T]:
        """Return the ruleset of an option that may have one; a plain value is a constant ruleset."""
        if option.rules is Rules.NONE:
            raise TypeError(f"{option.name} cannot be a ruleset: use []")
        return cast("RuleSet[T]", self._rules[option.key])

    @property
    def variables(self) -> Mapping[str, str]:
        """The `%variables%` as the end of the configuration left them, by name in lower case."""
        return self._conf.variables

    def ruleset(self, option: Option[Any]) -> RuleSet[Any]:
        """Return the values of any option, for tools that treat all alike; the program asks [] or rule()."""
        return self._rules[option.key]

    def is_default(self, option: Option[Any]) -> bool:
        """Say whether an option has its default for all mail, however that is written."""
        rules = self._rules[option.key]
        return rules.is_constant and rules.default == option.kind.parse(self._conf.expand(option.default))

    def place(self, option: Option[Any]) -> str:
        """Return what stands before a complaint about an option: its file and line, and its name."""
        source = self._sources[option.key]
        return option.name if source.place is Place.DEFAULT else f"{source}: {option.name}"

    def source(self, option: Option[Any]) -> Source:
        """Return where the value of an option comes from."""
        return self._sources[option.key]

    def hold_start(self, start: Settings) -> tuple[tuple[Option[object], str], ...]:
        """Take the values of `start` over where a change counts only after a restart.

        For settings that are not in force yet.

        Returns:
            The options that had other values, with these as text.
        """
        waiting = []
        for key, option in TABLE.items():
            if option.effect is Effect.NEXT_BATCH:
                continue
            if self._rules[key].default != start.ruleset(option).default:
                waiting.append((option, self._texts[key]))
            self._rules[key] = start.ruleset(option)
            self._texts[key], self._sources[key] = start.text(option), start.source(option)
        return tuple(waiting)

    def attachment_rules(self, paths: tuple[Path, ...]) -> tuple[AttachmentRule, ...]:
        """Return the rules about attachments in files that a value of their options names, in that order."""
        return tuple(rule for path in paths for rule in self._attachments[path])

    def text(self, option: Option[Any]) -> str:
        """Return the value of an option as text, with its variables replaced; for a ruleset its file."""
        return self._texts[option.key]

    def _read_attachment_rules(self) -> None:
        """Read every file that rules about attachments are in, for any mail."""
        for option in (FILENAME_RULES, FILETYPE_RULES):
            rules = self._rules.get(option.key)
            if rules is None:
                continue
            for paths in (rules.default, *(rule.value for rule in rules.rules)):
                for path in cast("tuple[Path, ...]", paths):
                    self._read_attachment_file(path, option)

    def _read_reports(self) -> Library:
        """Read every report file and every languages.conf; those of wrong values are left out."""
        charset = ATTACHMENT_ENCODING_CHARSET
        named = self[charset] if charset.key in self._rules else charset.default
        library = Library(self._conf.files, named, self._conf.variables)
        a_place_of_its_own = self._conf.variables["report-dir"] != VARIABLES["report-dir"]
        for option in (*REPORT_FILES, LANGUAGE_STRINGS):
            add = library.add_language if option is LANGUAGE_STRINGS else library.add_report
            if option.key not in self._rules:
                continue
            rules = self.rule(option)
            expected = a_place_of_its_own or not self.is_default(option)
            for path in dict.fromkeys((rules.default, *(rule.value for rule in rules.rules))):
                if path is not None:
                    add(path, expected=expected)
        return library

    def _read_attachment_file(self, path: Path, option: Option[Any]) -> None:
        if path in self._attachments:
            return
        self._attachments[path] = ()
        try:
            found = self._attachments[path] = load(path, self._conf.files)
        except FileNotFoundError as exc:
            # MailScanner's own place is empty on most edges; whoever names another file means to have rules.
            usual = str(path) == self._conf.expand(option.default)
            told = self.without_rules if usual else self._conf.problems
            told.append(
                f"{self.place(option)}: {path}: {exc.strerror}: no attachment is stopped by its rules"
            )
        except ConfigError as exc:
            self._conf.problems.extend(exc.problems)
        else:
            self._conf.warnings.extend(read_as_deny(found, path))


def _read_own(conf: ConfFile, path: Path | None, environ: Mapping[str, str]) -> None:
    """Read the MailScanner.conf at `path`, or that of this node; MailScanner's usual one need not exist.

    Raises:
        ConfigError: /etc/MailScanner/defaults, which may name one, cannot be read.
    """
    named = environ.get(FILE_VARIABLE)
    file = path or (Path(named) if named else named_conf_file())
    if file == DEFAULT_FILE and path is None and not named:
        file = None
    if file or conf.files.find(str(DEFAULT_FILE)):
        conf.files.main = str((file or DEFAULT_FILE).absolute())
        conf.read(file or DEFAULT_FILE)


def _texts(conf: ConfFile) -> _Texts:
    found: _Texts = {}
    for item in conf.assignments:
        key = option_key(item.name)
        if key in TABLE:
            found[key] = (item.value, Source(Place.FILE, item.where))
        elif key not in KNOWN:
            conf.problems.append(f"{item.where}: {unknown_option(item.name)}")
    conf.warnings.extend(remarks(conf.assignments, conf.expand))
    return found


def conf_file(
    environ: Mapping[str, str], copied_to: Path | None = None, files: Files | None = None
) -> ConfFile:
    """Return a `ConfFile` for the files of this host, for a copy of another one's, or for `files`."""
    # The shipped MailScanner.conf uses $HOSTNAME, which services rarely have in their environment.
    environ = {"HOSTNAME": os.uname().nodename, **environ}
    return ConfFile(environ, _fixed_variables(environ), copied_to, files or DiskFiles())


def _fixed_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the `%variables%` that the environment sets."""
    return {
        name.removeprefix(_VARIABLE_PREFIX).lower().replace("_", "-"): value
        for name, value in environ.items()
        if name.startswith(_VARIABLE_PREFIX)
    }


def _add_environment(texts: _Texts, conf: ConfFile, environ: Mapping[str, str]) -> None:
    options = {option.variable: option for option in TABLE.values()}
    for name, value in sorted(environ.items()):
        if not name.startswith(PREFIX) or name == FILE_VARIABLE or name.startswith(_VARIABLE_PREFIX):
            continue
        if name not in options:
            conf.warnings.append(unknown_variable(name, options))
            continue
        try:
            # Not $NAME: whoever set the variable had a shell for that, and passwords have dollar signs.
            text = expand_variables(value, conf.variables)
        except ValueError as exc:
            conf.problems.append(f"{name}: {exc}")
            continue
        texts[options[name].key] = (text, Source(Place.ENVIRONMENT, name))


def _warn_about_org_name(conf: ConfFile) -> None:
    name = conf.variables["org-name"]
    if name == VARIABLES["org-name"]:
        conf.warnings.append(
            f"%org-name% is not set: headers are named after {name!r}, as at every such site"
        )
    elif re.search(r"[^A-Za-z0-9_-]", name):
        conf.warnings.append(
            f"%org-name% is part of header names: only letters, digits, - and _, not {name!r}"
        )
