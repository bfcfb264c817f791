from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill.errors import ConfigError
from mailmill.settings import values
from mailmill.settings.facts import MailFacts
from mailmill.settings.files import GivenFiles
from mailmill.settings.options import TABLE
from mailmill.settings.options.milter import MILTER_BIND, MILTER_PORT
from mailmill.settings.options.policy import FILENAME_RULES, IS_DEFINITELY_SPAM, MAIL_HEADER, SPAM_ACTIONS
from mailmill.settings.options.scanners import RSPAMD_PASSWORD
from mailmill.settings.options.system import DEBUG, MTA
from mailmill.settings.values import Settings

NAMED = {"MAILMILL_VAR_ORG_NAME": "acme"}


@pytest.fixture
def conf(tmp_path):
    def write(text):
        path = tmp_path / "MailScanner.conf"
        path.write_text("%org-name% = acme\n" + text)
        return path

    return write


def problems_of(path=None, environ=NAMED):
    with pytest.raises(ConfigError) as caught:
        Settings.load(path, environ)
    return [problem.replace(f"{Path(path or '').parent}/", "") for problem in caught.value.problems]


def mail(sender="a@b.example"):
    return MailFacts(sender, "c@d.example", "192.0.2.1")


def test_defaults_are_in_force_without_a_file(monkeypatch, tmp_path):
    monkeypatch.setattr(values, "DEFAULT_FILE", tmp_path / "none")
    settings = Settings.load(environ=NAMED)
    assert settings[MILTER_PORT] == 33333
    assert str(settings.source(MILTER_PORT)) == "default"
    assert settings.warnings == ()


def test_the_usual_file_is_read_when_it_is_there(monkeypatch, conf):
    monkeypatch.setattr(values, "DEFAULT_FILE", conf("Milter Port = 25\n"))
    assert Settings.load(environ={})[MILTER_PORT] == 25


def test_the_file_named_in_the_environment_is_read(conf):
    path = conf("Milter Port = 25\n")
    settings = Settings.load(environ={"MAILMILL_CONF": str(path)})
    assert settings[MILTER_PORT] == 25
    assert str(settings.source(MILTER_PORT)) == f"{path}:2"
    assert settings.warnings == ()


def test_a_file_that_was_named_must_be_there(tmp_path):
    missing = tmp_path / "none"
    assert problems_of(missing) == ["none: cannot be read: No such file or directory"]
    assert problems_of(environ={"MAILMILL_CONF": str(missing)} | NAMED) == [
        f"{missing}: cannot be read: No such file or directory"
    ]


def test_the_environment_beats_the_file(conf):
    path = conf("Milter Port = 25\nMilter Bind = ::1\n")
    settings = Settings.load(path, {"MAILMILL_MILTER_PORT": "26"})
    assert settings[MILTER_PORT] == 26
    assert str(settings.source(MILTER_PORT)) == "MAILMILL_MILTER_PORT"
    assert settings[MILTER_BIND] == "::1"


def test_variables_are_replaced_in_defaults_and_in_the_environment(conf):
    assert Settings.load(conf(""), {}).rule(MAIL_HEADER).default == "X-acme-MailScanner"
    settings = Settings.load(conf(""), {"MAILMILL_MAIL_HEADER": "X-%org-name%"})
    assert settings.rule(MAIL_HEADER).default == "X-acme"


def test_the_environment_sets_variables_too(conf):
    assert (
        Settings.load(conf(""), {"MAILMILL_VAR_ORG_NAME": "other"}).rule(MAIL_HEADER).default
        == "X-other-MailScanner"
    )


def test_a_password_in_the_environment_keeps_its_dollar_signs(conf):
    assert Settings.load(conf(""), {"MAILMILL_RSPAMD_PASSWORD": "a$HOME\\n"})[RSPAMD_PASSWORD] == "a$HOME\\n"


def test_the_host_name_is_always_defined(conf):
    path = conf("Milter Bind = /run/$HOSTNAME\n")
    assert Settings.load(path, {})[MILTER_BIND] == f"/run/{os.uname().nodename}"
    assert Settings.load(path, {"HOSTNAME": "mx1"})[MILTER_BIND] == "/run/mx1"


def test_an_undefined_variable_in_the_environment_is_an_error():
    assert "MAILMILL_MILTER_BIND: %none% is not defined" in problems_of(
        environ=NAMED | {"MAILMILL_MILTER_BIND": "%none%"}
    )


def test_a_variable_of_no_option_is_warned_about(conf):
    settings = Settings.load(conf(""), {"MAILMILL_MILTER_PROT": "1", "PATH": "/bin"})
    assert settings.warnings == (
        "MAILMILL_MILTER_PROT is not the variable of an option (did you mean MAILMILL_MILTER_PORT?)",
    )


