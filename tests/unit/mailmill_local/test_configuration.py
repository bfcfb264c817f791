from __future__ import annotations

from pathlib import Path

import pytest

from mailmill.settings import Settings
from mailmill.settings.options import delivery, milter, policy
from mailmill.settings.options.choices import DeliveryMethod
from mailmill_local.configuration import Places, mailscanner_conf
from mailmill_local.ports import Ports


def _settings(tmp_path: Path, **changes: str) -> Settings:
    text = mailscanner_conf(Places(tmp_path), Ports(), tmp_path / "clamd.ctl", changes)
    (tmp_path / "MailScanner.conf").write_text(text)
    return Settings.load(tmp_path / "MailScanner.conf", environ={})


def test_it_is_a_configuration_that_mailmill_accepts(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    assert settings[delivery.MSMAIL_DELIVERY_METHOD] is DeliveryMethod.QMQP
    assert settings[milter.MILTER_BIND] == str(tmp_path / "run" / "milter.sock")
    assert settings[milter.MILTER_IGNORE_LOOPBACK] is False
    assert settings.rule(policy.MAIL_HEADER).default == "X-mailmill-MailScanner"


def test_a_change_replaces_a_value_under_any_spelling(tmp_path: Path) -> None:
    settings = _settings(tmp_path, msmaildeliverymethod="SMTP")
    assert settings[delivery.MSMAIL_DELIVERY_METHOD] is DeliveryMethod.SMTP


def test_an_option_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        _settings(tmp_path, nosuchoption="1")


def test_the_sample_for_installations_has_nothing_to_complain_about() -> None:
    sample = Path(__file__).parents[3] / "deploy" / "etc" / "MailScanner.conf"
    settings = Settings.load(sample, environ={})
    assert settings.warnings == ()
    assert settings[delivery.MSMAIL_RELAY_PORT] == 628
