# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way to end a run between freeze and switch: the source is unfrozen once, soon, and nothing is switched."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cutover.drs.tests.integration.targets.setup_simulator.files.child import kill
from ansible_collections.cutover.drs.tests.playbooks.ending import (
    WAYS,
    end,
    eventually,
    guards,
    nothing_left,
    unfrozen_once,
    until_ran,
    ways,
)
from ansible_collections.cutover.drs.tests.playbooks.support import LINGER, Cutover, Place, Tasks, written


@pytest.mark.parametrize("way", ways("ctrl_c", "sigkill", "sigkill_tree"))
@pytest.mark.parametrize("stage", ["freeze", pytest.param("verify", marks=pytest.mark.thorough)])
def test_a_run_that_is_ended_in_the_outage_is_unfrozen_by_its_guard(place: Place, stage: str, way: str) -> None:
    cutover = Cutover(place, verify_tasks="tasks/verify.yml")
    cutover.tasks(**{"freeze": [cutover.changing(delay=0)], stage: [LINGER]})
    with cutover.start() as run:
        until_ran(cutover, run, stage)
        end(run, WAYS[way])
        unfrozen_once(cutover)
    assert (cutover.report["outcome"], cutover.report["unfrozen_by"]) == ("unfrozen", "guard")
    assert f"The run ended in the stage {stage} without a word." in cutover.report["reason"]


def test_a_lost_terminal_is_unfrozen_and_told_where_it_still_exists(place: Place) -> None:
    cutover = Cutover(place)
    cutover.tasks(freeze=[LINGER])
    with cutover.start(terminal=True) as run:
        until_ran(cutover, run, "freeze")
        run.process.kill()
        unfrozen_once(cutover)


@pytest.mark.thorough
def test_a_log_on_a_full_disk_keeps_the_guard_from_nothing(place: Place) -> None:
    cutover = Cutover(place)
    cutover.tasks(freeze=[LINGER])
    (cutover.folder / "state.guard.log").symlink_to("/dev/full")
    with cutover.start() as run:
        until_ran(cutover, run, "freeze")
        run.kill()
        unfrozen_once(cutover)


def test_an_unreachable_host_in_the_freeze_is_unfrozen(place: Place) -> None:
    cutover = Cutover(place)
    nowhere = {
        "ansible.builtin.ping": {},
        "delegate_to": "nowhere",
        "vars": {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 9},
    }
    cutover.tasks(freeze=[nowhere])
    cutover.run(succeeds=False)
    unfrozen_once(cutover)


@pytest.mark.parametrize("meta", ["end_play", pytest.param("end_host", marks=pytest.mark.thorough)])
def test_the_end_of_the_play_in_the_freeze_is_unfrozen(place: Place, meta: str) -> None:
    cutover = Cutover(place)
    cutover.tasks(freeze=[{"ansible.builtin.meta": meta}])
    with cutover.start() as run:
        run.end()
    unfrozen_once(cutover)


@pytest.mark.thorough
def test_a_run_that_stands_still_is_unfrozen_when_its_time_is_up_and_refused_when_it_comes_back(place: Place) -> None:
    cutover = Cutover(place, max_outage=3)
    cutover.tasks(freeze=[{"ansible.builtin.command": "sleep 1"}])
    with cutover.start() as run:
        until_ran(cutover, run, "freeze")
        pids = run.tree()
        kill(pids, signal.SIGSTOP)
        eventually(lambda: cutover.state["outcome"] == "unfrozen", within=60)
        kill(pids, signal.SIGCONT)
        assert run.end() != 0
    unfrozen_once(cutover)
    assert "The guard has taken over" in written(run) or "the guard has taken over" in written(run)
    assert "drs_cutover_max_outage (3 s)" in cutover.report["reason"]


@pytest.mark.thorough
def test_a_hanging_freeze_is_unfrozen_when_its_time_is_up(place: Place) -> None:
    cutover = Cutover(place, max_outage=2)
    cutover.tasks(freeze=[{"ansible.builtin.command": "sleep 6"}])
    cutover.run(succeeds=False)
    unfrozen_once(cutover)


def test_killed_in_the_switch_nothing_is_undone(place: Place) -> None:
    cutover = Cutover(place)
    cutover.tasks(freeze=[cutover.changing(delay=0)], switch=[LINGER])
    with cutover.start() as run:
        until_ran(cutover, run, "switch")
        run.kill()
        eventually(lambda: cutover.state["outcome"] == "switch_failed")
        eventually(lambda: nothing_left(cutover))
    assert cutover.ran == ["freeze", "switch"]
    said = cutover.run(succeeds=False)
    assert cutover.ran == ["freeze", "switch"]
    assert "An earlier run was interrupted, or failed, in the switch at 20" in said
    assert f"Finish or undo the switch by hand, then remove {cutover.state_file}." in said


