# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a process lives, what is left of a stage's tasks, and whether this is a container."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._cutover.journal import Process
from ansible_collections.cutover.drs.plugins.plugin_utils._guard import alive

# So long a process waits that is only there to live; each test ends its own.
HOLD = "import sys; print('ready', flush=True); sys.stdin.read()"
FORK = "import os, sys; pid = os.fork(); pid and print(pid, flush=True); sys.stdin.read()"
# Of this process of tests alone.
CUTOVER = f"c{os.getpid()}"


@contextmanager
def child(mark: str = "", *more: str) -> Iterator[subprocess.Popen[str]]:
    """A process that lives until its standard input is closed."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, *more],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **({alive.MARK: mark} if mark else {})},
        start_new_session=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    with child() as held:
        yield held


def as_known(pid: int) -> Process:
    return replace(alive.this_process(), pid=pid, started=alive.started(pid))


def test_a_process_is_gone_when_it_has_ended(process: subprocess.Popen[str]) -> None:
    known = as_known(process.pid)
    assert not alive.gone(known)
    process.kill()
    # A zombie first: the process has ended, and nobody has collected it.
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert Path(f"/proc/{process.pid}").exists()
    assert alive.gone(known)
    process.wait()
    assert alive.gone(known)
    assert alive.started(process.pid) == ""


def test_a_process_that_is_stopped_is_not_gone(process: subprocess.Popen[str]) -> None:
    known = as_known(process.pid)
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
    assert not alive.gone(known)


def test_another_process_of_the_same_number_is_not_it() -> None:
    assert alive.gone(replace(alive.this_process(), started="another"))
    assert not alive.gone(alive.this_process())


@pytest.mark.parametrize("place", ["", "another boot pid:[1]"])
def test_only_where_its_number_means_the_same_a_process_is_known_to_be_gone(place: str) -> None:
    """Two containers with the same host name have the same numbers."""
    assert not alive.gone(Process(1 << 22, "1", place))
    assert alive.gone(replace(alive.this_process(), pid=1 << 22))


def test_where_nobody_can_tell_places_apart_nothing_is_gone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    gone = replace(alive.this_process(), pid=1 << 22)
    monkeypatch.setattr(alive, "_PROC", tmp_path)
    assert not alive.gone(gone)


@pytest.mark.parametrize(
    ("error", "gone"),
    [(errno.ENOENT, True), (errno.ESRCH, True), (errno.EMFILE, False), (errno.ENFILE, False), (errno.EACCES, False)],
)
def test_that_nobody_can_look_does_not_mean_gone(monkeypatch: pytest.MonkeyPatch, error: int, gone: bool) -> None:
    def fails(path: Path, *_arguments: object, **_options: object) -> str:
        raise OSError(error, os.strerror(error), str(path))

    started = alive.started(os.getpid())
    monkeypatch.setattr(Path, "read_text", fails)
    assert alive.run_is_gone(os.getpid(), started) is gone


def test_a_process_whose_name_looks_like_its_state_is_read_rightly(tmp_path: Path) -> None:
    program = tmp_path / "a) Z 1 (b"
    program.symlink_to("/bin/sleep")
    with subprocess.Popen([program, "600"]) as sleeper:
        assert alive.started(sleeper.pid).isdigit()
        assert not alive.run_is_gone(sleeper.pid, alive.started(sleeper.pid))
        sleeper.kill()


def test_without_proc_a_signal_tells(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(alive, "_PROC", tmp_path)
    assert not alive.run_is_gone(os.getpid(), alive.started(os.getpid()))
    assert alive.run_is_gone(1 << 22, "unknown")


def test_what_has_the_mark_of_the_stage_is_ended_and_nothing_else() -> None:
    with (
        child(f"{CUTOVER}:freeze") as left,
        child(f"{CUTOVER}:verify") as one,
        child(f"{CUTOVER}0:freeze") as two,
        child() as three,
    ):
        leftovers = alive.Leftovers(CUTOVER, "freeze")
        assert leftovers.any()
        assert left.wait(30) == -signal.SIGKILL
        assert leftovers.end(5.0)
        assert not leftovers.any()
        assert not leftovers.elsewhere
        assert [other.poll() for other in (one, two, three)] == [None] * 3


def test_a_task_that_acts_on_another_host_is_noticed(tmp_path: Path) -> None:
    """Its end there nobody here can see."""
    transport = tmp_path / "ssh"
    transport.symlink_to("/bin/sleep")
    environment = {**os.environ, alive.MARK: f"{CUTOVER}:elsewhere"}
    with subprocess.Popen([transport, "600"], env=environment) as process:
        # A program that has just been started has no environment for a moment.
        while not Path(f"/proc/{process.pid}/environ").read_bytes():
            time.sleep(0.01)
        leftovers = alive.Leftovers(CUTOVER, "elsewhere")
        assert leftovers.end(5.0)
        assert leftovers.elsewhere


def test_a_task_that_just_starts_to_act_on_another_host_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {"environ": b"PATH=/bin\0", "cmdline": b"python3\0worker\0"}
    after = {"environ": f"{alive.MARK}={CUTOVER}:freeze\0".encode(), "cmdline": b"/usr/bin/ssh\0db1\0"}
    read: list[str] = []

    def while_it_starts(path: Path) -> bytes:
        if path.parent.name != str(os.getppid()):
            return b""
        read.append(path.name)
        return before[path.name] if len(read) == 1 else after.get(path.name, b"")

    monkeypatch.setattr(alive, "_read", while_it_starts)
    monkeypatch.setattr(alive.os, "kill", lambda _pid, _signal: None)
    leftovers = alive.Leftovers(CUTOVER, "freeze")
    # Either it is not seen yet, or it is seen with all that it is.
    assert leftovers.any() is leftovers.elsewhere


def test_a_worker_that_lost_its_run_is_ended_too() -> None:
    with child("", f"ansible-playbook-{CUTOVER}") as worker, child("", f"ansible-playbook-{CUTOVER}-2") as other:
        command = alive.forks_of(worker.pid)
        assert alive.Leftovers(CUTOVER, "none", command).end(5.0)
        assert worker.wait(30) == -signal.SIGKILL
        assert other.poll() is None


def test_another_run_with_the_same_command_line_is_left_alone() -> None:
    """Whoever cuts many databases over types the same command in many folders."""
    command = [sys.executable, "-c", FORK, f"cutover-{CUTOVER}.yml"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "start_new_session": True}
    with subprocess.Popen(command, **pipes) as run, subprocess.Popen(command, **pipes) as other:
        worker, another = (int(started.stdout.readline()) for started in (run, other))
        try:
            known = alive.forks_of(run.pid)
            run.kill()
            run.wait()
            assert alive.Leftovers(CUTOVER, "none", known).end(5.0)
            assert alive.run_is_gone(worker, "")
            assert other.poll() is None
            assert not alive.run_is_gone(another, alive.started(another))
        finally:
            other.kill()
            for pid in (worker, another):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def test_where_nobody_can_tell_two_runs_apart_none_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    with child("", f"ansible-playbook-{CUTOVER}") as worker:
        monkeypatch.setattr(alive, "_memory", lambda pid: ())
        assert alive.forks_of(worker.pid) == b""
        assert alive.Leftovers(CUTOVER, "none", alive.forks_of(worker.pid)).end(5.0)
        assert worker.poll() is None


def test_what_cannot_be_ended_within_its_time_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(100))
    with child(f"{CUTOVER}:stays"), monkeypatch.context() as patch:
        patch.setattr(os, "kill", lambda pid, number: None)
        assert not alive.Leftovers(CUTOVER, "stays").end(3.0, lambda: next(ticks))


@pytest.mark.parametrize(
    ("first", "files", "environment", "container"),
    [
        ("sh", [".dockerenv"], {}, True),
        ("sh", [], {}, False),
        ("sh", [], {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, True),
        ("systemd", [".dockerenv"], {}, False),
        ("init", [".dockerenv"], {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, False),
        (None, [".dockerenv"], {}, True),
    ],
)
def test_a_container_is_known_by_its_marks_unless_its_first_process_is_an_init(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    first: str | None,
    files: list[str],
    environment: dict[str, str],
    container: bool,
) -> None:
    (tmp_path / "1").mkdir()
    if first:
        (tmp_path / "1" / "comm").write_text(f"{first}\n", encoding="utf-8")
    for name in files:
        (tmp_path / name).touch()
    monkeypatch.setattr(alive, "_PROC", tmp_path)
    monkeypatch.setattr(alive, "_CONTAINER_FILES", (str(tmp_path / ".dockerenv"),))
    assert alive.in_container(environment) is container
