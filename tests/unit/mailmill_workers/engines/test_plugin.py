from __future__ import annotations

import asyncio
import threading

import pytest

from installed_plugins import install, install_example
from mailmill.errors import ConfigError
from mailmill.findings import Clean, Failed, Found, Scored
from mailmill.settings import Settings
from mailmill_workers.engines import plugin
from mailmill_workers.engines.build import spam_engine, virus_engines
from mailmill_workers.engines.plugin import PluginEngine


class Message:
    id = "ID"

    def __init__(self, content=b""):
        self.content = content


@pytest.fixture(autouse=True)
def _forget():
    plugin.made_engine.cache_clear()


@pytest.fixture
def engine(monkeypatch):
    """Return an engine whose plug-in is the object given, with the limit given."""

    def make(thing, limit=10):
        monkeypatch.setattr(plugin, "made_engine", lambda *_: thing)
        return PluginEngine("mine", Settings.of(), limit)

    return make


def scan(engine, content=b""):
    return asyncio.run(engine.scan(Message(content)))


def test_the_example_scans(monkeypatch, tmp_path):
    install_example(monkeypatch, tmp_path)
    first, second = virus_engines(Settings.of({"Virus Scanners": "clamd Secrets"}))
    assert (first.name, second.name) == ("clamd", "secrets")
    assert scan(second, b"Subject: x\n\nACME TOP SECRET\n") == Found(("Acme.Secret",))
    assert scan(second, b"Subject: x\n\nhello\n") == Clean()


def test_an_engine_that_is_not_installed_is_an_error_of_the_configuration():
    with pytest.raises(ConfigError, match="or a plug-in that is installed, not 'mine'"):
        Settings.of({"Virus Scanners": "mine"})
    with pytest.raises(ConfigError, match="or a plug-in that is installed, not 'mine'"):
        Settings.of({"Spam Scanner": "mine"})


def test_a_plugin_can_be_the_spam_scanner(monkeypatch, tmp_path):
    install(monkeypatch, tmp_path, {"mailmill.engines": {"mine": "mine:Engine"}})
    (tmp_path / "mine.py").write_text(
        "from mailmill.findings import Scored\n"
        "class Engine:\n"
        "    made = 0\n"
        "    def __init__(self, settings): Engine.made += 1\n"
        "    def check(self, mail): return Scored(float(Engine.made))\n"
    )
    settings = Settings.of({"Spam Scanner": "mine"})
    engines = [spam_engine(settings) for _ in range(2)]
    assert [asyncio.run(engine.check(Message())) for engine in engines] == [Scored(1.0)] * 2


def test_an_exception_is_no_answer_and_in_the_log_with_the_name(engine, caplog):
    class Broken:
        def scan(self, _):
            return 1 // 0

    assert scan(engine(Broken())) == Failed("ZeroDivisionError: integer division or modulo by zero")
    assert "ID: engine mine failed" in caplog.text


def test_what_is_no_answer_of_a_virus_scanner_is_none(engine, caplog):
    class Odd:
        def scan(self, _):
            return Scored(1.0)

        def check(self, _):
            return None

    odd = engine(Odd())
    assert scan(odd) == Failed("it answered with Scored")
    assert asyncio.run(odd.check(Message())) == Failed("it answered with NoneType")
    assert "engine mine answered with None" in caplog.text


def test_an_engine_without_the_method_gives_no_answer(engine):
    assert scan(engine(object())) == Failed("AttributeError: 'object' object has no attribute 'scan'")


def test_an_engine_that_hangs_holds_up_nothing_and_gives_no_answer(engine, caplog):
    release = threading.Event()

    class Hanging:
        def scan(self, mail):
            if mail.content:
                release.wait()
            return Clean()

    hanging = engine(Hanging(), 0.05)

    async def both():
        return await asyncio.gather(hanging.scan(Message(b"x")), hanging.scan(Message()))

    assert asyncio.run(both()) == [Failed("no answer within 0.05 s"), Clean()]
    assert "ID: engine mine: no answer within" in caplog.text
    release.set()


def test_an_engine_that_cannot_be_loaded_gives_no_answer_until_it_can(monkeypatch, tmp_path):
    install(monkeypatch, tmp_path, {"mailmill.engines": {"late": "late_engine:Engine"}})
    (late,) = virus_engines(Settings.of({"Virus Scanners": "late"}))
    answer = scan(late)
    assert isinstance(answer, Failed)
    assert "the plug-in late cannot be loaded" in answer.reason
    (tmp_path / "late_engine.py").write_text(
        "from mailmill.findings import Clean\n"
        "class Engine:\n"
        "    def __init__(self, settings): pass\n"
        "    def scan(self, mail): return Clean()\n"
    )
    assert scan(late) == Clean()


def test_an_engine_that_was_removed_gives_no_answer():
    assert scan(PluginEngine("gone", Settings.of(), 10)) == Failed("the plug-in gone is not installed")


def test_its_answers_are_not_for_the_verdict_cache(engine):
    assert asyncio.run(engine(object()).version()) is None
