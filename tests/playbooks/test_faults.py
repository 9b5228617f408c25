# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults that a guard once had, each seen with real processes: their classes stay tests."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import ansible
import pytest

from ansible_collections.cutover.drs.tests.integration.targets.setup_simulator.files.child import kill
from ansible_collections.cutover.drs.tests.playbooks.ending import (
    WAYS,
    end,
    eventually,
    guards,
    left_frozen,
    lose,
    nothing_left,
    unfrozen_once,
    until_ran,
)
from ansible_collections.cutover.drs.tests.playbooks.support import (
    ANSIBLE_PLAYBOOK,
    FAIL,
    LINGER,
    Cutover,
    Place,
    written,
)


def read_only(cutover: Cutover) -> Path:
    """What a freeze makes and an unfreeze removes: the source is frozen while it exists."""
    return cutover.folder / "read_only"


def freezing_late(cutover: Cutover, seconds: int = 4) -> None:
    """A freeze task that sets read-only at its end, a second one after it, and an unfreeze that takes it back."""
    mark = read_only(cutover)
    cutover.tasks(
        freeze=[
            {"ansible.builtin.shell": f"sleep {seconds}; touch {mark}", "ignore_errors": True},
            {"ansible.builtin.shell": f"sleep 1; touch {mark}"},
        ],
        unfreeze=[{"ansible.builtin.file": {"path": str(mark), "state": "absent"}}],
    )


@pytest.mark.parametrize("way", ["sigkill", pytest.param("sigkill_group", marks=pytest.mark.thorough)])
def test_no_freeze_task_outlives_the_unfreeze_of_a_run_that_was_killed(place: Place, way: str) -> None:
    cutover = Cutover(place)
    freezing_late(cutover)
    with cutover.start() as run:
        until_ran(cutover, run, "freeze")
        time.sleep(0.5)
        end(run, WAYS[way])
        unfrozen_once(cutover)
        time.sleep(5)
    assert not read_only(cutover).exists()


@pytest.mark.thorough
@pytest.mark.parametrize("suspended", [False, True])
def test_no_freeze_task_outlives_the_unfreeze_when_the_outage_is_too_long(place: Place, suspended: bool) -> None:
    cutover = Cutover(place, max_outage=2)
    freezing_late(cutover, 6)
    with cutover.start() as run:
        until_ran(cutover, run, "freeze")
        pids = run.tree()
        if suspended:
            time.sleep(0.5)
            kill(pids, signal.SIGSTOP)
            eventually(lambda: "unfreeze" in cutover.ran)
            kill(pids, signal.SIGCONT)
        assert run.end() != 0
        eventually(lambda: cutover.state["outcome"] == "unfrozen")
        eventually(lambda: nothing_left(cutover))
    assert not read_only(cutover).exists()
    assert "switch" not in cutover.ran


@pytest.mark.thorough
def test_an_unfreeze_that_hangs_is_ended_and_tried_again(place: Place) -> None:
    cutover = Cutover(place, final_timeout=0.3, unfreeze_timeout=10, unfreeze_for=90)
    hangs_once = f"if mkdir {cutover.folder}/once; then sleep 300; fi"
    cutover.tasks(unfreeze=[{"ansible.builtin.shell": hangs_once}])
    said = cutover.run(succeeds=False)
    assert cutover.ran == ["freeze", "unfreeze", "unfreeze"]
    assert cutover.report["outcome"] == "unfrozen"
    assert "MAY STILL BE FROZEN: they did not end within 10 s (drs_cutover_unfreeze_timeout)" in said
    assert (
        subprocess.run(["pgrep", "-f", f"{cutover.folder}/once"], stdout=subprocess.DEVNULL, check=False).returncode
        == 1
    )


@pytest.mark.thorough
def test_a_switch_that_takes_longer_than_the_outage_may_is_said_and_not_undone(place: Place) -> None:
    cutover = Cutover(place, max_outage=8)
    cutover.tasks(freeze=[cutover.changing(delay=0)], switch=[{"ansible.builtin.command": "sleep 10"}])
    cutover.run(succeeds=True)
    assert cutover.ran == ["freeze", "switch"]
    log = (cutover.folder / "state.guard.log").read_text(encoding="utf-8")
    assert (
        "The switch is still running, and the outage has reached drs_cutover_max_outage (8 s). Nothing is undone."
        in log
    )


