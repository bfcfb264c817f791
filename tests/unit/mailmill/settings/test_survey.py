from __future__ import annotations

import pytest

from mailmill.settings.mailscanner import Fate
from mailmill.settings.survey import survey


@pytest.fixture
def place(tmp_path):
    """A directory like /etc/MailScanner, at another place."""
    for name in ("conf.d", "rules"):
        (tmp_path / name).mkdir()
    (tmp_path / "MailScanner.conf").write_text(
        "%org-name% = acme\n"
        "%rules-dir% = /etc/MailScanner/rules\n"
        "Milter Port = 25\n"
        "Unpack Microsoft Documents = %rules-dir%/sign.rules\n"
        "Is Definitely Spam = /etc/MailScanner/rules/black.rules\n"
        "include /etc/MailScanner/conf.d/*\n"
    )
    (tmp_path / "conf.d/own.conf").write_text("Max Children = 9\n")
    (tmp_path / "rules/sign.rules").write_text("From: x.example yes\nBy: sobig no\n")
    (tmp_path / "rules/black.rules").write_text("From: y.example yes\nFrom: z.example yes\nTo: default no\n")
    (tmp_path / "filename.rules.conf").write_text("rename\t\\.fdf$\tlog\tuser\n")
    return tmp_path


def test_every_option_that_is_set_has_its_fate(place):
    found = survey(place, {})
    assert {one.known.name: one.fate for one in found.findings} == {
        "Milter Port": Fate.WORKS,
        "Unpack Microsoft Documents": Fate.NOT_YET,
        "Is Definitely Spam": Fate.WORKS,
        "Max Children": Fate.NOT_APPLICABLE,
    }
    assert found.problems == ()


def test_what_a_copy_says_of_its_old_place_is_looked_for_in_the_copy(place):
    found = survey(place, {})
    assert found.findings[-1].assignment.where == f"{place}/conf.d/own.conf:1"
    assert [(file.path, file.options, file.rules) for file in found.rulesets] == [
        (place / "rules/sign.rules", ("Unpack Microsoft Documents",), 1),
        (place / "rules/black.rules", ("Is Definitely Spam",), 2),
    ]


def test_warnings_are_about_what_is_read_and_about_rulesets_that_are_not_understood(place):
    assert survey(place, {}).warnings == (
        f"{place}/filename.rules.conf:1: 'rename' is not supported yet and treated as deny",
        f"{place}/rules/sign.rules:2: 'By:' is none of From:, To:, FromOrTo:, FromAndTo:, Virus:",
    )


def test_a_service_that_is_switched_off_is_told(place):
    (place / "defaults").write_text("run_mailscanner=0\n")
    assert f"{place}/defaults: run_mailscanner is 0: the daemons refuse to start until it is 1" in (
        survey(place, {}).warnings
    )


def test_all_errors_are_told_and_the_rest_as_well(place):
    (place / "conf.d/own.conf").write_text("Milter Port = 0\nMilter Prot = 1\n")
    found = survey(place / "MailScanner.conf", {})
    assert found.problems == (
        f"{place}/conf.d/own.conf:2: unknown option Milter Prot (did you mean Milter Port?)",
        f"{place}/conf.d/own.conf:1: Milter Port must be from 1 to 65535, not 0",
    )
    assert len(found.findings) == 3
    assert len(found.rulesets) == 2


def test_wrong_rules_about_attachments_are_errors(place):
    (place / "filename.rules.conf").write_text("refuse\tx\ty\tz\n")
    assert survey(place, {}).problems == (
        f"{place}/filename.rules.conf:1: must begin with allow or deny, not 'refuse'",
    )


def test_files_of_patterns_are_looked_for_in_the_copy(place):
    (place / "rules/black.rules").write_text("From: /etc/MailScanner/rules/bad.list yes\n")
    (place / "rules/bad.list").write_text("x.example\nspammer@y.example yes\n")
    assert survey(place, {}).problems == (
        f"{place}/rules/bad.list:2: 'spammer@y.example yes' is no address pattern: it has ' ' in it",
    )


def test_a_ruleset_that_is_called_otherwise_is_told_of_too(place):
    (place / "rules/black").write_text("From: y.example yes\n")
    (place / "conf.d/own.conf").write_text("Is Definitely Spam = /etc/MailScanner/rules/black\n")
    assert [file.path for file in survey(place, {}).rulesets] == [
        place / "rules/sign.rules",
        place / "rules/black",
    ]


def test_a_value_as_shipped_stays_one_when_conf_d_changes_its_variable(place):
    (place / "MailScanner.conf").write_text(
        "MCP Header = X-%org-name%-MailScanner-MCPCheck:\ninclude /etc/MailScanner/conf.d/*\n"
    )
    (place / "conf.d/own.conf").write_text("%org-name% = acme\n")
    (found,) = survey(place, {}).findings
    assert found.shipped
    assert found.assignment.value == "X-yoursite-MailScanner-MCPCheck:"
