import asyncio

import pytest

from mailmill.findings import Clean, Failed, Found, Scored, Unscannable
from mailmill.settings import Settings
from mailmill_workers.engines.versions import Versions
from mailmill_workers.scan.asking import Asking
from mailmill_workers.scan.trail import Trail


class Store:
    def __init__(self):
        self.kept = {}

    def get(self, keys):
        return [kept.value if (kept := self.kept.get(key)) else None for key in keys]

    def put(self, items):
        self.kept.update(items)


class Engine:
    servers = ("here",)

    def __init__(self, name, answer):
        self.name, self.answer, self.asked, self.running = name, answer, 0, "1"

    def told(self, mail):
        return ()

    async def version(self):
        return self.running

    async def close(self):
        pass

    async def scan(self, mail):
        self.asked += 1
        return self.answer

    check = scan


class Bench:
    def __init__(self, virus, spam):
        self.store = Store()
        self.clamd, self.rspamd = Engine("clamd", virus), Engine("rspamd", spam)

    def ask(self, mail, **options):
        """One batch of one message in a process of its own; return who answered from the cache."""
        settings = Settings.of({name.replace("_", " "): value for name, value in options.items()})
        asking, trail = Asking(settings, self.store, Versions()), Trail()

        async def run():
            await asking.begin([self.clamd], self.rspamd)
            assert await asking.virus(self.clamd, mail, trail) == self.clamd.answer
            assert await asking.spam(self.rspamd, mail, trail) == self.rspamd.answer
            await asking.end()

        asyncio.run(run())
        return trail.cached


def test_an_identical_message_is_not_asked_again(make_mail):
    bench = Bench(Clean(), Scored(0.5, (("RULE", 0.5),)))
    assert bench.ask(make_mail()) == set()
    assert bench.ask(make_mail()) == {"clamd", "rspamd"}
    assert (bench.clamd.asked, bench.rspamd.asked) == (1, 1)
    assert sorted(kept.life for kept in bench.store.kept.values()) == [1800, 1800]


def test_under_another_version_it_is_asked_again(make_mail):
    bench = Bench(Clean(), Scored(0.5))
    bench.ask(make_mail())
    bench.clamd.running, bench.clamd.answer = "2", Found(("Eicar",))
    assert bench.ask(make_mail()) == {"rspamd"}
    assert bench.ask(make_mail()) == {"clamd", "rspamd"}


def test_an_engine_without_a_version_is_asked_and_nothing_is_kept(make_mail):
    bench = Bench(Clean(), Scored(0.5))
    bench.clamd.running = bench.rspamd.running = None
    bench.ask(make_mail())
    assert bench.ask(make_mail()) == set()
    assert bench.store.kept == {}


@pytest.mark.parametrize("virus", [Failed("down"), Unscannable("large")])
@pytest.mark.parametrize("spam", [Failed("down"), Scored(0.0, momentary=True)])
def test_what_another_try_may_answer_otherwise_is_never_kept(virus, spam, make_mail):
    bench = Bench(virus, spam)
    bench.ask(make_mail())
    assert bench.ask(make_mail()) == set()
    assert bench.store.kept == {}


@pytest.mark.parametrize(
    ("options", "cached"),
    [
        ({"Cache_SpamAssassin_Results": "no"}, {"clamd"}),
        ({"Cache_Virus_Scanner_Results": "no"}, {"rspamd"}),
        ({"SpamAssassin_Cache_Timings": "0,0,0,0,0"}, set()),
    ],
)
def test_the_settings_say_whose_answers_are_kept(options, cached, make_mail):
    bench = Bench(Clean(), Scored(0.5))
    bench.ask(make_mail())
    assert bench.ask(make_mail(), **options) == cached


def test_one_recipient_who_wants_no_cache_is_enough(make_mail, tmp_path):
    rules = tmp_path / "cache.rules"
    rules.write_text("To: fresh@example.com no\nFromOrTo: default yes\n")
    bench = Bench(Clean(), Scored(0.5))
    mail = make_mail(recipients=("a@example.com", "fresh@example.com"))
    bench.ask(mail)
    assert bench.ask(mail, Cache_SpamAssassin_Results=str(rules)) == {"clamd"}
    assert bench.ask(mail) == {"clamd", "rspamd"}


def test_without_a_store_everything_is_asked(make_mail):
    bench = Bench(Clean(), Scored(0.5))
    bench.store = None
    bench.ask(make_mail())
    assert bench.ask(make_mail()) == set()