@pytest.mark.parametrize("where", ["a pipe", pytest.param("/dev/full", marks=pytest.mark.thorough)])
def test_a_run_whose_reader_has_gone_ends_and_is_unfrozen(place: Place, where: str) -> None:
    cutover = Cutover(place, stable_for=4, final_timeout=60)
    playbook = cutover.folder / "play.json"
    playbook.write_text(json.dumps([cutover.play()]), encoding="utf-8")
    quoted = " ".join(f"'{word}'" for word in (*ANSIBLE_PLAYBOOK, str(playbook)))
    shell = {"a pipe": f"{quoted} 2>&1 | head -c 1 >/dev/null", "/dev/full": f"{quoted} >/dev/null 2>/dev/full"}[where]
    environment = {**os.environ, "HOME": str(cutover.folder)}
    with subprocess.Popen(["/bin/sh", "-c", shell], env=environment, cwd=cutover.folder, start_new_session=True) as run:
        try:
            assert run.wait(90) is not None
            eventually(lambda: nothing_left(cutover))
        finally:
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)
    assert cutover.ran[-1:] in ([], ["unfreeze"], ["switch"])
    assert cutover.ran.count("freeze") == cutover.ran.count("unfreeze") + cutover.ran.count("switch")


@pytest.mark.thorough
@pytest.mark.parametrize("option", ["--step", "--start-at-task=Check the options, the task files and the journal"])
def test_what_may_leave_out_a_stage_is_refused_before_the_freeze(place: Place, option: str) -> None:
    cutover = Cutover(place)
    playbook = cutover.folder / "play.json"
    # As a list of roles, so that the option finds its tasks.
    play = cutover.play()
    include = play.pop("tasks")[0]
    options = include["vars"]
    play["roles"] = [{"role": "cutover.drs.drs_cutover", **options}]
    playbook.write_text(json.dumps([play]), encoding="utf-8")
    answers = "c\n" * 200
    run = subprocess.run(
        [*ANSIBLE_PLAYBOOK, str(playbook), option],
        input=answers,
        capture_output=True,
        text=True,
        timeout=90,
        env={**os.environ, "HOME": str(cutover.folder)},
        check=False,
    )
    assert run.returncode != 0
    assert cutover.ran == []


@pytest.mark.thorough
def test_an_unfreeze_needs_nothing_that_the_end_of_the_run_may_remove(place: Place) -> None:
    cutover = Cutover(place)
    cutover.tasks(freeze=[LINGER])
    # A short path: ansible-core 2.21 has a socket there.
    temporary = tempfile.mkdtemp(dir="/tmp")
    environment = {"TMPDIR": temporary}
    with cutover.playing(cutover.play(), environment=environment) as run:
        until_ran(cutover, run, "freeze")
        # As a wrapper's trap does.
        shutil.rmtree(temporary)
        run.kill()
        unfrozen_once(cutover)


def test_a_vault_password_that_can_be_read_only_once_is_refused_before_the_freeze(place: Place) -> None:
    cutover = Cutover(place)
    secret = cutover.folder / "once.sh"
    secret.write_text(f"#!/bin/sh\nmkdir {cutover.folder}/asked && echo password || exit 1\n", encoding="utf-8")
    secret.chmod(0o700)
    with cutover.playing(cutover.play(), f"--vault-password-file={secret}") as run:
        assert run.end() != 0
    assert "The rehearsal of the unfreeze in check mode failed" in written(run)
    assert cutover.ran == []


@pytest.mark.thorough
@pytest.mark.skipif(sys.version_info < (3, 11), reason="before Python 3.11 the run itself would start what lies there")
def test_nothing_of_the_working_folder_runs_in_the_guard(place: Place) -> None:
    cutover = Cutover(place)
    for name in ("json", "secrets", "signal", "socket", "selectors"):
        (cutover.folder / f"{name}.py").write_text(
            f"open({str(cutover.folder / 'ran_here')!r}, 'w')\nraise SystemExit(9)\n"
        )
    cutover.tasks(freeze=[cutover.changing(delay=0), LINGER])
    environment = {"PYTHONSAFEPATH": "1"}
    with cutover.playing(cutover.play(), environment=environment) as run:
        until_ran(cutover, run, "freeze")
        run.kill()
        unfrozen_once(cutover)
    assert not (cutover.folder / "ran_here").exists()


@pytest.mark.thorough
def test_a_step_that_outlives_its_run_lets_nobody_unfreeze_once_more(place: Place) -> None:
    cutover = Cutover(place)
    # Long enough for the run to end while its last step still waits for the guard.
    cutover.tasks(freeze=[FAIL], unfreeze=[{"ansible.builtin.command": "sleep 3"}])
    with cutover.start() as run:
        until_ran(cutover, run, "unfreeze")
        run.process.kill()
        unfrozen_once(cutover)
        # Of the step that is left.
        time.sleep(4)
        unfrozen_once(cutover)


STILL_FROZEN = "THE SOURCE MAY STILL BE FROZEN"


def log(cutover: Cutover) -> str:
    return (cutover.folder / "state.guard.log").read_text(encoding="utf-8")


