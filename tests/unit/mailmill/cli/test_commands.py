from __future__ import annotations

import logging
import os
from unittest.mock import Mock

import pytest
from click.testing import CliRunner

from mailmill import __version__
from mailmill.cli import main
from mailmill.cli.context import Cli
from mailmill.cli.group import CommandGroup, UnavailableError
from mailmill.errors import ConfigError
from mailmill.settings.mailscannerpage import mailscanner_page
from mailmill.settings.options.milter import MILTER_PORT
from mailmill.settings.reference import reference_page


@pytest.fixture
def conf(tmp_path):
    path = tmp_path / "MailScanner.conf"
    path.write_text("%org-name% = acme\n")
    return path


@pytest.fixture
def run(monkeypatch, conf):
    monkeypatch.setenv("MAILMILL_CONF", str(conf))
    # An empty file of rules: this host may have none in MailScanner's place.
    monkeypatch.setenv("MAILMILL_FILENAME_RULES", os.devnull)
    monkeypatch.setenv("MAILMILL_FILETYPE_RULES", os.devnull)
    return lambda *args: CliRunner().invoke(main, args)


def test_help_names_the_commands_and_the_exit_status(run):
    result = run("--help")
    assert result.exit_code == 0
    for word in ("check", "conf", "milter", "queue-manager", "version", "78"):
        assert word in result.output


@pytest.mark.parametrize("group", [(), ("conf",), ("queue",)])
def test_the_list_of_commands_has_whole_sentences(run, group):
    assert "..." not in run(*group, "--help").output.partition("Commands:")[2]


def test_an_option_behind_the_command_is_put_right(run, conf):
    result = run("check", "--conf", str(conf))
    assert result.exit_code == 2
    assert "mailmill --conf FILE COMMAND" in result.output


def test_the_version_is_told(run):
    assert run("--version").output == f"mailmill, version {__version__}\n"
    assert run("version").output.startswith(f"mailmill {__version__}\npython 3.")
    assert "\nsystem Linux-" in run("version").output


def test_a_good_configuration_is_in_order(run):
    result = run("check")
    assert (result.exit_code, result.output) == (0, "The configuration is in order.\n")


def test_warnings_alone_are_status_1(run, conf):
    conf.write_text("%org-name% = acme\nMTA = msmtp\n")
    result = run("check")
    assert result.exit_code == 1
    assert result.output == f"warning: {conf}:2: MTA is spelled msmail (msmtp is another program)\n"


def test_errors_are_status_2_and_stand_with_the_warnings(run, conf):
    conf.write_text("MTA = msmtp\nMilter Port = 0\nMilter Prot = 1\n")
    result = run("check")
    assert result.exit_code == 2
    assert result.output.splitlines() == [
        f"error: {conf}:3: unknown option Milter Prot (did you mean Milter Port?)",
        f"error: {conf}:2: Milter Port must be from 1 to 65535, not 0",
        "warning: %org-name% is not set: headers are named after 'yoursite', as at every such site",
        f"warning: {conf}:1: MTA is spelled msmail (msmtp is another program)",
    ]


def test_another_file_can_be_checked(run, conf, tmp_path):
    conf.write_text("nonsense")
    other = tmp_path / "other.conf"
    other.write_text("%org-name% = acme\n")
    assert run("check", str(other)).exit_code == 0
    assert run("--conf", str(other), "check").exit_code == 0
    assert run("check", str(tmp_path / "none")).exit_code == 2


def test_a_wrong_configuration_stops_every_other_command_with_status_78_and_no_traceback(run, conf):
    conf.write_text("Milter Port = 0\nDebug = x\n")
    result = run("conf", "show", "Milter Port")
    assert result.exit_code == 78
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        f"mailmill: {conf}:2: Debug must be yes or no, not 'x'",
        f"mailmill: {conf}:1: Milter Port must be from 1 to 65535, not 0",
    ]


def test_an_option_is_shown_with_its_source(run, conf):
    conf.write_text("%org-name% = acme\nMilter Port = 25\n")
    lines = [line.strip() for line in run("conf", "show", "milter-port").output.splitlines()]
    assert lines[:3] == ["Milter Port = 25", f"source:      {conf}:2", "default:     33333"]
    assert f"variable:    {MILTER_PORT.variable}" in lines


def test_the_name_of_an_option_needs_no_quotes(run):
    assert run("conf", "show", "Milter", "Port").output == run("conf", "show", "Milter Port").output


def test_all_options_are_shown(run):
    assert "Mail Header = X-acme-MailScanner\n" in run("conf", "show").output


def test_an_option_that_is_none_is_wrong_usage(run):
    result = run("conf", "show", "Milter Prot")
    assert result.exit_code == 2
    assert "did you mean Milter Port?" in result.output


def test_the_reference_page_is_printed(run):
    assert run("conf", "reference").output == reference_page()


def test_an_unknown_command_is_wrong_usage(run):
    assert run("chekc").exit_code == 2


