from __future__ import annotations

import contextlib
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installed_plugins import install, install_example
from mailmill.errors import ConfigError
from mailmill.settings import functions
from mailmill.settings.conffile import Assignment
from mailmill.settings.explain import Explainer
from mailmill.settings.facts import MailFacts
from mailmill.settings.formail import MailSettings
from mailmill.settings.functions import Call, FunctionValues, as_text, parse_call
from mailmill.settings.kinds import WORDS, YES_NO
from mailmill.settings.mailscanner import Fate, findings
from mailmill.settings.options.policy import IS_DEFINITELY_SPAM, NOTICES_TO
from mailmill.settings.values import Settings

FACTS = MailFacts("spammer@example.org", "a@example.com", "192.0.2.1")


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("&Blocked", Call("Blocked", ())),
        ("&Blocked()", Call("Blocked", ())),
        ("& Blocked ( a , 'b, c',\"d)\" );", Call("Blocked", ("a", "b, c", "d)"))),
        ("&Blocked(,)", Call("Blocked", ("", ""))),
        ("yes", None),
        ("&", None),
        ("& co., and more", None),
    ],
)
def test_a_call_is_a_name_and_arguments(text, call):
    assert parse_call(text) == call


@given(st.text("&ab (),'\"", max_size=12))
def test_any_text_is_a_call_or_not_or_an_error(text):
    with contextlib.suppress(ValueError):
        assert parse_call(text) is None or text.startswith("&")


def test_the_example_decides_an_option(monkeypatch, tmp_path):
    install_example(monkeypatch, tmp_path / "site")
    (tmp_path / "blocked").write_text("Spammer@example.org\n")
    text = f"&Blocked({tmp_path}/blocked)"
    settings = Settings.of({"Is Definitely Spam": text, "%org-name%": "x"})
    assert MailSettings(settings, FACTS)[IS_DEFINITELY_SPAM] is True
    other = MailFacts("friend@example.org", "a@example.com", "192.0.2.1")
    assert MailSettings(settings, other)[IS_DEFINITELY_SPAM] is False
    assert settings.warnings == ()
    (reason,) = Explainer(settings).reasons(IS_DEFINITELY_SPAM, FACTS)
    assert reason.text == f"{text} says True"
    (found,) = findings([Assignment("Is Definitely Spam", text, "f:1", text)], str)
    assert found.fate is Fate.WORKS


def test_a_factory_that_fails_refuses_the_configuration(monkeypatch, tmp_path):
    install_example(monkeypatch, tmp_path / "site")
    with pytest.raises(ConfigError) as caught:
        Settings.of({"Is Definitely Spam": f"&Blocked({tmp_path}/none)", "Notices To": "&Blocked(a, b)"})
    first, second = caught.value.problems
    assert first.startswith("values: Is Definitely Spam names a function that cannot be made: &Blocked(")
    assert "No such file or directory" in first
    assert "takes 1 positional argument" in second


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("no_such_module:f", "the plug-in Fun cannot be loaded: ModuleNotFoundError"),
        ("os:sep", "which cannot be called"),
        ("builtins:str", "'' cannot be called"),
    ],
)
def test_what_is_no_function_refuses_the_configuration(monkeypatch, tmp_path, target, problem):
    install(monkeypatch, tmp_path, {"mailmill.functions": {"Fun": target}})
    with pytest.raises(ConfigError) as caught:
        Settings.of({"Is Definitely Spam": "&Fun"})
    assert problem in caught.value.problems[0]


def values(function, kind=YES_NO, *, default=False, clock=lambda: 0.0):
    return FunctionValues("&Fun", function, kind.parse, default, clock)


@pytest.mark.parametrize(
    ("said", "value"), [(True, True), (False, False), ("yes", True), (1, True), (None, True)]
)
def test_what_a_function_says_is_a_value_as_in_the_file(said, value):
    assert values(lambda _: said, default=True).first(FACTS) is value
    assert values(lambda _: "a@x, b@x", WORDS, default=()).all(FACTS) == (("a@x", "b@x"),)


@pytest.mark.parametrize("said", ["maybe", b"yes", [], object])
def test_nonsense_is_the_default_and_in_the_log(said, caplog):
    assert values(lambda _: said, default=True).first(FACTS) is True
    assert "custom function &Fun failed for a@example.com: the default counts" in caplog.text


def test_an_exception_is_the_default_and_in_the_log(caplog):
    def leave(_):
        raise SystemExit(1)

    def divide(_):
        return 1 // 0

    assert values(divide).first(FACTS) is False
    assert "ZeroDivisionError" in caplog.text
    assert values(leave).first(FACTS) is False
    assert "it ended with SystemExit(1)" in caplog.text


def test_a_function_that_hangs_is_given_up_and_rests(monkeypatch, caplog):
    monkeypatch.setattr(functions, "TIME_LIMIT", 0.01)
    release, asked, now = threading.Event(), [], [0.0]

    def hang(_):
        asked.append(1)
        release.wait()
        return True

    function = values(hang, clock=lambda: now[0])
    assert [function.first(FACTS) for _ in range(3)] == [False] * 3
    assert len(asked) == 1
    assert "custom function &Fun: no answer within" in caplog.text
    release.set()
    monkeypatch.setattr(functions, "TIME_LIMIT", 10)
    now[0] = functions.REST
    assert function.first(FACTS) is True


def test_a_function_is_no_constant_and_has_no_rules():
    function = values(lambda _: True)
    assert not function.is_constant
    assert list(function.matching(FACTS)) == []


def test_a_function_joins_nothing(monkeypatch, tmp_path):
    install(monkeypatch, tmp_path, {"mailmill.functions": {"Fun": "functools:partial"}})
    monkeypatch.setattr(functions, "load_plugin", lambda _: lambda: lambda _: "a@x b@x")
    settings = Settings.of({"Notices To": "&Fun"})
    assert MailSettings(settings, FACTS)[NOTICES_TO] == ("a@x", "b@x")


def test_only_what_can_stand_in_the_file_is_text():
    assert [as_text(v) for v in (True, 2, 2.5, "x")] == ["yes", "2", "2.5", "x"]
    with pytest.raises(TypeError, match="must return"):
        as_text(None)