@pytest.mark.thorough
def test_a_guard_without_file_descriptors_tries_until_there_are_some(place: Place) -> None:
    cutover = Cutover(place)
    cutover.tasks(freeze=[LINGER])
    with cutover.start() as run:
        until_ran(cutover, run, "freeze")
        (guard,) = guards(cutover)
        _soft, hard = resource.prlimit(guard, resource.RLIMIT_NOFILE)
        used = len([*Path(f"/proc/{guard}/fd").iterdir()])
        before = resource.prlimit(guard, resource.RLIMIT_NOFILE, (used, hard))
        run.kill()
        eventually(lambda: "Too many open files" in log(cutover))
        assert cutover.ran == ["freeze"]
        resource.prlimit(guard, resource.RLIMIT_NOFILE, before)
        unfrozen_once(cutover)


@pytest.mark.thorough
def test_an_ansible_core_that_is_away_for_a_while_is_waited_for(place: Place) -> None:
    cutover = Cutover(place)
    cutover.tasks(freeze=[LINGER])
    installed = cutover.folder / "installed"
    installed.mkdir()
    (installed / "ansible").symlink_to(Path(ansible.__file__).parent)
    searched = os.pathsep.join(filter(None, [str(installed), os.environ.get("PYTHONPATH", "")]))
    with cutover.playing(cutover.play(), environment={"PYTHONPATH": searched}) as run:
        until_ran(cutover, run, "freeze")
        # As an upgrade does: first it removes the old version.
        (installed / "ansible").rename(installed / "old")
        (installed / "ansible.py").write_text("raise ImportError('in the middle of an upgrade')", encoding="utf-8")
        run.kill()
        eventually(lambda: STILL_FROZEN in log(cutover))
        assert cutover.ran == ["freeze"]
        (installed / "ansible.py").unlink()
        (installed / "old").rename(installed / "ansible")
        unfrozen_once(cutover)


MARKS = ("RUNNER_TRACKING_ID", "BUILD_ID", "JENKINS_NODE_COOKIE", "JENKINS_SERVER_COOKIE", "VSTS_PROCESS_LOOKUP_ID")


@pytest.mark.thorough
def test_the_guard_has_none_of_the_marks_by_which_a_runner_of_ci_kills(place: Place) -> None:
    cutover = Cutover(place)
    cutover.tasks(freeze=[LINGER])
    with cutover.playing(cutover.play(), environment=dict.fromkeys(MARKS, "a-mark-of-ci")) as run:
        until_ran(cutover, run, "freeze")
        (guard,) = guards(cutover)
        environment = Path(f"/proc/{guard}/environ").read_bytes()
        command = Path(f"/proc/{guard}/cmdline").read_bytes()
        assert b"a-mark-of-ci" not in environment
        # People who look at the list of processes see whose guard it is.
        assert str(cutover.journal_file).encode() in command
        assert int(Path(f"/proc/{guard}/limits").read_text().split("Max core file size")[1].split()[0]) == 0
        run.kill()
        unfrozen_once(cutover)


@pytest.mark.thorough
def test_what_the_guard_writes_is_private_whatever_the_umask_is(place: Place) -> None:
    cutover = Cutover(place)
    seen: dict[str, Any] = {
        "ansible.builtin.shell": f"stat -c '%a %n' {cutover.folder}/.drs_cutover_unfreeze*.yml > {cutover.folder}/modes"
    }
    cutover.tasks(freeze=[LINGER], unfreeze=[seen])
    before = os.umask(0)
    try:
        with cutover.start() as run:
            until_ran(cutover, run, "freeze")
            run.kill()
            unfrozen_once(cutover)
    finally:
        os.umask(before)
    assert (cutover.folder / "modes").read_text(encoding="utf-8").startswith("600 ")
    assert cutover.journal_file.stat().st_mode & 0o077 == 0


@pytest.mark.thorough
def test_a_host_that_was_left_behind_is_unfrozen_before_the_play_ends(place: Place) -> None:
    lost, other = Cutover(place), Cutover(place, verify_tasks="tasks/verify.yml")
    nowhere: dict[str, Any] = {
        "ansible.builtin.ping": {},
        "delegate_to": "nowhere",
        "when": "inventory_hostname == 'lost'",
        "vars": {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 9},
    }
    released = other.folder / "released"
    waits = {
        "ansible.builtin.wait_for": {"path": str(released), "timeout": 60},
        "when": "inventory_hostname == 'other'",
    }
    ran = "{{ 'lost' if inventory_hostname == 'lost' else 'other' }}"
    for name, more in {
        "freeze": [other.changing(delay=0), nowhere],
        "verify": [waits],
        "switch": [],
        "unfreeze": [],
    }.items():
        note = {"ansible.legacy.simulator": {"note": f"{ran}:{name}", "to": str(other.folder / "ran")}}
        other.write(name, json.dumps([note, *more]))
    job = {"lost": lost.job, "other": other.job}
    options = {
        **other.options,
        "jobs": [f"{{{{ {job!r}[inventory_hostname] }}}}"],
        "journal": "state-{{ inventory_hostname }}.json",
        "reports": [],
    }
    play = other.play(**options)
    python = {"ansible_python_interpreter": sys.executable}
    with other.playing({**play, "hosts": "all", "connection": "local", "vars": python}, "-i", "lost,other,") as run:
        eventually(lambda: "lost:unfreeze" in other.ran)
        # While the other host goes on.
        assert run.process.poll() is None
        assert "other:switch" not in other.ran
        released.touch()
        run.end()
    assert other.ran.count("lost:unfreeze") == 1
    assert "other:switch" in other.ran


