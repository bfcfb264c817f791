import pytest

from mailmill.errors import ConfigError
from mailmill.settings import Settings
from mailmill_workers.engines.build import spam_engine, virus_engines
from mailmill_workers.engines.clamd import Clamd
from mailmill_workers.engines.rspamd import Rspamd
from mailmill_workers.engines.spamd import Spamd


def test_the_defaults_are_clamd_and_rspamd():
    settings = Settings.of({})
    assert [type(engine) for engine in virus_engines(settings)] == [Clamd]
    assert isinstance(spam_engine(settings), Rspamd)


def test_none_asks_nobody():
    settings = Settings.of({"Virus Scanners": "none", "Spam Scanner": "none"})
    assert virus_engines(settings) == ()
    assert spam_engine(settings) is None


def test_spamassassin_is_spamd():
    assert isinstance(spam_engine(Settings.of({"Spam Scanner": "spamassassin"})), Spamd)


def test_clamd_port_completes_an_address_without_one():
    settings = Settings.of({"Clamd Socket": "10.0.0.1 10.0.0.2:3311", "Clamd Port": "3312"})
    (clamd,) = virus_engines(settings)
    assert [str(server) for server in clamd._turns._servers] == ["10.0.0.1:3312", "10.0.0.2:3311"]


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"Clamd Socket": "host:x"}, "Clamd Socket: not a port: 'host:x'"),
        ({"Clamd Socket": ""}, "Clamd Socket: must name at least one server"),
    ],
)
def test_a_virus_scanner_that_cannot_be_asked_is_a_fault_of_the_configuration(values, problem):
    with pytest.raises(ConfigError) as caught:
        virus_engines(Settings.of(values))
    assert caught.value.problems == [f"values: {problem}"]


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"Rspamd URL": "127.0.0.1:11333"}, "Rspamd URL: must be http://HOST:PORT, not '127.0.0.1:11333'"),
        ({"Rspamd URL": ""}, "Rspamd URL: must name at least one server"),
        ({"Spam Scanner": "spamassassin", "Spamd Socket": ":1"}, "Spamd Socket: not an address: ':1'"),
    ],
)
def test_a_spam_scanner_that_cannot_be_asked_is_a_fault_of_the_configuration(values, problem):
    with pytest.raises(ConfigError) as caught:
        spam_engine(Settings.of(values))
    assert caught.value.problems == [f"values: {problem}"]
