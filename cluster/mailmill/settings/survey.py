"""A look at a whole configuration of MailScanner's: what works, what does not, and what its files say.

Nothing is changed. A copy of a configuration may lie anywhere: what it says of /etc/MailScanner is then
looked for where the copy is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mailmill.errors import ConfigError
from mailmill.settings.conffile import ConfFile
from mailmill.settings.defaultsfile import DEFAULTS_FILE, remarks_on_defaults
from mailmill.settings.mailscanner import Finding, findings, has_rules_ending, lacks_rulesets, remarks
from mailmill.settings.option import Rules
from mailmill.settings.options import TABLE
from mailmill.settings.optionvalue import names_ruleset
from mailmill.settings.rulesetfile import RuleSetReader
from mailmill.settings.values import Settings, conf_file

_HOME: Final = DEFAULTS_FILE.parent


@dataclass(frozen=True)
class RulesFile:
    """A ruleset that MailScanner.conf names."""

    path: Path
    #: The options that name it.
    options: tuple[str, ...]
    #: How many rules it has, the default not among them.
    rules: int


@dataclass(frozen=True)
class Survey:
    """What there is to say about a configuration."""

    path: Path
    #: One for each option of MailScanner's that is set.
    findings: tuple[Finding, ...]
    rulesets: tuple[RulesFile, ...]
    #: Why Mailmill would not start with it; each begins with `file:line`.
    problems: tuple[str, ...]
    #: What is odd in what Mailmill reads; each begins with `file:line`.
    warnings: tuple[str, ...]


def survey(place: Path, environ: Mapping[str, str]) -> Survey:
    """Look at a directory such as /etc/MailScanner, or at a file in place of its MailScanner.conf.

    Args:
        place: the directory or the file.
        environ: the environment, which overrides options as it does for Mailmill.
    """
    path = place / "MailScanner.conf" if place.is_dir() else place
    home = path.parent.resolve()
    conf = conf_file(environ, None if home.is_relative_to(_HOME) else home)
    conf.read(path)
    found = tuple(findings(conf.assignments, conf.expand))
    told = set(remarks(conf.assignments, conf.expand))
    try:
        settings = Settings.from_conf(conf, environ)
    except ConfigError as exc:
        problems, warnings = list(exc.problems), list(exc.warnings)
    else:
        problems, warnings = [], list(settings.warnings)
    rulesets, odd = _rulesets(found, conf)
    return Survey(
        path,
        found,
        rulesets,
        tuple(problems),
        tuple(w for w in (*warnings, *odd, *remarks_on_defaults(home / DEFAULTS_FILE.name)) if w not in told),
    )


def _rulesets(found: Iterable[Finding], conf: ConfFile) -> tuple[tuple[RulesFile, ...], list[str]]:
    """Return the rulesets of all options, and what is not understood in those that nobody reads."""
    named: dict[Path, list[Finding]] = {}
    for one in found:
        if _names_ruleset(one):
            named.setdefault(Path(one.assignment.value), []).append(one)
    files, odd = [], []
    for path, users in named.items():
        reader = RuleSetReader(str, located=conf.located)
        rules = reader.read(path, "").rules
        files.append(RulesFile(path, tuple(one.known.name for one in users), len(rules)))
        if not any(one.known.key in TABLE for one in users):
            odd += reader.problems
    return tuple(files), odd


def _names_ruleset(found: Finding) -> bool:
    """Say whether MailScanner takes the value of an option for the file of a ruleset."""
    known, text = found.known, found.assignment.value
    option = TABLE.get(known.key)
    if known.rules is Rules.NONE:
        return False
    if option is None:
        return has_rules_ending(text)
    return (
        names_ruleset(option, text) if option.rules is not Rules.NONE else lacks_rulesets(known, option, text)
    )
