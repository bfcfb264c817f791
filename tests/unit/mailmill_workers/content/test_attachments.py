from pathlib import Path

import magic
import pytest

from mailmill.findings import Forbidden
from mailmill.settings.attachmentrules import load, parse
from mailmill.settings.files import DiskFiles
from mailmill_workers.content.attachments import forbidden
from mailmill_workers.content.part import Part

SHIPPED = Path(__file__).parents[4] / "deploy" / "etc"
NAMES = parse("allow\t\\.txt$\t-\t-\ndeny\t\\.exe$\tprogram\tNo programs.\n", "names")
TYPES = parse("deny\t^ELF\tprogram\tNo programs.\n", "types")
#: The beginning of a 64-bit ELF file: enough for libmagic.
ELF = b"\x7fELF\x02\x01\x01" + b"\0" * 9 + b"\x02\0\x3e\0\x01\0\0\0" + b"\0" * 44


def part(*names, content=b""):
    return Part((0,), "application/octet-stream", names, content)


def test_a_denied_name_is_forbidden():
    assert forbidden([part("a.txt"), part("a.exe")], NAMES, ()) == (
        Forbidden("a.exe", "program", "No programs."),
    )


def test_one_denied_name_is_enough_whatever_the_others_are():
    assert forbidden([part("a.txt", "a.exe")], NAMES, ()) == (Forbidden("a.txt", "program", "No programs."),)


def test_a_denied_type_is_forbidden_under_any_name():
    assert forbidden([part("a.txt", content=ELF)], NAMES, TYPES) == (
        Forbidden("a.txt", "program", "No programs."),
    )
    assert forbidden([part(content=ELF)], NAMES, TYPES) == (Forbidden("", "program", "No programs."),)


def test_a_mime_type_is_asked_for_where_a_rule_needs_it():
    rules = parse("deny\t-\tx-executable\tprogram\tNo programs.\n", "types")
    assert forbidden([part(content=ELF), part(content=b"hello")], (), rules) == (
        Forbidden("", "program", "No programs."),
    )


def test_without_rules_nothing_is_forbidden():
    assert forbidden([part("a.exe", content=ELF)], (), ()) == ()


def test_the_end_of_a_very_long_name_still_counts():
    assert forbidden([part("a" * 2000 + ".exe")], NAMES, ())


def test_a_type_that_libmagic_cannot_tell_is_not_allowed(monkeypatch):
    def fail(self, content):
        raise magic.MagicException("regex error")

    monkeypatch.setattr(magic.Magic, "from_buffer", fail)
    (found,) = forbidden([part("x", content=b"x")], NAMES, TYPES)
    assert found.log_text == "libmagic cannot tell its type: regex error"


@pytest.fixture(scope="module")
def shipped():
    return load(SHIPPED / "filename.rules.conf", DiskFiles()), load(
        SHIPPED / "filetype.rules.conf", DiskFiles()
    )


@pytest.mark.parametrize(
    "name",
    [
        "setup.exe",
        "invoice.pdf.exe",
        "invoice.pdf .js",
        "photo.jpg" + " " * 40 + ".scr",
        "a" * 160 + ".pdf",
        "x.{00020C01-0000-0000-C000-000000000046}",
        "invoice\u202efdp.zip",
        "Invoice.LNK",
        "disk.iso",
        "run.ps1",
        "tool.jar",
    ],
)
def test_shipped_rules_deny(shipped, name):
    assert len(forbidden([part(name)], *shipped)) == 1


@pytest.mark.parametrize(
    "name", ["report.pdf", "Mr. Smith - offer 1.2.docx", "photo.jpg", "notes.txt", "a.tar.gz", "data.csv"]
)
def test_shipped_rules_allow(shipped, name):
    assert forbidden([part(name, content=b"Hello\n")], *shipped) == ()


@pytest.mark.parametrize(
    ("content", "denied"),
    [
        (ELF, True),
        (b"#!/bin/sh\necho hello\n", True),
        (b"@echo off\r\ndel *.*\r\n", True),
        (b"%PDF-1.4\n", False),
        (b"import os\n\ndef main():\n    pass\n", False),
        (b"Dear Sir,\n\nplease find attached.\n", False),
        (b"<html><body>Hello</body></html>", False),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", False),
    ],
)
def test_shipped_rules_know_types(shipped, content, denied):
    assert bool(forbidden([part(content=content)], *shipped)) is denied
