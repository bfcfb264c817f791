from __future__ import annotations

import pytest

from mailmill.errors import ConfigError
from mailmill.settings.options.policy import IS_DEFINITELY_SPAM
from mailmill.settings.options.scanners import CLAMD_SOCKET, VIRUS_SCANNERS
from mailmill.settings.values import Settings


def settings_of(values):
    settings = Settings.of({"%org-name%": "acme", **values})
    return settings, [warning.partition(": ")[2] for warning in settings.warnings]


@pytest.mark.parametrize("value", ["&SQLBlacklist", "&Custom(/etc/x, 3)", "blacklist.customize"])
def test_a_value_that_perl_or_a_database_has_is_the_default_with_a_warning(value):
    settings, warnings = settings_of({"Is Definitely Spam": value})
    assert settings.rule(IS_DEFINITELY_SPAM).default is False
    (warning,) = warnings
    assert warning.startswith(f"Is Definitely Spam: {value} is not installed (a Python plug-in ")
    assert warning.endswith("the default counts, no")


def test_an_option_that_mailscanner_has_no_functions_for_takes_the_text_as_it_is():
    with pytest.raises(ConfigError, match="Milter Port must be a whole number"):
        Settings.of({"Milter Port": "&Port"})


def test_what_is_the_same_for_all_mail_has_the_default_of_a_ruleset(tmp_path):
    rules = tmp_path / "x.rules"
    rules.write_text("From: *@b.example /run/b.sock\nFromOrTo: default /run/a.sock\n")
    settings, warnings = settings_of({"Clamd Socket": str(rules)})
    assert settings[CLAMD_SOCKET] == ("/run/a.sock",)
    assert warnings == [f"Clamd Socket takes no ruleset: the default of {rules} counts for all mail"]


def test_a_ruleset_with_nothing_but_a_default_needs_no_warning(tmp_path):
    rules = tmp_path / "x.rules"
    rules.write_text("FromOrTo: default /run/a.sock\n")
    settings, warnings = settings_of({"Clamd Socket": str(rules)})
    assert settings[CLAMD_SOCKET] == ("/run/a.sock",)
    assert warnings == []


def test_a_socket_is_no_ruleset():
    settings, warnings = settings_of({"Clamd Socket": "/run/clamd.sock"})
    assert (settings[CLAMD_SOCKET], warnings) == (("/run/clamd.sock",), [])


@pytest.mark.parametrize(
    ("text", "scanners"),
    [
        ("auto", ("clamd",)),
        ("clamav clamd", ("clamd",)),
        ("Clamd", ("clamd",)),
        ("none", ("none",)),
        ("", ()),
    ],
)
def test_mailscanners_words_for_clamav_mean_clamd(text, scanners):
    settings, warnings = settings_of({"Virus Scanners": text})
    assert settings[VIRUS_SCANNERS] == scanners
    assert bool(warnings) == (text in {"auto", "clamav clamd"})


def test_a_virus_scanner_that_is_not_there_is_an_error():
    with pytest.raises(
        ConfigError,
        match="Virus Scanners must be clamd or none, or a plug-in that is installed, not 'sophos'",
    ):
        Settings.of({"Virus Scanners": "clamd, sophos"})
