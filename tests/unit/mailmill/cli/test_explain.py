from __future__ import annotations

import pytest
from click.testing import CliRunner

from mailmill.cli import main


@pytest.fixture
def run(tmp_path):
    rules = tmp_path / "x.rules"
    rules.write_text("To: carol@x.example no\nFrom: 10. yes\nTo: default no\n")
    conf = tmp_path / "MailScanner.conf"
    conf.write_text(f"%org-name% = acme\nVirus Scanning = {rules}\nMilter Port = 25\n")
    return lambda *args: CliRunner().invoke(main, ["--conf", str(conf), "explain", *args])


MAIL = (
    "--from",
    "<a@y.example>",
    "--to",
    "bob@x.example",
    "--to",
    "<carol@x.example>",
    "--to",
    "dan@x.example",
)


def test_recipients_with_the_same_rules_stand_together(run, tmp_path):
    result = run(*MAIL, "--ip", "10.1.2.3", "virus-scanning")
    rules = f"{tmp_path}/x.rules"
    assert result.output.splitlines() == [
        "To bob@x.example, dan@x.example:",
        f"  Virus Scanning: From: 10. yes  ({rules}:2)",
        "To carol@x.example:",
        f"  Virus Scanning: To: carol@x.example no  ({rules}:1)",
        f"  Virus Scanning: From: 10. yes  ({rules}:2)",
    ]


def test_without_an_option_all_that_may_have_rulesets_are_explained(run):
    lines = run(*MAIL[:4]).output.splitlines()
    assert lines[0] == "To bob@x.example:"
    assert "  Is Definitely Spam: no  (default)" in lines
    assert not any("Milter Port" in line for line in lines)


def test_an_option_without_rulesets_is_explained_when_it_is_named(run, tmp_path):
    assert run(*MAIL[:4], "Milter Port").output.endswith(
        f"  Milter Port: 25  ({tmp_path}/MailScanner.conf:3)\n"
    )


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("Milter Prot",), "unknown option Milter Prot (did you mean Milter Port?)"),
        (("Max Children",), "Max Children is not read (not applicable): Celery starts"),
        (("--ip", "10.1"), "--ip 10.1 is no IP address"),
    ],
)
def test_what_cannot_be_explained_is_wrong_usage(run, args, words):
    result = run(*MAIL[:4], *args)
    assert result.exit_code == 2
    assert words in " ".join(result.output.split())