@pytest.mark.parametrize("target", ["mailmill.no_such_module:thing", "mailmill.errors:no_such_thing"])
def test_a_command_that_cannot_be_loaded_says_why(monkeypatch, target):
    monkeypatch.setattr("mailmill.cli.group._commands", lambda: {"broken": target})
    group = CommandGroup("test")
    assert "cannot be loaded" in CliRunner().invoke(group, ["--help"]).output
    result = CliRunner().invoke(group, ["broken", "--flag", "x"])
    assert result.exit_code == UnavailableError.exit_code == 69
    assert "the command broken cannot be loaded: " in result.output
    assert "no_such" in result.output


@pytest.fixture
def quiet_logging():
    """Leave the log of the tests as it was: a daemon takes it over."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before


@pytest.mark.parametrize(("text", "refused"), [("run_mailscanner=0\n", True), ("run_mailscanner=1\n", False)])
def test_a_daemon_does_not_start_on_a_host_that_is_switched_off(
    tmp_path, quiet_logging, monkeypatch, text, refused
):
    monkeypatch.setenv("MAILMILL_CONF", "")
    defaults, conf = tmp_path / "defaults", tmp_path / "MailScanner.conf"
    defaults.write_text(text)
    conf.write_text("%org-name% = acme\nMilter Port = 4711\n")
    cli = Cli(conf, defaults)
    if refused:
        with pytest.raises(ConfigError, match="run_mailscanner is 0"):
            cli.begin()
    else:
        assert cli.begin()[MILTER_PORT] == 4711


def test_a_daemon_tells_the_warnings_and_which_file_it_reads(tmp_path, quiet_logging, monkeypatch, capsys):
    monkeypatch.setenv("MAILMILL_CONF", "")
    conf = tmp_path / "MailScanner.conf"
    conf.write_text("%org-name% = acme\nMTA = msmtp\n")
    Cli(conf, tmp_path / "none").begin()
    assert "msmtp" in capsys.readouterr().err
    assert os.environ["MAILMILL_CONF"] == str(conf)


def test_rules_about_attachments_that_are_not_there_are_told(run, monkeypatch):
    monkeypatch.setattr(
        "mailmill.settings.values.load", Mock(side_effect=FileNotFoundError(2, "No such file"))
    )
    monkeypatch.delenv("MAILMILL_FILENAME_RULES")
    monkeypatch.delenv("MAILMILL_FILETYPE_RULES")
    result = run("check")
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        f"warning: {name} Rules: /etc/MailScanner/{name.lower()}.rules.conf: No such file: no attachment is "
        "stopped by its rules"
        for name in ("Filename", "Filetype")
    ]


def test_a_user_that_this_host_does_not_have_is_a_warning(run, conf):
    conf.write_text("%org-name% = acme\nRun As User = no-such-user\n")
    result = run("check")
    assert (result.exit_code, result.output) == (
        1,
        f"warning: {conf}:2: Run As User: there is no user no-such-user on this host\n",
    )


def test_conf_diff_shows_what_has_another_value_than_its_default(run, conf, tmp_path, monkeypatch):
    monkeypatch.delenv("MAILMILL_FILENAME_RULES")
    monkeypatch.delenv("MAILMILL_FILETYPE_RULES")
    (tmp_path / "x.rules").write_text("From: x.example no\n")
    conf.write_text(
        "%org-name% = acme\nMilter Port = 25\nMilter Scanner = 1\nMail Header = X-acme-MailScanner:\n"
        f"Spam Checks = {tmp_path}/x.rules\n"
    )
    result = run("conf", "diff")
    assert (result.exit_code, result.output.splitlines()) == (
        0,
        [
            "Milter Port = 25",
            "  default:     33333",
            f"  source:      {conf}:2",
            f"Spam Checks = {tmp_path}/x.rules",
            "  default:     yes",
            f"  source:      {conf}:5",
        ],
    )


def test_conf_show_tells_of_an_option_of_mailscanner_that_is_not_read(run):
    result = run("conf", "show", "max children")
    assert (result.exit_code, result.output.splitlines()[:3]) == (
        0,
        ["Max Children is not read", "  status:      not applicable", "  MailScanner: 5"],
    )


def test_conf_reference_prints_the_page_of_mailscanners_options(run):
    assert run("conf", "reference", "--mailscanner").output == mailscanner_page()


def test_rules_about_attachments_are_checked(run, conf, tmp_path, monkeypatch):
    monkeypatch.delenv("MAILMILL_FILENAME_RULES")
    names = tmp_path / "names.conf"
    names.touch()
    conf.write_text(f"%org-name% = acme\nFilename Rules = {names}\n")
    assert run("check").exit_code == 0
    names.write_text("rename\tx\ty\tz\n")
    result = run("check")
    assert (result.exit_code, result.output) == (
        1,
        f"warning: {names}:1: 'rename' is not supported yet and treated as deny\n",
    )
    names.write_text("refuse\tx\ty\tz\n")
    assert run("check").exit_code == 2