def test_all_problems_are_told_at_once(conf):
    path = conf(
        "Milter Prot = 25\nnonsense\nMilter Port = 0\nDebug = maybe\nIs Definitely Spam = /none.rules\n"
    )
    assert problems_of(path, NAMED | {"MAILMILL_MSMAIL_RELAY_PORT": "x"}) == [
        "MailScanner.conf:3: not understood: 'nonsense' (Option = value)",
        "MailScanner.conf:2: unknown option Milter Prot (did you mean Milter Port?)",
        "MailScanner.conf:5: Debug must be yes or no, not 'maybe'",
        "MailScanner.conf:4: Milter Port must be from 1 to 65535, not 0",
        "MAILMILL_MSMAIL_RELAY_PORT: MSMail Relay Port must be a whole number (k, m, g may follow), not 'x'",
        "MailScanner.conf:6: Is Definitely Spam: /none.rules: cannot be read: No such file or directory",
    ]


def test_warnings_are_told_with_the_errors(conf):
    with pytest.raises(ConfigError) as caught:
        Settings.load(conf("Milter Port = 0\nMTA = msmtp\n"), {})
    assert [w.rpartition(":")[2] for w in caught.value.warnings] == [
        " MTA is spelled msmail (msmtp is another program)"
    ]


def test_the_last_value_of_an_option_counts(conf):
    assert Settings.load(conf("Milter Port = 1\nmilterport = 2\n"), {})[MILTER_PORT] == 2


@pytest.mark.parametrize("word", ["msmail", "MSMail", "msmtp"])
def test_both_spellings_of_milter_mode_are_accepted(word):
    settings = Settings.of({"MTA": word})
    assert settings[MTA] == "msmail"
    assert len(settings.warnings) == (word == "msmtp")


@pytest.mark.parametrize("name", ["qmcpd_authorized_clients", "qmqpd_authorized_clients"])
def test_a_parameter_of_postfix_is_sent_to_main_cf(conf, name):
    (problem,) = problems_of(conf(f"{name} = 10.0.0.1\n"))
    assert problem.startswith(f"MailScanner.conf:2: {name} is no option: it belongs into Postfix's main.cf")
    assert problem.endswith("spelled qmqpd_authorized_clients there")


def test_an_organisation_that_is_not_named_is_warned_about(tmp_path):
    path = tmp_path / "conf"
    path.write_text("")
    (warning,) = Settings.load(path, {}).warnings
    assert warning.startswith("%org-name% is not set")


def test_an_organisation_that_cannot_be_part_of_a_header_name_is_warned_about(conf):
    (warning,) = Settings.load(conf(""), {"MAILMILL_VAR_ORG_NAME": "a.b"}).warnings
    assert "only letters, digits" in warning
    assert any(
        "Mail Header must be the name of a header" in p
        for p in problems_of(environ={"MAILMILL_VAR_ORG_NAME": "ä"})
    )


def test_a_value_that_begins_with_a_slash_is_a_ruleset(conf, tmp_path):
    rules = tmp_path / "spam.rules"
    rules.write_text("From: b.example yes\nFrom: 10.1 maybe\n")
    path = conf(f"Is Definitely Spam = {rules}\n")
    assert problems_of(path) == ["spam.rules:2: Is Definitely Spam must be yes or no, not 'maybe'"]
    rules.write_text("From: b.example yes\n")
    settings = Settings.load(path, {})
    assert settings.rule(IS_DEFINITELY_SPAM).first(mail()) is True
    assert settings.rule(IS_DEFINITELY_SPAM).first(mail("x@y")) is False
    assert settings.text(IS_DEFINITELY_SPAM) == str(rules)


def test_values_in_a_ruleset_have_variables(conf, tmp_path):
    (tmp_path / "a.rules").write_text('From: b.example deliver header "X: %org-name%$IT"\n')
    settings = Settings.load(conf(f"Spam Actions = {tmp_path}/a.rules\n"), {"IT": "!"})
    assert settings.rule(SPAM_ACTIONS).first(mail()).headers == (("X", "acme!"),)


def test_where_a_path_is_the_value_only_its_ending_makes_a_ruleset(tmp_path):
    names = tmp_path / "names.conf"
    names.touch()
    plain = Settings.of({"Filename Rules": str(names)})
    assert plain.rule(FILENAME_RULES).first(mail()) == (names,)
    (tmp_path / "names.rules").write_text(f"From: b.example {names}\n")
    rules = Settings.of({"Filename Rules": f"{tmp_path}/names.rules"}).rule(FILENAME_RULES)
    assert rules.first(mail()) == (names,)
    assert rules.first(mail("x@y")) == (Path("/etc/MailScanner/filename.rules.conf"),)


def test_rules_about_attachments_that_somebody_named_must_be_there(conf, tmp_path):
    none = tmp_path / "filename.rules.cnf"
    (problem,) = problems_of(conf(f"Filename Rules = {none}\n"), NAMED)
    assert problem.startswith("MailScanner.conf:2: Filename Rules: filename.rules.cnf: No such file")


def test_rules_about_attachments_that_are_missing_at_mailscanners_place_are_told_to_those_who_scan():
    settings = Settings.load(None, NAMED | {"MAILMILL_CONF": os.devnull}, GivenFiles({os.devnull: b""}))
    assert [text.partition(":")[0] for text in settings.without_rules] == ["Filename Rules", "Filetype Rules"]
    assert not settings.warnings


