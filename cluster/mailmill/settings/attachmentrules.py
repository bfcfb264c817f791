"""Files of rules about attachments, in MailScanner's format (filename.rules.conf, filetype.rules.conf).

    allow|deny  TAB  regular expression  TAB  text for the log  TAB  text for people

One or more tabs separate the fields; `-` is no text. There may be a fifth field behind the expression: one
for the MIME type, which counts in rules about types; `-` as the first expression then leaves it alone. The
first rule that matches decides. Expressions are searched for in any case, and `.` matches every character.

MailScanner has further actions: `rename`, `rename to TEXT`, `deny+delete` and mail addresses that the message
is redirected to. They are read as deny, with a warning: nothing that such a rule keeps from a recipient gets
to him.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from mailmill.errors import ConfigError
from mailmill.settings.expressions import Expression, compile_expression

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mailmill.settings.files import Files

_TABS: Final = re.compile(r"\t+")
_NOTHING: Final = "-"

_ACTIONS: Final = frozenset({"allow", "deny"})

#: Fields of a rule; one more in a rule that has an expression for the MIME type.
_FIELDS: Final = 4


@dataclass(frozen=True)
class Rule:
    """One line of a file of rules."""

    deny: bool
    #: For a name, or for a type as libmagic describes it.
    pattern: Expression | None
    #: For a MIME type.
    mime_pattern: Expression | None
    log_text: str
    user_text: str
    #: What the line says instead of allow and deny; such a rule is one of deny.
    other_action: str = ""
    #: Its line in the file, from 1.
    line: int = field(default=0, compare=False)

    def matches(self, text: str, mime_type: str = "") -> bool:
        """Return whether either expression is found."""
        return bool(
            (self.pattern and self.pattern.search(text))
            or (self.mime_pattern and self.mime_pattern.search(mime_type))
        )


def first_match(rules: Iterable[Rule], text: str, mime_type: str = "") -> Rule | None:
    """Return the rule that decides; None when no rule matches, which allows."""
    return next((rule for rule in rules if rule.matches(text, mime_type)), None)


def load(path: Path, files: Files) -> tuple[Rule, ...]:
    """Return the rules of a file.

    Raises:
        FileNotFoundError: there is no such file.
        ConfigError: the file cannot be read, or with a line `FILE:LINE: ...` for each line that is no rule.
    """
    try:
        text = files.read(path).decode("utf-8")
    except FileNotFoundError:
        raise  # the caller knows whether it must be there
    except OSError as exc:
        raise ConfigError([f"{path}: {exc.strerror}"]) from exc
    except UnicodeDecodeError as exc:
        raise ConfigError([f"{path}: not UTF-8: {exc.reason}"]) from exc
    return parse(text, str(path))


def read_as_deny(rules: Iterable[Rule], path: Path) -> tuple[str, ...]:
    """Return a warning `FILE:LINE: ...` for each rule whose action is not there yet."""
    return tuple(
        f"{path}:{rule.line}: {rule.other_action!r} is not supported yet and treated as deny"
        for rule in rules
        if rule.other_action
    )


def parse(text: str, name: str) -> tuple[Rule, ...]:
    """Return the rules in the text of a file called `name`.

    Raises:
        ConfigError: with one line for each line that is no rule.
    """
    rules, problems = [], []
    for number, line in enumerate(text.split("\n"), start=1):
        content = line.strip()
        if not content or content.startswith("#"):
            continue
        try:
            rules.append(_rule(content, number))
        except ValueError as exc:
            problems.append(f"{name}:{number}: {exc}")
    if problems:
        raise ConfigError(problems)
    return tuple(rules)


def _rule(text: str, line: int) -> Rule:
    fields = _TABS.split(text)
    mime = fields.pop(2) if len(fields) == _FIELDS + 1 else _NOTHING
    if len(fields) != _FIELDS:
        raise ValueError(f"{len(fields)} fields instead of {_FIELDS}; tabs separate them, not spaces")
    action, expression, log_text, user_text = fields
    word = _action(action)
    patterns = [_pattern(expression), _pattern(mime)]
    if not any(patterns):
        raise ValueError("no regular expression")
    reason = "" if log_text == _NOTHING else log_text
    return Rule(
        deny=word != "allow",
        pattern=patterns[0],
        mime_pattern=patterns[1],
        log_text=reason or f"matches {expression if patterns[0] else mime}",
        user_text="" if user_text == _NOTHING else user_text,
        other_action="" if word in _ACTIONS else word,
        line=line,
    )


def _action(text: str) -> str:
    """Return the action in lower case."""
    word = text.strip(" ,").lower()
    if word in _ACTIONS or word.startswith(("deny", "rename")) or "@" in word:
        return word
    raise ValueError(f"must begin with allow or deny, not {text!r}")


def _pattern(expression: str) -> Expression | None:
    """Return the compiled expression; None for `-`."""
    if expression == _NOTHING:
        return None
    if expression.startswith("*"):
        expression = f".{expression}"  # MailScanner reads a leading * in this way
    return compile_expression(expression, dot_all=True)
