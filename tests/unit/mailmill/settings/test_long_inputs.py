"""Inputs for which a parser that goes back and forth would need 10^10 steps or more: a test would not end."""

from __future__ import annotations

import contextlib

import pytest

from mailmill.settings.attachmentrules import parse
from mailmill.settings.conffile import ConfFile
from mailmill.settings.defaultsfile import read_defaults
from mailmill.settings.expansion import expand
from mailmill.settings.functions import parse_call
from mailmill.settings.kinds import YES_NO
from mailmill.settings.options import TABLE
from mailmill.settings.patternsyntax import parse_pattern, parse_virus
from mailmill.settings.rulesetfile import RuleSetReader

#: Characters.
LONG = 100_000
BLANKS = " " * LONG
FILLINGS = [BLANKS, "a" * LONG, "%" * LONG, "%3A" * LONG, "$A" * LONG, "," * LONG, '"' * LONG, "*" * LONG]
FILLINGS += [
    "=" * LONG,
    "(" * LONG,
    "/" * LONG,
    "." * LONG,
    "\t" * LONG,
    "a " * LONG,
    "a@" * LONG,
    "- " * LONG,
]
names = pytest.mark.parametrize("filling", FILLINGS, ids=lambda text: repr(text[:3]))


def around(filling):
    """The filling between things that let a match begin and then fail."""
    return [
        f"a{filling}b",
        f'a = b{filling}"',
        f"&a{filling}x",
        f"%a{filling}!",
        f'deliver{filling}"',
        f"a=1{filling}x",
    ]


@names
def test_files_of_long_lines_are_read(tmp_path, filling):
    path = tmp_path / "file"
    path.write_text("\n".join(around(filling)))
    ConfFile(environ={"A": "b"}).read(path)
    read_defaults(path)
    path.write_text("".join(f"From: {line}\n" for line in around(filling)))
    RuleSetReader(YES_NO.parse).read(path, default=True)


@names
def test_long_values_are_read(filling):
    for text in around(filling):
        with contextlib.suppress(ValueError):
            parse_call(text)
        with contextlib.suppress(ValueError):
            expand(text, {}, {"A": "b"})
        for kind in {option.kind for option in TABLE.values()}:
            with contextlib.suppress(ValueError):
                kind.parse(text)
                kind.advise(text)


@names
def test_long_patterns_and_expressions_are_read(filling):
    for text in (filling, f"/{filling}/", f"a@{filling}", f"host:{filling}", f"10.{filling}"):
        with contextlib.suppress(ValueError):
            parse_pattern(text)
        with contextlib.suppress(ValueError):
            parse_virus(text)
    with contextlib.suppress(Exception):
        parse(f"deny\t{filling}\tlog\tuser\n{filling}", "f")