@pytest.mark.thorough
def test_a_dead_worker_of_a_user_task_is_unfrozen_by_the_run_or_the_guard(place: Place) -> None:
    cutover = Cutover(place)
    cutover.tasks(freeze=[LINGER])
    with cutover.start() as run:
        until_ran(cutover, run, "freeze")
        time.sleep(0.5)
        kill(run.tree()[1:])
        run.end()
    eventually(lambda: cutover.ran.count("unfreeze") == 1)
    assert "switch" not in cutover.ran


def test_a_killed_guard_is_noticed_at_the_next_step_and_the_run_unfreezes(place: Place) -> None:
    cutover = Cutover(place)
    cutover.tasks(freeze=[{"ansible.builtin.command": "sleep 2"}])
    with cutover.start() as run:
        until_ran(cutover, run, "freeze")
        (guard,) = list(guards(cutover))
        os.kill(guard, signal.SIGKILL)
        assert run.end() != 0
    unfrozen_once(cutover, by="run")
    assert "The guard of this cutover is gone" in cutover.report["reason"]


def left_frozen(place: Place) -> Cutover:
    """A cutover whose run and guard were killed together in the freeze."""
    cutover = Cutover(place)
    cutover.tasks(freeze=[LINGER])
    with cutover.start() as run:
        until_ran(cutover, run, "freeze")
        (guard,) = guards(cutover)
        os.kill(guard, signal.SIGKILL)
        run.kill()
    return cutover


def test_guard_and_run_killed_together_are_recovered(place: Place) -> None:
    cutover = left_frozen(place)
    assert cutover.state["outcome"] is None
    said = cutover.recover(succeeds=True)
    assert "The source was unfrozen and accepts writes again." in said
    unfrozen_once(cutover, by="recover")
    # Safe to run at any time.
    said = cutover.recover(succeeds=True)
    assert "Nothing is frozen." in said
    assert cutover.ran.count("unfreeze") == 1


