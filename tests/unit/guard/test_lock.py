# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock for the jobs: one run at a time on one machine."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.cutover.drs.plugins.plugin_utils._files import whose
from ansible_collections.cutover.drs.plugins.plugin_utils._guard import lock

# So long a process waits that is only there to live; each test ends its own.
HOLD = "import sys; print('ready', flush=True); sys.stdin.read()"
LOCK = "from ansible_collections.cutover.drs.plugins.plugin_utils._guard import lock"


# What is added to the word of a holder, who cannot choose it.
OURS = {"whose": whose(os.geteuid()), "ours": True}


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@pytest.fixture
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of locks of its own."""
    folder = tmp_path / "locks"
    folder.mkdir()
    monkeypatch.setattr(lock, "_lock_folder", lambda: folder)
    return folder


@pytest.fixture
def holder(locks: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock of the jobs b and c until its standard input is closed."""
    code = (
        f"{LOCK}; from pathlib import Path; lock._lock_folder = lambda: Path({str(locks)!r})\n"
        "held = lock.JobsLock(['c', 'b']); assert held.take({'who': 'another', 'stage': 'freeze'}) is None\n"
        f"{HOLD}; held.release()"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    with child:
        yield child
        child.kill()


@pytest.mark.parametrize("jobs", [["b"], ["a", "b"], ["c", "d"], ["c", "b"]])
def test_a_second_holder_is_refused_and_told_who_holds_it(
    jobs: list[str], holder: subprocess.Popen[str], locks: Path
) -> None:
    before = names(locks)
    held = lock.JobsLock(jobs)
    assert held.take({"who": "me"}) == {"who": "another", "stage": "freeze", **OURS}
    # What it had locked before it was refused is free again, and what is said is still the holder's.
    assert names(locks) == before
    assert held.take({"who": "me"}) == {"who": "another", "stage": "freeze", **OURS}


def test_other_jobs_are_free(holder: subprocess.Popen[str], locks: Path) -> None:
    held = lock.JobsLock(["a", "d"])
    assert held.take({"who": "me"}) is None
    held.release()
    assert len(names(locks)) == 2


def test_a_lock_ends_with_its_process_and_leaves_no_file(holder: subprocess.Popen[str], locks: Path) -> None:
    held = lock.JobsLock(["b", "c"])
    holder.kill()
    holder.wait()
    assert held.take({"who": "me"}) is None
    held.release()
    assert names(locks) == []


def test_a_lock_that_is_released_is_free_and_leaves_no_file(holder: subprocess.Popen[str], locks: Path) -> None:
    assert holder.stdin is not None
    holder.stdin.close()
    holder.wait()
    assert names(locks) == []
    held = lock.JobsLock(["b"])
    assert held.take({}) is None
    held.release()


def test_a_job_named_twice_is_locked_once(locks: Path) -> None:
    held = lock.JobsLock(["a", "a"])
    assert held.take({"who": "me"}) is None
    held.release()
    assert names(locks) == []


def test_whoever_said_nothing_still_holds_the_lock(locks: Path) -> None:
    first, second = lock.JobsLock(["a"]), lock.JobsLock(["a"])
    assert first.take({"who": "first"}) is None
    for said in ("", "[1]", "{"):
        next(locks.iterdir()).write_text(said, encoding="utf-8")
        assert second.take({}) == OURS
    first.release()
    assert second.take({}) is None
    second.release()


def test_a_shorter_word_replaces_the_longer_one_of_a_holder_that_died(locks: Path) -> None:
    held = lock.JobsLock(["a"])
    assert held.take({"who": "a very long name"}) is None
    held.release()
    path = locks / held._names[0]
    path.write_text(json.dumps({"who": "a very long name"}), encoding="utf-8")
    assert held.take({"who": "b"}) is None
    assert lock.JobsLock(["a"]).take({}) == {"who": "b", **OURS}
    held.release()


def test_every_user_can_take_the_locks() -> None:
    folder = lock._lock_folder()
    assert folder == Path("/tmp/cutover.drs.locks")
    assert folder.is_dir()


@pytest.mark.parametrize(
    ("number", "says"), [(errno.EACCES, "Permission denied"), (errno.EMFILE, "Too many open files")]
)
def test_a_lock_that_cannot_be_opened_is_not_one_to_be_removed(
    locks: Path, monkeypatch: pytest.MonkeyPatch, number: int, says: str
) -> None:
    """Its holder may live."""
    path = locks / lock.JobsLock(["a"])._names[0]
    path.touch()

    def cannot(*_arguments: object) -> int:
        raise OSError(number, says)

    with monkeypatch.context() as patch:
        patch.setattr(lock.os, "open", cannot)
        with pytest.raises(lock.UntrustedLockError) as told:
            lock.JobsLock(["a"]).take({})
    assert str(told.value) == f"The lock {path} of {OURS['whose']} cannot be opened: {says}."


@pytest.mark.parametrize("kind", ["link", "folder", "pipe with a second name"])
def test_a_lock_that_is_something_else_is_to_be_removed(locks: Path, kind: str) -> None:
    path = locks / lock.JobsLock(["a"])._names[0]
    if kind == "link":
        path.symlink_to(locks / "other")
    elif kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)
        os.link(path, locks / "other")
    with pytest.raises(lock.UntrustedLockError, match=r"is not a regular file, or has a second name\. Remove it\."):
        lock.JobsLock(["a"]).take({})


def test_as_many_take_a_turn_as_there_are_processors(locks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock.os, "cpu_count", lambda: 2)
    first, second, third = lock.Turn(), lock.Turn(), lock.Turn()
    assert [turn.take() for turn in (first, second, third, first)] == [True, True, False, True]
    second.give()
    assert third.take()
    for turn in (first, third):
        turn.give()


def test_a_turn_that_nobody_gives_is_not_waited_for_for_ever(locks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any user of the machine could keep every cutover from its rehearsal, without a word."""
    monkeypatch.setattr(lock.os, "cpu_count", lambda: 1)
    now = 1000.0
    held, waiting = lock.Turn(), lock.Turn(lambda: now)
    assert held.take()
    assert not waiting.take()
    now += 299
    assert not waiting.take()
    now += 1
    assert waiting.take()
    waiting.give()
    assert not waiting.take()
    held.give()


def test_a_folder_of_locks_that_is_none_keeps_nobody_from_a_rehearsal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cutover.drs.locks").touch()
    monkeypatch.setattr(lock, "_PLACES", (str(tmp_path),))
    assert lock.Turn().take()
