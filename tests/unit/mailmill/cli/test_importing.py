from __future__ import annotations

import pytest
from click.testing import CliRunner

from mailmill.cli import main


@pytest.fixture
def conf(tmp_path):
    return tmp_path / "MailScanner.conf"


@pytest.fixture
def report(conf):
    def report(text, *args):
        conf.write_text("%org-name% = acme\n" + text)
        return CliRunner().invoke(main, ["import", str(conf.parent), *args])

    return report


def test_a_configuration_that_works_is_status_0(report):
    result = report("Milter Port = 25\nUnpack Microsoft Documents = no\nMax Children = 5\n")
    assert result.exit_code == 0
    assert result.output.splitlines()[2:] == [
        "                   options  not as shipped",
        "works as it is           2               2",
        "differs                  0               0",
        "not supported yet        0               0",
        "not applicable           1               0",
    ]


def test_what_was_chosen_and_has_no_effect_is_status_1_and_stands_with_what_to_know(report, conf):
    result = report("Max Children = 9\nDB Password = hunter2\n")
    assert result.exit_code == 1
    assert f"Not applicable:\n  {conf}:2: Max Children = 9\n      Celery starts" in result.output
    assert f"Not supported yet:\n  {conf}:3: DB Password = (not shown)\n" in result.output


def test_errors_are_status_2(report, conf):
    result = report("Milter Prot = 25\n")
    assert result.exit_code == 2
    assert f"Errors:\n  {conf}:2: unknown option Milter Prot (did you mean Milter Port?)\n" in result.output


def test_what_is_as_shipped_is_named_and_with_all_told(report, conf):
    text = "Unpack Microsoft Documents = yes\nMultiple Headers = append\n"
    short, long = report(text), report(text, "--all")
    assert (short.exit_code, long.exit_code) == (0, 0)
    assert (
        "Differs, and set as MailScanner ships them (--all tells more):\n  Multiple Headers\n" in short.output
    )
    assert f"Differs:\n  {conf}:3: Multiple Headers = append\n" in long.output
    assert "ships them" not in long.output


def test_a_place_that_is_not_there_is_wrong_usage(tmp_path):
    assert CliRunner().invoke(main, ["import", str(tmp_path / "none")]).exit_code == 2
