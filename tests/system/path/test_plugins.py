"""Plug-ins and rulesets in the whole system: the example of docs/plugins.md, installed as pip would."""

import os

import pytest

from installed_plugins import EXAMPLE, install_example
from mailmill_local.load import Letter

pytestmark = pytest.mark.system

TEXT = b"From: author@example.org\nSubject: hello\nMessage-ID: <%s@example.org>\n\nhello %s\n"


def changes(_ports, directory):
    (directory / "blocked").write_text("spammer@example.org\n")
    (directory / "headers.rules").write_text(
        "To: *@two.example.com X-Two:\nVirus: acme.secret X-Secret:\nTo: default X-All:\n"
    )
    return {
        "Virus Scanners": "clamd secrets",
        "Is Definitely Spam": f"&Blocked({directory}/blocked)",
        "Milter Scanner": "no",
        "Mail Header": str(directory / "headers.rules"),
        "Notices To": "",
    }


def test_a_function_an_engine_and_rules_for_each_recipient_decide(start, monkeypatch, tmp_path_factory):
    site = tmp_path_factory.mktemp("site")
    for directory in (site, *site.parents[:2]):
        directory.chmod(0o755)
    install_example(monkeypatch, site)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), str(EXAMPLE)]))
    running = start("plugins", changes=changes)
    both = ("a@one.example.com", "b@two.example.com")
    letters = [
        Letter("author@example.org", both, TEXT % (b"plain", b"world")),
        Letter("spammer@example.org", ("c@one.example.com",), TEXT % (b"spam", b"world")),
        Letter("author@example.org", ("d@one.example.com",), TEXT % (b"secret", b"ACME TOP SECRET")),
    ]
    assert all(answer.accepted for answer in running.send(letters))
    running.wait_until_empty()
    found = running.arrived()
    assert set(found) == {*both, "c@one.example.com"}
    (one,), (two,), (spam,) = (found[name] for name in (*both, "c@one.example.com"))
    assert one.header("X-All") == "Found to be clean"
    assert two.header("X-Two") == "Found to be clean"
    assert two.header("X-All") is None
    assert one.header("X-Spam-Status") == "No"
    assert spam.header("X-Spam-Status") == "Yes"
    (kept,) = running.system.places.quarantine.glob("*/*/envelope")
    assert b"secrets: Acme.Secret" in kept.read_bytes()