def test_a_list_of_patterns_that_cannot_be_read_is_told_with_the_line_that_names_it(tmp_path):
    rules = tmp_path / "spam.rules"
    rules.write_text("From: /none/list yes\n")
    with pytest.raises(ConfigError) as caught:
        Settings.of({"Is Definitely Spam": str(rules)})
    assert caught.value.problems == [f"{rules}:1: /none/list: cannot be read: No such file or directory"]


@pytest.mark.parametrize(
    ("incoming", "outgoing"), [("/a/b", "/a/b/"), ("/a/b", "/a/b/c"), ("/a/b/c", "/a/./b")]
)
def test_the_two_queues_must_not_be_in_each_other(conf, incoming, outgoing):
    path = conf(f"Incoming Queue Dir = {incoming}\nOutgoing Queue Dir = {outgoing}\n")
    (problem,) = problems_of(path, NAMED)
    assert problem.startswith("MailScanner.conf:3: Outgoing Queue Dir must be a directory of its own")


def test_queues_with_similar_names_are_no_conflict(conf):
    assert Settings.load(conf("Incoming Queue Dir = /a/b\nOutgoing Queue Dir = /a/b2\n"), {})


def test_the_shortest_wait_must_not_be_longer_than_the_longest(conf):
    assert problems_of(conf("Minimal Backoff Time = 10m\n"), NAMED) == [
        "MailScanner.conf:2: Minimal Backoff Time, 600 s, must not be longer than Maximal Backoff Time, 300 s"
    ]


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost:25", "[::1]", "::1", "10.0.0.1 127.0.0.1"])
def test_delivery_over_smtp_to_the_milters_own_postfix_is_warned_about(conf, address):
    path = conf(f"Milter Ignore Loopback = no\nMSMail Relay Address = {address}\n")
    (warning,) = Settings.load(path, {}).warnings
    assert warning.startswith(f"{path}:2: Milter Ignore Loopback is no, and MSMail Relay Address ")


@pytest.mark.parametrize(
    "text",
    [
        "MSMail Relay Address = 127.0.0.1:10025\n",
        "MSMail Relay Address = 10.0.0.1\n",
        "MSMail Delivery Method = QMQP\n",
        "Milter Ignore Loopback = yes\n",
    ],
)
def test_other_ways_to_the_relay_need_no_warning(conf, text):
    assert not [
        warning
        for warning in Settings.load(conf(f"Milter Ignore Loopback = no\n{text}"), {}).warnings
        if "goes round" in warning
    ]


def test_a_relative_path_is_warned_about(conf):
    (warning,) = Settings.load(conf("Quarantine Dir = quarantine\n"), {}).warnings
    assert "Quarantine Dir does not begin with /" in warning


def test_a_plain_value_is_a_constant_ruleset():
    rules = Settings.of({"Is Definitely Spam": "yes"}).rule(IS_DEFINITELY_SPAM)
    assert rules.is_constant
    assert rules.first(mail()) is True


def test_an_option_that_may_be_a_ruleset_is_read_by_rule_only():
    settings = Settings.of()
    with pytest.raises(TypeError, match=r"use rule\(\)"):
        settings[IS_DEFINITELY_SPAM]
    with pytest.raises(TypeError, match="cannot be a ruleset"):
        settings.rule(DEBUG)


def test_settings_for_a_test_read_neither_file_nor_environment(monkeypatch):
    monkeypatch.setenv("MAILMILL_MILTER_PORT", "1")
    settings = Settings.of({"milter bind": "/run/%org-name%", "%org-name%": "late"})
    assert settings[MILTER_PORT] == 33333
    assert settings[MILTER_BIND] == "/run/yoursite"
    with pytest.raises(ConfigError, match="values: unknown option nothing"):
        Settings.of({"nothing": "x"})
    with pytest.raises(ConfigError, match="values: Debug: %x% is not defined"):
        Settings.of({"Debug": "%x%"})


@given(st.lists(st.tuples(st.sampled_from([option.name for option in TABLE.values()]), st.text(max_size=20))))
def test_any_values_are_settings_or_a_config_error(tmp_path_factory, pairs):
    path = tmp_path_factory.mktemp("conf") / "MailScanner.conf"
    path.write_text("".join(f"{name} = {value}\n" for name, value in pairs), "utf-8", "replace")
    try:
        settings = Settings.load(path, {})
    except ConfigError as exc:
        settings = None
        assert exc.problems  # noqa: PT017 - both outcomes are right
    assert settings is None or all(settings.text(option) is not None for option in TABLE.values())


def test_what_is_odd_about_reports_is_told_together_with_errors(tmp_path):
    report = tmp_path / "report.txt"
    report.write_text("Subject: $nonsense\n")
    with pytest.raises(ConfigError) as caught:
        Settings.of(
            {
                "Recipient Spam Report": str(report),
                "Attachment Encoding Charset": "no such charset",
                "Inline Spam Warning": "/dev/null\0",
            }
        )
    assert len(caught.value.problems) == 2
    assert f"{report}:1: $nonsense is not a variable of reports and stays as it is" in caught.value.warnings
