from pathlib import Path

import pytest

from mailmill.reports.files import ReportFile, own_text
from mailmill.reports.strings import ENGLISH
from mailmill.settings import Settings
from mailmill.settings.options.reports import LANGUAGE_STRINGS, REPORT_FILES

OWN = "sender.virus.report.txt"


@pytest.fixture
def settings(tmp_path):
    def load(conf="", environ=None):
        path = tmp_path / "MailScanner.conf"
        path.write_text(f"%org-name% = acme\n%report-dir% = {tmp_path}/reports/xx\n{conf}")
        return Settings.load(path, environ or {})

    home = tmp_path / "reports" / "xx"
    home.mkdir(parents=True)
    for option in (*REPORT_FILES, LANGUAGE_STRINGS):
        (home / option.default.rpartition("/")[2]).write_text("x\n")
    return load


def write(tmp_path, name, data):
    path = tmp_path / "reports" / "xx" / name
    path.write_bytes(data)
    return path


def test_texts_of_the_sites_language_are_read_with_the_configuration(settings, tmp_path):
    before = settings().version
    path = write(tmp_path, OWN, "Grüße an $from\n".encode("latin-1"))
    write(tmp_path, "languages.conf", b"Spam = Werbung\n")
    read = settings()
    assert read.reports.text(ReportFile(path, OWN)) == "Grüße an $from\n"
    assert read.reports.words(path.with_name("languages.conf"))["spam"] == "Werbung"
    assert read.version != before
    assert read.warnings == ()


def test_what_is_not_there_is_english():
    read = Settings.of({"%org-name%": "acme"})
    assert read.reports.text(ReportFile(Path("/none"), OWN)) == own_text(OWN)
    assert read.reports.words(Path("/none")) is ENGLISH
    assert read.reports.words(None) is ENGLISH
    assert read.warnings == ()


def test_one_file_of_the_sites_that_is_not_there_is_warned_about(settings, tmp_path):
    path = tmp_path / "reports" / "xx" / OWN
    path.unlink()
    assert settings().warnings == (f"{path}: not there: Mailmill's own English text is used",)


def test_a_whole_language_that_is_not_there_is_warned_about_once(settings, tmp_path):
    (warning,) = settings(f"%report-dir% = {tmp_path}/reports/yy\n").warnings[-1:]
    assert warning == f"{tmp_path}/reports/yy: not there: Mailmill's own English texts are used"


def test_a_file_that_somebody_named_and_that_is_not_there_is_warned_about(settings, tmp_path):
    (warning,) = settings(f"Sender Virus Report = {tmp_path}/reports/{OWN}\n").warnings
    assert warning == f"{tmp_path}/reports/{OWN}: not there: Mailmill's own English text is used"


def test_variables_that_are_not_known_are_warned_about(settings, tmp_path):
    path = write(tmp_path, OWN, b"To: $from\n\n$hostanme\n%org-name%\n")
    assert settings().warnings == (f"{path}:3: $hostanme is not a variable of reports and stays as it is",)


def test_every_file_of_a_ruleset_is_read(settings, tmp_path):
    other = tmp_path / "other.txt"
    other.write_text("Hello $from\n")
    rules = tmp_path / "reports.rules"
    rules.write_text(f"To: a@example.com {other}\nFromOrTo: default {tmp_path}/reports/xx/{OWN}\n")
    read = settings(f"Sender Virus Report = {rules}\n")
    assert read.reports.text(ReportFile(other, OWN)) == "Hello $from\n"


def test_a_directory_in_place_of_a_file_is_warned_about(settings, tmp_path):
    path = tmp_path / "reports" / "xx" / OWN
    path.unlink()
    path.mkdir()
    (warning,) = settings().warnings
    assert warning.endswith("Mailmill's own English text is used")


def test_no_report_at_all_is_a_value(settings):
    assert settings("Sender Virus Report =\n").warnings == ()
