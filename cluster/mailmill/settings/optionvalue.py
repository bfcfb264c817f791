"""From the text of an option's value to the values that it has for all mail."""

from __future__ import annotations

from pathlib import Path

from mailmill.settings.conffile import ConfFile
from mailmill.settings.functions import function_values
from mailmill.settings.kinds import OPTIONAL_PATH, PATH, PATHS
from mailmill.settings.known import KNOWN
from mailmill.settings.mailscanner import has_rules_ending, is_elsewhere, lacks_rulesets
from mailmill.settings.option import Option, Rules
from mailmill.settings.ruleset import RuleSet
from mailmill.settings.rulesetfile import RuleSetReader
from mailmill.settings.sources import Place, Source


def parse_value(option: Option[object], text: str, source: Source, conf: ConfFile) -> RuleSet[object]:
    """Return the values of an option; what is odd is added to the warnings of `conf`.

    Raises:
        ValueError: the text is no value; what is wrong in a ruleset is added to the problems of `conf`.
    """
    if source.place is Place.DEFAULT:
        return RuleSet.constant(option.kind.parse(text))
    if option.rules is not Rules.NONE and (values := _function(option, text, conf)) is not None:
        return values
    known = KNOWN.get(option.key)
    if known and is_elsewhere(known, text):
        conf.warnings.append(
            f"{source}: {option.name}: {text} is not installed (a Python plug-in can take its place): "
            f"the default counts, {option.default or 'which is empty'}"
        )
        return RuleSet.constant(option.kind.parse(conf.expand(option.default)))
    if option.rules is not Rules.NONE and names_ruleset(option, text):
        return _read(option, text, source, conf)
    if known and lacks_rulesets(known, option, text):
        rules = _read(option, text, source, conf)
        if not rules.is_constant:
            conf.warnings.append(
                f"{source}: {option.name} takes no ruleset: the default of {text} counts for all mail"
            )
        return RuleSet.constant(rules.default)
    if advice := option.kind.advise(text):
        conf.warnings.append(f"{source}: {option.name} {advice}")
    return RuleSet.constant(option.kind.parse(text))


def names_ruleset(option: Option[object], text: str) -> bool:
    """Say whether a value names a ruleset; where a path is the value itself, its ending tells."""
    is_path = option.kind in {PATH, PATHS, OPTIONAL_PATH}
    return has_rules_ending(text) if is_path else text.startswith("/")


def _function(option: Option[object], text: str, conf: ConfFile) -> RuleSet[object] | None:
    default = option.kind.parse(conf.expand(option.default))
    return function_values(text, option.kind.parse, default)


def _read(option: Option[object], text: str, source: Source, conf: ConfFile) -> RuleSet[object]:
    def parse(value: str) -> object:
        try:
            return option.kind.parse(conf.expand(value))
        except ValueError as exc:
            raise ValueError(f"{option.name} {exc}") from None

    reader = RuleSetReader(
        parse, conf.problems, conf.warnings, conf.files, f"{source}: {option.name}", conf.located
    )
    return reader.read(Path(text), parse(option.default))
