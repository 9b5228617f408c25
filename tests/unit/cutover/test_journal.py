# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal as a file, who lives, and the lock for the jobs."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.cutover.drs.plugins.module_utils._cutover import journal_json as encoding
from ansible_collections.cutover.drs.plugins.module_utils._cutover.stages import (
    STAGES,
    UNFREEZE,
    Entry,
    Evidence,
    Journal,
    Outcome,
    Owner,
    Plan,
    Role,
)
from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError
from ansible_collections.cutover.drs.plugins.plugin_utils._guard import alive as processes
from ansible_collections.cutover.drs.plugins.plugin_utils._guard import journal_file
from ansible_collections.cutover.drs.plugins.plugin_utils._guard import lock as jobs_lock
from ansible_collections.cutover.drs.tests.unit.cutover.builders import RUN, a_cutover, plan

# So long a process waits that is only there to live; each test ends its own.
HOLD = "import sys; print('ready', flush=True); sys.stdin.read()"
LOCK = "from ansible_collections.cutover.drs.plugins.module_utils._cutover import jobs_lock"

TIMES = st.floats(0, 4e9, allow_nan=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
ROLES = st.sampled_from(Role)
OWNERS = st.builds(Owner, ROLES, TEXTS, TEXTS, st.integers(1, 1 << 22), TEXTS, TEXTS, TEXTS)
JOURNALS = st.builds(
    Journal,
    plan=st.builds(
        Plan,
        jobs=st.lists(TEXTS, max_size=4).map(tuple),
        stages=st.lists(st.sampled_from(list(STAGES)), unique=True).map(tuple),
        unfreeze_tasks=TEXTS,
        max_outage=TIMES,
    ),
    owner=st.none() | OWNERS,
    entries=st.lists(
        st.builds(
            Entry,
            name=st.sampled_from([*STAGES, UNFREEZE]),
            state=st.sampled_from(["running", "ok", "failed"]),
            began=TIMES,
            ended=st.none() | TIMES,
            by=ROLES,
        ),
        min_size=1,
        max_size=4,
    ).map(tuple),
    frozen_since=st.none() | TIMES,
    deadline=st.none() | TIMES,
    evidence=st.none() | st.builds(Evidence, gate=TEXTS, valid_until=TIMES, used=st.booleans()),
    failed_in=TEXTS,
    failure=TEXTS,
    unfreeze_failure=TEXTS,
    attempts=st.integers(0, 9),
    outcome=st.none() | st.sampled_from(Outcome),
    unfrozen_by=st.none() | ROLES,
)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@settings(settings.get_profile("cutover"))
@given(JOURNALS, TIMES)
def test_a_journal_is_read_as_it_was_written(journal: Journal, at: float) -> None:
    assert encoding.decode(json.loads(json.dumps(encoding.encode(journal, at)))) == journal


def test_a_journal_in_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "db1.json"
    for last in ("", "approach", "verify"):
        journal = a_cutover(last).journal
        journal_file.write(path, journal, 1000.0)
        assert journal_file.read(path) == journal
    assert names(path.parent) == ["db1.json"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_file_says_for_people_how_far_it_came() -> None:
    cutover = a_cutover("final")
    assert {
        name: encoding.encode(cutover.journal, 0.0)[name] for name in ("schema", "stage", "at", "jobs", "outcome")
    } == {
        "schema": 2,
        "stage": "final",
        "at": "1970-01-01T00:16:44Z",
        "jobs": ["a", "b"],
        "outcome": None,
    }
    cutover.failed()
    assert encoding.encode(cutover.journal, 0.0)["stage"] == "unfreeze"
    cutover.unfrozen()
    written = encoding.encode(cutover.journal, 0.0)
    assert (written["stage"], written["outcome"], written["unfrozen_by"]) == ("unfrozen", "unfrozen", "run")
    done = a_cutover("switch")
    done.completed()
    assert encoding.encode(done.journal, 0.0)["stage"] == "done"


def test_without_a_file_there_is_no_journal(tmp_path: Path) -> None:
    assert journal_file.read(tmp_path / "none.json") is None


def whole() -> dict[str, Any]:
    cutover = a_cutover("final")
    cutover.judged("final")
    return encoding.encode(cutover.journal, 1000.0)


def changed(name: str, value: object) -> str:
    """The text of a whole journal in which one value, told by its path, is another one."""
    journal: Any = json.loads(json.dumps(whole()))
    *above, last = name.split(".")
    inner = journal
    for part in above:
        inner = inner[int(part)] if part.isdigit() else inner[part]
    inner[last] = value
    return json.dumps(journal)


DAMAGED = {
    "empty": "",
    "half a file": json.dumps(whole())[:200],
    "null": "null",
    "a list": "[]",
    "a text": '"done"',
    "no object": "{}",
    "too deep": "[" * 100_000,
    "not a text": b"\xff\xfe\x00",
    "an older schema": changed("schema", 1),
    "no stages": changed("stages", None),
    "a stage that is not known": changed("stages.0.name", "thaw"),
    "a state that is not known": changed("stages.0.state", "perhaps"),
    "no beginning": changed("stages.0.began", None),
    "somebody not known": changed("stages.0.by", "nobody"),
    "no owner's process": changed("owner.pid", "ten"),
    "a role that is not known": changed("owner.role", "nobody"),
    "an owner that is none": changed("owner", "ann"),
    "an outcome that is not known": changed("outcome", "fine"),
    "an end that is not known": changed("unfrozen_by", "nobody"),
    "a plan that is none": changed("plan", []),
    "a plan with a stage that is not known": changed("plan.stages", ["thaw"]),
    "evidence that is none": changed("evidence", [1]),
    "evidence without a time": changed("evidence.valid_until", "tomorrow"),
    "evidence for ever": changed("evidence.valid_until", float("nan")),
    "a deadline that never comes": changed("deadline", float("nan")),
    "an outage without an end": changed("plan.max_outage", float("inf")),
    "a number that is too large": changed("frozen_since", 10**400),
    "attempts without an end": changed("attempts", float("inf")),
    "jobs that are one text": changed("plan.jobs", "abc"),
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_one_clear_error(text: str | bytes, tmp_path: Path) -> None:
    path = tmp_path / "db1.json"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(DrsError) as error:
        journal_file.read(path)
    assert error.value.kind.value == "configuration"
    message = str(error.value)
    assert message.startswith(f"{path} is not the journal of a cutover (")
    assert "Nothing runs, because nobody knows what an earlier run did." in message
    assert len(message) < 600


def test_a_folder_is_no_journal(tmp_path: Path) -> None:
    with pytest.raises(DrsError, match="Is a directory"):
        journal_file.read(tmp_path)


@settings(settings.get_profile("cutover"))
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda some: st.lists(some) | st.dictionaries(st.sampled_from(sorted(whole())), some),
    )
)
def test_no_json_breaks_the_reading(value: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        encoding.decode(value)


@settings(settings.get_profile("cutover"))
@given(st.data())
def test_no_other_value_in_a_journal_breaks_the_reading(data: st.DataObject) -> None:
    journal = whole()
    name = data.draw(st.sampled_from(sorted(journal)))
    journal[name] = data.draw(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.none() | st.text())
    )
    with contextlib.suppress(ValueError):
        assert isinstance(encoding.decode(journal), Journal)


@pytest.mark.parametrize("breaks", ["fsync", "replace", "dump"])
def test_a_write_that_fails_leaves_the_journal_and_nothing_else(
    breaks: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "db1.json"
    before = a_cutover("freeze").journal
    journal_file.write(path, before, 1000.0)

    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    where = {"fsync": (os, "fsync"), "replace": (Path, "replace"), "dump": (json, "dumps")}[breaks]
    with monkeypatch.context() as patch:
        patch.setattr(*where, full)
        with pytest.raises(OSError, match="No space left"):
            journal_file.write(path, a_cutover("final").journal, 1001.0)
    assert names(tmp_path) == ["db1.json"]
    assert journal_file.read(path) == before


@pytest.mark.parametrize("there", [True, False])
def test_a_symbolic_link_stays_one_and_its_target_is_written(tmp_path: Path, there: bool) -> None:
    target, link = tmp_path / "share" / "journal.json", tmp_path / "journal.json"
    link.symlink_to(target)
    if there:
        journal_file.write(target, Journal(plan(), None), 1.0)
    journal = Journal(plan(jobs=("another",)), None)
    journal_file.write(link, journal, 2.0)
    assert link.is_symlink()
    assert journal_file.read(target) == journal


def test_a_long_name_is_written_too(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 250)
    journal_file.write(path, a_cutover().journal, 1000.0)
    assert journal_file.read(path) is not None


def test_an_outage_has_a_length_once_it_has_ended() -> None:
    frozen, done, never = a_cutover("final"), a_cutover("switch"), a_cutover("approach")
    assert encoding.outage(frozen.journal) is None
    done.completed()
    never.failed()
    since = done.journal.frozen_since
    assert since is not None
    assert encoding.outage(done.journal) == done.at - since
    assert encoding.outage(never.journal) is None
    frozen.failed()
    frozen.unfreeze_failed()
    assert encoding.outage(frozen.journal) is None


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    """A process that lives until its standard input is closed."""
    child = subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    yield child
    child.kill()
    child.communicate()


def test_an_owner_lives_as_long_as_its_process(process: subprocess.Popen[str]) -> None:
    owner = processes.this_process(Role.RUN, process.pid, "db1", "ann")
    assert (owner.role, owner.pid, owner.host, owner.user) == (Role.RUN, process.pid, "db1", "ann")
    assert owner.machine == socket.gethostname()
    assert processes.lives(owner) is True
    process.kill()
    # A zombie first: the process has ended, and nobody has collected it.
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert Path(f"/proc/{process.pid}").exists()
    assert processes.lives(owner) is False
    process.wait()
    assert processes.lives(owner) is False


def test_a_process_that_is_stopped_lives(process: subprocess.Popen[str]) -> None:
    owner = processes.this_process(Role.RUN, process.pid)
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
    assert processes.lives(owner) is True


@pytest.mark.parametrize(("field", "lives"), [("machine", None), ("boot", False), ("started", False)])
def test_another_process_of_the_same_number_is_not_the_owner(field: str, lives: bool | None) -> None:
    owner = processes.this_process(Role.RUN, os.getpid())
    assert processes.lives(replace(owner, **{field: "another"})) is lives


def test_a_process_that_had_ended_at_once_does_not_live() -> None:
    child = subprocess.Popen(["true"])
    child.wait()
    owner = processes.this_process(Role.RUN, child.pid)
    assert owner.started == ""
    assert processes.lives(owner) is False
    assert processes.lives(None) is False


def test_a_process_whose_name_looks_like_its_state_is_read_rightly(tmp_path: Path) -> None:
    program = tmp_path / "a) Z 1 (b"
    program.symlink_to("/bin/sleep")
    child = subprocess.Popen([program, "600"])
    try:
        owner = processes.this_process(Role.RUN, child.pid)
        assert owner.started.isdigit()
        assert processes.lives(owner) is True
    finally:
        child.kill()
        child.wait()


@pytest.fixture
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of locks of its own."""
    folder = tmp_path / "locks"
    folder.mkdir()
    monkeypatch.setattr(jobs_lock, "_lock_folder", lambda: folder)
    return folder


@pytest.fixture
def holder(locks: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock of the jobs b and c until its standard input is closed."""
    code = (
        f"{LOCK}; from pathlib import Path; jobs_lock._lock_folder = lambda: Path({str(locks)!r})\n"
        "lock = jobs_lock.JobsLock(['c', 'b']); assert lock.take({'who': 'another', 'stage': 'freeze'}) is None\n"
        f"{HOLD}; lock.release()"
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
    lock = jobs_lock.JobsLock(jobs)
    assert lock.take({"who": "me"}) == {"who": "another", "stage": "freeze"}
    # What it had locked before it was refused is free again, and what is said is still the holder's.
    assert names(locks) == before
    assert lock.take({"who": "me"}) == {"who": "another", "stage": "freeze"}


def test_other_jobs_are_free(holder: subprocess.Popen[str], locks: Path) -> None:
    lock = jobs_lock.JobsLock(["a", "d"])
    assert lock.take({"who": "me"}) is None
    lock.release()
    assert len(names(locks)) == 2


def test_a_lock_ends_with_its_process_and_leaves_no_file(holder: subprocess.Popen[str], locks: Path) -> None:
    lock = jobs_lock.JobsLock(["b", "c"])
    holder.kill()
    holder.wait()
    assert lock.take({"who": "me"}) is None
    lock.release()
    assert names(locks) == []


def test_a_lock_that_is_released_is_free_and_leaves_no_file(holder: subprocess.Popen[str], locks: Path) -> None:
    assert holder.stdin is not None
    holder.stdin.close()
    holder.wait()
    assert names(locks) == []
    lock = jobs_lock.JobsLock(["b"])
    assert lock.take({}) is None
    lock.release()


def test_a_job_named_twice_is_locked_once(locks: Path) -> None:
    lock = jobs_lock.JobsLock(["a", "a"])
    assert lock.take({"who": "me"}) is None
    lock.release()
    assert names(locks) == []


def test_whoever_said_nothing_still_holds_the_lock(locks: Path) -> None:
    first, second = jobs_lock.JobsLock(["a"]), jobs_lock.JobsLock(["a"])
    assert first.take({"who": "first"}) is None
    for said in ("", "[1]", "{"):
        next(locks.iterdir()).write_text(said, encoding="utf-8")
        assert second.take({}) == {}
    first.release()
    assert second.take({}) is None
    second.release()


def test_a_shorter_word_replaces_the_longer_one_of_a_holder_that_died(locks: Path) -> None:
    lock = jobs_lock.JobsLock(["a"])
    assert lock.take({"who": "a very long name"}) is None
    lock.release()
    (path,) = lock._paths
    path.write_text(json.dumps({"who": "a very long name"}), encoding="utf-8")
    assert lock.take({"who": "b"}) is None
    assert jobs_lock.JobsLock(["a"]).take({}) == {"who": "b"}
    lock.release()


def test_every_user_can_take_the_locks() -> None:
    folder = jobs_lock._lock_folder()
    assert folder == Path("/tmp/cutover.drs.locks")
    assert folder.is_dir()
    assert RUN.machine == "here"
