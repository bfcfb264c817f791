from __future__ import annotations

import logging
import os
import threading

import pytest

from mailmill.configuration.live import Live
from mailmill.errors import ConfigError
from mailmill.settings import Settings
from mailmill.settings.options.delivery import BOUNCE_FROM
from mailmill.settings.options.milter import MILTER_PORT


class Given:
    """A source that returns or raises what it was given, one a look."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.accepted = 0

    def newer(self):
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def accept(self):
        self.accepted += 1

    def in_child(self):
        return Given("child")


def made(version: str, **values: str) -> Settings:
    settings = Settings.of({name.replace("_", " "): value for name, value in values.items()})
    settings.version = version
    return settings


def test_new_settings_come_into_force_as_a_whole():
    old, new = made("1", Bounce_From="one"), made("2", Bounce_From="two")
    live = Live(Given(None, new), old)
    live.look()
    assert live.settings is old
    live.look()
    assert live.settings is new
    assert old[BOUNCE_FROM] == "one"


def test_what_counts_at_start_only_stays_and_is_told(caplog):
    caplog.set_level(logging.INFO)
    live = Live(Given(made("2", Milter_Port="26", Bounce_From="two")), made("1", Milter_Port="25"))
    live.look()
    assert live.settings[MILTER_PORT] == 25
    assert live.settings[BOUNCE_FROM] == "two"
    assert caplog.messages == [
        "configuration 2 is in force, after 1",
        "Milter Port = 26 counts after a restart; until then it is 25",
    ]


def test_settings_that_cannot_be_used_are_told_with_all_problems_and_the_old_stay(caplog):
    old = made("1")
    live = Live(Given(ConfigError(["a:1: x", "b:2: y"])), old)
    live.look()
    assert live.settings is old
    assert caplog.messages == ["a new configuration is refused, 1 stays in force", "a:1: x", "b:2: y"]


def test_a_role_can_refuse_settings(caplog):
    def refuse(settings):
        raise ConfigError(["no such engine"])

    old = made("1")
    live = Live(Given(made("2")), old, approve=refuse)
    live.look()
    assert live.settings is old
    assert caplog.messages[-1] == "no such engine"


def test_a_source_that_cannot_be_asked_is_told_of_once(caplog):
    live = Live(Given(OSError("away"), OSError("away"), None, OSError("away")), made("1"))
    for _ in range(4):
        live.look()
    assert caplog.messages == ["no look for a new configuration: away"] * 2


def test_the_thread_goes_on_after_a_fault_and_tells_who_wants_to_hear(monkeypatch):
    monkeypatch.setattr("mailmill.configuration.live.INTERVAL", 0.001)
    heard, done = [], threading.Event()

    def hear(settings):
        heard.append(settings)
        done.set()

    new = made("2")
    live = Live(Given(ZeroDivisionError(), new), made("1"))
    live.watch(hear)
    assert done.wait(10)
    assert heard == [new]


def test_a_forked_process_goes_on_with_what_its_parent_had(monkeypatch):
    start, new = made("1", Milter_Port="25"), made("2", Milter_Port="26")
    live = Live(Given(new), start)
    live.look()
    assert live.in_this_process() is live
    monkeypatch.setattr(os, "getpid", lambda: -1)
    child = live.in_this_process()
    assert child is not live
    assert child.settings is new
    assert child.settings[MILTER_PORT] == 25


@pytest.mark.parametrize("name", ["Milter Port", "Redis URL", "Run As User"])
def test_options_that_count_at_start_are_held(name):
    other = {"Milter Port": "1", "Redis URL": "redis://other", "Run As User": "x"}[name]
    settings = Settings.of({name: other})
    assert [(option.name, text) for option, text in settings.hold_start(Settings.of())] == [(name, other)]
    assert settings.hold_start(Settings.of()) == ()
