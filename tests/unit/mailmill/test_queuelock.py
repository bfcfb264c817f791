from __future__ import annotations

import os
import threading
import time

import pytest

from mailmill.errors import SpoolError
from mailmill.queuelock import OWNER_FILE, QueueInUseError, QueueLock


def test_a_second_lock_on_a_queue_is_refused_and_names_the_owner(tmp_path):
    with (
        QueueLock(tmp_path),
        pytest.raises(QueueInUseError, match=f"process {os.getpid()}"),
        QueueLock(tmp_path),
    ):
        pass


def test_the_lock_ends_with_its_owner(tmp_path):
    with QueueLock(tmp_path):
        pass
    with QueueLock(tmp_path):
        pass


def test_the_file_that_a_killed_owner_left_is_no_lock(tmp_path):
    (tmp_path / OWNER_FILE).write_text("1\n")
    with QueueLock(tmp_path):
        assert (tmp_path / OWNER_FILE).read_text() == f"{os.getpid()}\n"


def test_a_successor_waits_for_an_owner_that_is_about_to_end(tmp_path):
    held, free = threading.Event(), threading.Event()

    def hold():
        with QueueLock(tmp_path):
            held.set()
            free.wait(10)
            time.sleep(0.05)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    free.set()
    with QueueLock(tmp_path, patience=10):
        pass
    thread.join()


def test_a_queue_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(SpoolError, match="absent"), QueueLock(tmp_path / "absent"):
        pass


def test_a_disk_that_is_full_can_be_locked(tmp_path, monkeypatch):
    def refuse(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mailmill.queuelock.write_pid_file", refuse)
    with QueueLock(tmp_path), pytest.raises(QueueInUseError, match="unknown"), QueueLock(tmp_path):
        pass