@pytest.mark.thorough
def test_what_a_guard_started_unfreezes_though_the_guard_has_died_since(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    cutover = left_frozen(place)
    about = {
        "owner": cutover.state["owner"],
        "journal": str(cutover.state_file),
        "socket": str(cutover.folder / "gone"),
    }
    monkeypatch.setenv("DRS_CUTOVER_GUARD", json.dumps(about))
    said = cutover.recover(succeeds=True)
    assert "The source was unfrozen and accepts writes again." in said
    unfrozen_once(cutover, by="recover")


@pytest.mark.thorough
def test_recover_without_a_journal_or_in_a_switch_touches_nothing(place: Place) -> None:
    cutover = Cutover(place)
    assert "so nothing is frozen." in cutover.recover(succeeds=True)
    cutover.tasks(freeze=[cutover.changing(delay=0)], switch=[{"ansible.builtin.fail": {}}])
    cutover.run(succeeds=False)
    assert "The switch has begun" in cutover.recover(succeeds=False)
    assert cutover.ran == ["freeze", "switch"]


@pytest.mark.thorough
def test_recover_refuses_while_the_run_lives(place: Place) -> None:
    cutover = Cutover(place)
    cutover.tasks(freeze=[LINGER])
    with cutover.start() as run:
        until_ran(cutover, run, "freeze")
        said = cutover.recover(succeeds=False)
        assert f"process {run.process.pid} on" in said
        assert cutover.ran == ["freeze"]
        run.kill()
        unfrozen_once(cutover)


def test_a_second_run_is_refused_at_once_and_touches_nothing(place: Place) -> None:
    cutover = Cutover(place)
    released = cutover.folder / "released"
    waits = {"ansible.builtin.wait_for": {"path": str(released), "timeout": 90}}
    cutover.tasks(freeze=[waits, cutover.changing(delay=0)])
    with cutover.start() as first:
        until_ran(cutover, first, "freeze")
        # Even with another journal: the jobs are what counts.
        said = cutover.run(succeeds=False, state_file=str(cutover.folder / "other.json"), reports=[])
        assert f"process {first.process.pid} on" in said
        assert "in the stage freeze" in said
        assert cutover.ran == ["freeze"]
        released.touch()
        assert first.end() == 0
    assert cutover.ran == ["freeze", "switch"]
    assert not (cutover.folder / "other.json").exists()


def test_the_guard_unfreezes_with_the_variables_keywords_and_files_of_the_play(place: Place) -> None:
    cutover = Cutover(place)
    secret = "s3cret-of-the-play"
    (cutover.folder / "templates").mkdir()
    (cutover.folder / "templates" / "note.j2").write_text("{{ from_play }} {{ registered.stdout }} {{ from_fact }}")
    (cutover.folder / "group_vars").mkdir()
    (cutover.folder / "group_vars" / "all.yml").write_text("from_group: group\n")
    freeze: Tasks = [
        {"ansible.builtin.set_fact": {"from_fact": "fact", "raw": "{{ unsafe_source }}"}},
        {"ansible.builtin.command": "echo registered", "register": "registered"},
    ]
    note = (
        "{{ from_play }},{{ nested.key[0] }},{{ from_group }},{{ from_extra }},{{ from_fact }},{{ registered.stdout }},"
        "{{ lookup('env', 'FROM_ENVIRONMENT') }},{{ lookup('template', 'note.j2') }},{{ number + 1 }}"
    )
    unfreeze: Tasks = [
        {"ansible.builtin.copy": {"content": note, "dest": str(cutover.folder / "seen")}},
        {"ansible.builtin.command": "printenv FROM_KEYWORD", "register": "registered"},
        {"ansible.builtin.copy": {"content": "{{ registered.stdout }}", "dest": str(cutover.folder / "keyword")}},
    ]
    cutover.tasks(freeze=[cutover.changing(delay=0), *freeze], verify=[LINGER], unfreeze=unfreeze)
    cutover.options["verify_tasks"] = "tasks/verify.yml"
    cutover.keywords = {
        "vars": {
            "from_play": secret,
            "nested": {"key": ["{{ from_play | upper }}"]},
            "number": 41,
            "unsafe_source": "x",
        },
        "environment": {"FROM_KEYWORD": "keyword"},
    }
    with cutover.start("-e", "from_extra=extra") as run:
        until_ran(cutover, run, "verify")
        run.kill()
        unfrozen_once(cutover)
    seen = (cutover.folder / "seen").read_text(encoding="utf-8")
    assert seen == f"{secret},{secret.upper()},group,extra,fact,registered,,{secret} registered fact,42"
    assert (cutover.folder / "keyword").read_text(encoding="utf-8") == "keyword"
    # The secret is nowhere but where the user's own tasks wrote it.
    holders = [
        path.name for path in cutover.folder.rglob("*") if path.is_file() and secret in path.read_text(errors="replace")
    ]
    assert [name for name in holders if not name.endswith(".json") or "cutover" in name or name == "state.json"] == [
        "seen"
    ]


@pytest.mark.thorough
def test_the_guard_unfreezes_where_and_under_which_keywords_the_run_would(place: Place) -> None:
    cutover = Cutover(place)
    # The interpreter of the other host tells that a task ran there.
    python = cutover.folder / "python"
    python.write_text(f'#!/bin/sh\necho used >> {cutover.folder}/elsewhere\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    inventory = cutover.folder / "hosts"
    inventory.write_text(f"elsewhere ansible_connection=local ansible_python_interpreter={python}\n")
    hidden: dict[str, Any] = {
        "ansible.builtin.command": "echo s3cret-of-a-task",
        "failed_when": True,
        "ignore_errors": True,
    }
    notifying = {"ansible.builtin.command": "true", "notify": "Restart"}
    left_out = {"ansible.builtin.command": f"touch {cutover.folder}/slow", "tags": ["slow"]}
    unknown = {"ansible.builtin.command": "true", "notify": "A handler of another role"}
    cutover.tasks(freeze=[LINGER], unfreeze=[hidden, notifying, left_out, unknown])
    cutover.keywords = {
        "no_log": True,
        "handlers": [{"name": "Restart", "ansible.builtin.command": f"touch {cutover.folder}/restarted"}],
    }
    play = cutover.play()
    play["tasks"] = [{"block": play["tasks"], "delegate_to": "elsewhere", "tags": ["cut"]}]
    options = ("-i", str(inventory), "--skip-tags", "slow", "--ssh-common-args=-C")
    with cutover.playing(play, *options, environment={"ANSIBLE_RUN_TAGS": "cut"}) as run:
        until_ran(cutover, run, "freeze")
        run.kill()
        (cutover.folder / "elsewhere").unlink(missing_ok=True)
        unfrozen_once(cutover)
    assert (cutover.folder / "elsewhere").exists()
    assert (cutover.folder / "restarted").exists()
    assert not (cutover.folder / "slow").exists()
    assert "s3cret-of-a-task" not in (cutover.folder / "state.guard.log").read_text(encoding="utf-8")


@pytest.mark.thorough
def test_the_guard_unfreezes_on_a_host_that_is_in_no_inventory(place: Place) -> None:
    cutover = Cutover(place)
    cutover.tasks(freeze=[LINGER], unfreeze=[{"ansible.builtin.command": "test {{ motto }} = found"}])
    host: dict[str, Any] = {"name": "db1", "groups": ["dbs"], "motto": "{{ 'found' }}"}
    host.update(ansible_connection="local", ansible_python_interpreter=sys.executable)
    adding = {"hosts": "localhost", "gather_facts": False, "tasks": [{"ansible.builtin.add_host": host}]}
    with cutover.playing(adding, {**cutover.play(), "hosts": "dbs"}) as run:
        until_ran(cutover, run, "freeze")
        run.kill()
        unfrozen_once(cutover)


def test_a_journal_that_cannot_be_written_any_more_leads_to_the_unfreeze(place: Place) -> None:
    cutover = Cutover(place, state_file=str(Path("/dev/shm") / f"drs-{os.getpid()}" / "state.json"))
    folder = Path(cutover.options["state_file"]).parent
    folder.mkdir()
    try:
        # The folder of the journal goes away in the freeze: from then on nothing can be written.
        cutover.tasks(
            freeze=[
                cutover.changing(delay=0),
                {"ansible.builtin.file": {"path": str(folder), "state": "absent"}},
                {"ansible.builtin.copy": {"content": "", "dest": str(folder)}},
            ]
        )
        cutover.run(succeeds=False)
        assert cutover.ran == ["freeze", "unfreeze"]
        assert cutover.report["outcome"] == "unfrozen"
        assert "cannot be written" in cutover.report["reason"]
    finally:
        folder.unlink()


def test_a_journal_whose_folder_cannot_be_written_is_refused_before_the_approach(place: Place) -> None:
    cutover = Cutover(place, state_file="/proc/nowhere/state.json")
    said = cutover.run(succeeds=False)
    assert "drs_cutover_state_file: /proc/nowhere/state.json cannot be written." in said
    assert (cutover.ran, cutover.requests()) == ([], [])


def interrupted_before_the_guard_could_act(place: Place, **options: Any) -> Cutover:
    """A journal that says frozen, whose owner and guard are both gone."""
    cutover = Cutover(place, **options)
    cutover.tasks(freeze=[LINGER])
    with cutover.start() as run:
        until_ran(cutover, run, "freeze")
        for guard in guards(cutover):
            os.kill(guard, signal.SIGKILL)
        run.kill()
    cutover.tasks(freeze=[cutover.changing(delay=0)])
    return cutover


@pytest.mark.thorough
def test_recover_in_check_mode_says_what_it_would_do_and_does_not_note_it(place: Place) -> None:
    cutover = interrupted_before_the_guard_could_act(place)
    before = cutover.state
    said = cutover.recover("--check", succeeds=True)
    assert f"Check mode: the source is frozen, and {cutover.folder}/tasks/unfreeze.yml would unfreeze it." in said
    assert (cutover.ran, cutover.state) == (["freeze"], before)
    cutover.recover(succeeds=True)
    assert (cutover.ran, cutover.state["outcome"]) == (["freeze", "unfreeze"], "unfrozen")


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["drs_cutover_jobs", "drs_wait_jobs"])
def test_recover_finds_the_journal_of_jobs_as_the_cutover_named_it(place: Place, name: str) -> None:
    cutover = interrupted_before_the_guard_could_act(place, state_file=None)
    # By a variable, one of them twice.
    cutover.recover(succeeds=True, **{"mine": cutover.job, name: ["{{ mine }}", "{{ mine }}"]})
    assert cutover.ran == ["freeze", "unfreeze"]


@pytest.mark.thorough
def test_a_second_run_goes_on_from_what_was_left_frozen(place: Place) -> None:
    cutover = interrupted_before_the_guard_could_act(place)
    since = cutover.state["frozen_since"]
    cutover.run(succeeds=True)
    assert cutover.ran == ["freeze", "freeze", "switch"]
    # The outage goes on since the first run.
    assert cutover.report["frozen_since"] < cutover.report["started_at"]
    assert json.loads(cutover.state_file.read_text())["frozen_since"] == since


@pytest.mark.thorough
def test_a_second_run_whose_approach_is_not_ready_unfreezes_what_was_left_frozen(place: Place) -> None:
    cutover = interrupted_before_the_guard_could_act(place)
    cutover.change(delay=99)
    cutover.run(succeeds=False, approach_timeout=0.3)
    assert cutover.ran == ["freeze", "unfreeze"]
    assert cutover.report["outcome"] == "unfrozen"
