from __future__ import annotations

import json

import pytest
import redis
from click.testing import CliRunner

from configuration_fakes import MemoryRedis, write_site
from mailmill.cli import main
from mailmill.configuration import process
from mailmill.settings import Settings


@pytest.fixture
def client(monkeypatch):
    client = MemoryRedis()
    for module in ("mailmill.cli.publishing", "mailmill.configuration.process"):
        monkeypatch.setattr(f"{module}.connect", lambda _: client)
    monkeypatch.setattr(process, "_live", None)
    return client


@pytest.fixture
def run(client, monkeypatch, tmp_path):
    monkeypatch.setenv("MAILMILL_CONF", str(tmp_path / "site" / "MailScanner.conf"))
    return lambda *args: CliRunner().invoke(main, args)


@pytest.fixture
def site(tmp_path):
    write_site(tmp_path / "site")
    return tmp_path / "site"


def test_publish_says_which_version_it_is_and_does_nothing_twice(run, site, client):
    version = Settings.load(site / "MailScanner.conf", {}).version
    assert run("conf", "version").output.splitlines()[0] == version
    result = run("conf", "publish")
    assert result.exit_code == 0
    assert result.output.splitlines()[-1].startswith(f"{version} is published: 5 files, ")
    stored = dict(client.strings)
    assert run("conf", "publish").output.endswith(f"{version} is in force already.\n")
    assert client.strings == stored


def test_a_wrong_configuration_is_refused_with_all_its_faults(run, site, client):
    (site / "conf.d" / "own.conf").write_text("Bounc From = x\nMilter Port = none\n")
    result = run("conf", "publish")
    assert result.exit_code == 78
    assert [line.partition(": ")[2].partition(":")[0] for line in result.output.splitlines()] == [
        f"{site}/conf.d/own.conf"
    ] * 2
    assert not client.strings
    assert run("conf", "versions").exit_code == 0


def test_versions_are_shown_and_one_can_go_back(run, site):
    assert run("conf", "versions").output == "Nothing was published (mailmill conf publish).\n"
    run("conf", "publish")
    write_site(site, "two")
    run("conf", "publish")
    new, old = (each["version"] for each in json.loads(run("conf", "versions", "--json").output))
    assert run("conf", "rollback").output == f"{old} is published again.\n"
    head, *rows = run("conf", "versions").output.splitlines()
    assert head.split() == ["Version", "Published", "By", "Files", "Bytes"]
    assert [row.split()[0] for row in rows] == [old, new, old]
    assert [row.endswith("in force") for row in rows] == [True, False, False]
    assert run("conf", "rollback", "0123456789ab").exit_code == 78


def test_a_redis_that_does_not_answer_is_status_1(run, site, client, monkeypatch):
    def away(*_):
        raise redis.ConnectionError("away")

    monkeypatch.setattr(client, "zrevrange", away)
    result = run("conf", "versions")
    assert (result.exit_code, result.output) == (1, "Error: Redis: away\n")


def test_commands_of_a_node_with_the_published_configuration_show_that_one(run, site, tmp_path, monkeypatch):
    node = tmp_path / "node.conf"
    node.write_text(f"Configuration Source = published\nConfiguration Dir = {tmp_path}/copy\n")
    monkeypatch.setenv("MAILMILL_CONF", str(node))
    result = run("conf", "show", "Bounce From")
    assert result.exit_code == 78
    assert "nothing was published yet" in result.output
    run("conf", "publish", str(site / "MailScanner.conf"))
    assert run("conf", "show", "Bounce From").output.splitlines()[:2] == [
        "Bounce From = one",
        f"  source:      {site}/conf.d/own.conf:1",
    ]
    assert not (tmp_path / "copy").exists()


def test_a_daemon_keeps_a_copy_and_starts_with_it(run, site, tmp_path, client, monkeypatch):
    node = tmp_path / "node.conf"
    node.write_text(f"Configuration Source = published\nConfiguration Dir = {tmp_path}/copy\n")
    run("conf", "publish")
    begun = process.begin(node, {}, daemon=True)
    client.flushall()
    assert process.begin(node, {}, daemon=True).settings.version == begun.settings.version
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o700
