from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mailmill_containers import clamav
from mailmill_containers.clamav import ContainerClamd, Database
from mailmill_local.servers.base import ServerError


class Programs:
    """Takes the place of freshclam."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, reachable: bool) -> None:
        #: What a download brings, and where to.
        self.brings: tuple[Path, ...] = ()
        self.updated = 0
        self.updaters: list[list[str]] = []
        monkeypatch.setattr(clamav, "program", lambda name: f"/usr/bin/{name}")
        monkeypatch.setattr(clamav, "_reachable", lambda _host, _port: reachable)
        run = subprocess.run
        monkeypatch.setattr(
            subprocess,
            "run",
            lambda command, **options: (
                self._download(options) if command[0] == "/usr/bin/freshclam" else run(command, **options)
            ),
        )
        monkeypatch.setattr(subprocess, "Popen", _refuse(subprocess.Popen, self.updaters))

    def _download(self, options: dict[str, object]) -> None:
        assert options["timeout"]
        self.updated += 1
        for path in self.brings:
            path.touch()


def _refuse(popen, updaters):
    class Popen(popen):
        """Starts everything but the updater."""

        def __init__(self, command, **options) -> None:
            if command[0] == "/usr/bin/freshclam":
                updaters.append(command)
                return
            super().__init__(command, **options)

        def __del__(self) -> None:
            if hasattr(self, "pid"):
                super().__del__()

    return Popen


def _clamd(directory: Path, wanted: Database) -> ContainerClamd:
    server = ContainerClamd(directory, port=3310, host="127.0.0.1", wanted=wanted)
    server.database.mkdir()
    return server


def _official(server: ContainerClamd) -> tuple[Path, ...]:
    return server.database / "main.cvd", server.database / "daily.cld"


def test_without_its_mirror_only_test_signatures_are_there_and_the_log_warns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    programs = Programs(monkeypatch, reachable=False)
    server = _clamd(tmp_path, Database.AUTO)
    server.write_signatures()
    assert (server.database / "mailmill.ndb").exists()
    assert programs.updated == 0
    assert programs.updaters == []
    assert "real viruses are NOT found" in capsys.readouterr().err


def test_with_its_mirror_the_official_signatures_are_loaded_and_kept_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = Programs(monkeypatch, reachable=True)
    server = _clamd(tmp_path, Database.AUTO)
    (server.database / "mailmill.ndb").touch()
    programs.brings = _official(server)
    server.write_signatures()
    assert sorted(path.name for path in server.database.iterdir()) == ["daily.cld", "main.cvd"]
    assert [command[0] for command in programs.updaters] == ["/usr/bin/freshclam"]


def test_official_signatures_of_an_earlier_start_are_used_while_the_mirror_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = Programs(monkeypatch, reachable=False)
    server = _clamd(tmp_path, Database.AUTO)
    for path in _official(server):
        path.touch()
    server.write_signatures()
    assert programs.updated == 0
    assert len(programs.updaters) == 1
    assert not (server.database / "mailmill.ndb").exists()


def test_half_a_download_is_no_official_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = Programs(monkeypatch, reachable=True)
    server = _clamd(tmp_path, Database.AUTO)
    programs.brings = _official(server)[:1]
    server.write_signatures()
    assert programs.updaters == []
    assert (server.database / "mailmill.ndb").exists()


def test_official_means_no_start_without_the_official_signatures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = Programs(monkeypatch, reachable=False)
    server = _clamd(tmp_path, Database.OFFICIAL)
    with pytest.raises(ServerError, match="no signatures"):
        server.write_signatures()
    assert programs.updated == 1


def test_the_database_for_tests_asks_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = Programs(monkeypatch, reachable=True)
    server = _clamd(tmp_path, Database.TEST)
    for path in _official(server):
        path.touch()
    server.write_signatures()
    assert programs.updated == 0
    assert (server.database / "mailmill.ndb").exists()