def lock_of(cutover: Cutover) -> Path:
    name = hashlib.sha256(cutover.job.encode()).hexdigest()[:32]
    return Path("/tmp/cutover.drs.locks") / f"{name}.lock"


@pytest.mark.thorough
@pytest.mark.parametrize("planted", ["a link", "a second name", "a pipe"])
def test_a_lock_that_somebody_planted_is_not_written_through(place: Place, planted: str) -> None:
    cutover = Cutover(place)
    precious = cutover.folder / "precious"
    precious.write_text("precious", encoding="utf-8")
    path = lock_of(cutover)
    path.parent.mkdir(exist_ok=True)
    if planted == "a link":
        path.symlink_to(precious)
    elif planted == "a second name":
        try:
            path.hardlink_to(precious)
        except OSError:
            pytest.skip("the folders are on different file systems")
    else:
        os.mkfifo(path)
    try:
        said = cutover.run(succeeds=False)
        assert f"The lock {path} of root (uid 0) is not a regular file, or has a second name. Remove it." in said
    finally:
        path.unlink()
    assert precious.read_text(encoding="utf-8") == "precious"
    assert cutover.ran == []


@pytest.mark.thorough
def test_what_the_holder_of_a_lock_says_reaches_no_terminal_as_it_is(place: Place) -> None:
    cutover = Cutover(place)
    path = lock_of(cutover)
    path.parent.mkdir(exist_ok=True)
    said = {
        "pid": 1,
        "run_started": "x",
        "machine": "here\x1b[2J",
        "user": "\nfatal: you",
        "since": "then",
        "host": "h",
    }
    with path.open("w+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        json.dump({**said, "journal": "/dev/zero"}, held)
        held.flush()
        shown = cutover.run(succeeds=False)
        path.unlink()
    assert "\x1b[2J" not in shown
    assert "its lock belongs to root (uid 0)" in shown
    assert cutover.ran == []


@pytest.mark.thorough
def test_the_next_guard_removes_what_one_that_was_killed_left_behind(place: Place) -> None:
    cutover = Cutover(place)
    cutover.tasks(freeze=[LINGER])
    with cutover.start() as run:
        until_ran(cutover, run, "freeze")
        (guard,) = guards(cutover)
        folder = Path(Path(f"/proc/{guard}/cmdline").read_bytes().split(b"\0")[3].decode())
        assert (folder / "guard").exists()
        # As if it had been killed while it unfroze.
        left = cutover.folder / ".drs_cutover_unfreeze.00000000.yml"
        left.touch()
        (folder / f"{left.name}.playbook").write_text(str(left), encoding="utf-8")
        lose(cutover, run)
    cutover.recover(succeeds=True)
    assert (folder.exists(), left.exists()) == (False, False)
    unfrozen_once(cutover, by="recover")


def given_to(path: Path, uid: int) -> None:
    """Give a folder and what is in it to another user, as a mounted folder in a container is another's."""
    for each in [path, *path.rglob("*")]:
        os.chown(each, uid, uid, follow_symlinks=False)


@pytest.mark.thorough
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_journal_in_the_folder_of_the_playbook_may_belong_to_whoever_the_playbook_belongs_to(place: Place) -> None:
    cutover = Cutover(place)
    given_to(cutover.folder, 12345)
    cutover.run(succeeds=True)
    assert cutover.ran == ["freeze", "switch"]


@pytest.mark.thorough
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_recover_runs_nothing_that_another_user_may_have_written(place: Place) -> None:
    cutover = left_frozen(place)
    given_to(cutover.folder, 12345)
    elsewhere = place.folder / "elsewhere"
    elsewhere.mkdir()
    other = Cutover(Place(place.sim, elsewhere))
    said = other.recover(succeeds=False, drs_cutover_journal=str(cutover.journal_file))
    assert "belongs to uid 12345" in said
    assert "emove" not in said
    assert cutover.ran == ["freeze"]
