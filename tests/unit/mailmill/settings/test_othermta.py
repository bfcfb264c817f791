from __future__ import annotations

import pytest

from mailmill.errors import ConfigError
from mailmill.settings.options.system import INCOMING_QUEUE_DIR, MTA, OUTGOING_QUEUE_DIR
from mailmill.settings.values import Settings


@pytest.fixture
def load(tmp_path):
    def load(text, environ=None):
        path = tmp_path / "MailScanner.conf"
        path.write_text(f"%org-name% = acme\n{text}")
        return Settings.load(path, environ or {})

    return load


@pytest.mark.parametrize("mta", ["sendmail", "Postfix", "exim", "qmail", "zmailer"])
def test_the_queues_of_another_mta_are_left_alone(load, mta):
    settings = load(f"Incoming Queue Dir = /var/spool/in\nOutgoing Queue Dir = /var/spool/out\nMTA = {mta}\n")
    assert settings[MTA] == "msmail"
    assert str(settings[INCOMING_QUEUE_DIR]) == INCOMING_QUEUE_DIR.default
    assert str(settings[OUTGOING_QUEUE_DIR]) == OUTGOING_QUEUE_DIR.default
    told = [warning.partition(": ")[2] for warning in settings.warnings]
    left = f"is the queue of {mta} and not used: with MTA = msmail it would be"
    assert told == [
        f"Incoming Queue Dir = /var/spool/in {left}",
        f"Outgoing Queue Dir = /var/spool/out {left}",
        "MTA is taken for msmail: Mailmill takes mail through its milter and reads no queue of an MTA",
    ]


@pytest.mark.parametrize("mta", ["MTA = msmail\n", "MTA = msmtp\n", ""])
def test_the_queues_of_milter_mode_are_used(load, mta):
    assert str(load(f"{mta}Incoming Queue Dir = /data/in\n")[INCOMING_QUEUE_DIR]) == "/data/in"


def test_a_queue_that_the_environment_names_is_meant(load):
    settings = load("MTA = postfix\n", {"MAILMILL_INCOMING_QUEUE_DIR": "/data/in"})
    assert str(settings[INCOMING_QUEUE_DIR]) == "/data/in"


def test_a_word_that_is_no_mta_is_an_error(load):
    with pytest.raises(ConfigError, match="MTA must be msmail, not 'sendmial'"):
        load("MTA = sendmial\n")
