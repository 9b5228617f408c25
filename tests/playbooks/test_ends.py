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
    left_frozen,
    lose,
    nothing_left,
    unfrozen_once,
    until_ran,
)
from ansible_collections.cutover.drs.tests.playbooks.support import LINGER, Cutover, Place, Tasks, written


@pytest.mark.parametrize(
    ("stage", "way"),
    [
        *(
            pytest.param("freeze", way, marks=() if way in ("ctrl_c", "sigkill") else pytest.mark.thorough)
            for way in WAYS
        ),
        pytest.param("verify", "ctrl_c", marks=pytest.mark.thorough),
        pytest.param("verify", "sigkill_tree", marks=pytest.mark.thorough),
    ],
)
def test_a_run_that_is_ended_in_the_outage_is_unfrozen_by_its_guard(place: Place, stage: str, way: str) -> None:
    cutover = Cutover(place, verify_tasks="tasks/verify.yml")
    cutover.tasks(**{"freeze": [cutover.changing(delay=0)], stage: [LINGER]})
    with cutover.start() as run:
        until_ran(cutover, run, stage)
        end(run, WAYS[way])
        unfrozen_once(cutover)
    assert (cutover.report["outcome"], cutover.report["unfrozen_by"]) == ("unfrozen", "guard")
    assert f"The run died during the {stage} stage." in cutover.report["reason"]


@pytest.mark.thorough
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
    assert "unfrozen: The outage reached drs_cutover_max_outage (3 s)" in written(run)
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
    assert f"Finish or undo the switch by hand, then remove {cutover.journal_file}." in said


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


def test_a_killed_guard_is_noticed_at_the_next_step_and_another_one_unfreezes(place: Place) -> None:
    cutover = Cutover(place)
    cutover.tasks(freeze=[{"ansible.builtin.command": "sleep 2"}])
    with cutover.start() as run:
        until_ran(cutover, run, "freeze")
        (guard,) = list(guards(cutover))
        os.kill(guard, signal.SIGKILL)
        assert run.end() != 0
    unfrozen_once(cutover)
    assert "The guard of this cutover is gone" in written(run)


@pytest.mark.thorough
def test_a_guard_that_is_killed_in_the_switch_does_not_make_it_a_cutover_that_did_not_begin(place: Place) -> None:
    cutover = Cutover(place)
    hold = cutover.folder / "hold"
    hold.touch()
    waits = {"ansible.builtin.command": f"sh -c 'while test -e {hold}; do sleep 0.1; done'"}
    cutover.tasks(freeze=[cutover.changing(delay=0)], switch=[waits])
    with cutover.start() as run:
        until_ran(cutover, run, "switch")
        for guard in guards(cutover):
            os.kill(guard, signal.SIGKILL)
        hold.unlink()
        assert run.end() != 0
    assert "Nothing was frozen" not in written(run)
    assert cutover.report["outcome"] == "switch_failed"


def test_guard_and_run_killed_together_are_recovered(place: Place) -> None:
    cutover = left_frozen(place)
    assert cutover.state["outcome"] is None
    said = cutover.recover(succeeds=True)
    assert "The source was unfrozen by recover and accepts writes again." in said
    unfrozen_once(cutover, by="recover")
    # Safe to run at any time.
    said = cutover.recover(succeeds=True)
    assert "Nothing is frozen." in said
    assert cutover.ran.count("unfreeze") == 1


@pytest.mark.thorough
def test_recover_from_another_checkout_of_the_project_restores_what_the_freeze_found(place: Place) -> None:
    cutover = Cutover(place, verify_tasks="tasks/verify.yml")
    cutover.options["keep"] = {"mode": "{{ (found | default({})).stdout | default('') }}"}
    cutover.options["unfreeze_vars"] = {"password": "of-the-run"}
    note = f"{{{{ mode }}}} {{{{ password }}}} > {place.folder}/restored"
    cutover.tasks(
        freeze=[cutover.changing(delay=0), {"ansible.builtin.command": "echo read-write", "register": "found"}],
        verify=[LINGER],
        unfreeze=[{"ansible.builtin.shell": f"echo {note}"}],
    )
    with cutover.start() as run:
        until_ran(cutover, run, "verify")
        lose(cutover, run)
    # The journal is where it was, the project somewhere else.
    other = Cutover(place)
    (cutover.folder / "tasks" / "unfreeze.yml").rename(other.folder / "tasks" / "unfreeze.yml")
    wanted = {"drs_cutover_journal": str(cutover.journal_file), "drs_cutover_unfreeze_vars": {"password": "mine"}}
    other.recover(succeeds=True, **wanted)
    assert (place.folder / "restored").read_text(encoding="utf-8") == "read-write mine\n"
    assert cutover.state["unfrozen_by"] == "recover"


def test_recover_unfreezes_on_the_host_of_the_journal_and_nowhere_else(place: Place) -> None:
    cutover = Cutover(place)
    python = {"ansible_python_interpreter": sys.executable, "ansible_connection": "local"}
    inventory = cutover.folder / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": {"db1": python, "db2": python}}}), encoding="utf-8")
    cutover.tasks(
        freeze=[LINGER],
        unfreeze=[{"ansible.builtin.command": f"touch {cutover.folder}/on-{{{{ inventory_hostname }}}}"}],
    )
    with cutover.playing({**cutover.play(), "hosts": "db1"}, "-i", str(inventory)) as run:
        until_ran(cutover, run, "freeze")
        lose(cutover, run)
    # The role's recover runs on localhost, without that host at first.
    said = cutover.recover(succeeds=False, drs_cutover_journal=cutover.options["journal"], drs_cutover_unfreeze_for=1)
    assert (
        "Could not match supplied host pattern, ignoring: db1. Give it the inventory that has this host, by -i" in said
    )
    assert cutover.state["outcome"] == "frozen"
    assert not list(cutover.folder.glob("on-*"))
    cutover.recover("-i", str(inventory), succeeds=True)
    assert [path.name for path in cutover.folder.glob("on-*")] == ["on-db1"]
    assert cutover.state["outcome"] == "unfrozen"


@pytest.mark.thorough
def test_recover_without_a_journal_or_in_a_switch_touches_nothing(place: Place) -> None:
    cutover = Cutover(place)
    # Another machine may have it.
    assert "Another machine may have it." in cutover.recover(succeeds=False)
    expected = {"drs_cutover_journal": cutover.options["journal"], "drs_cutover_missing_journal": "ok"}
    assert "so nothing is frozen." in cutover.recover(succeeds=True, **expected)
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
        waits = {"drs_cutover_journal": cutover.options["journal"], "drs_cutover_recover_wait": 1}
        said = cutover.recover(succeeds=False, **waits)
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
        said = cutover.run(succeeds=False, journal=str(cutover.folder / "other.json"), reports=[])
        assert f"process {first.process.pid} on" in said
        assert "in the stage freeze" in said
        assert cutover.ran == ["freeze"]
        released.touch()
        assert first.end() == 0
    assert cutover.ran == ["freeze", "switch"]
    assert not (cutover.folder / "other.json").exists()


@pytest.mark.thorough
def test_the_guard_unfreezes_with_what_was_declared_and_with_the_files_of_the_play(place: Place) -> None:
    cutover = Cutover(place)
    secret = "s3cret-of-the-play"
    (cutover.folder / "templates").mkdir()
    (cutover.folder / "templates" / "note.j2").write_text("{{ password }} {{ mode }}")
    (cutover.folder / "group_vars").mkdir()
    (cutover.folder / "group_vars" / "all.yml").write_text("from_group: group\n")
    freeze: Tasks = [{"ansible.builtin.command": "echo registered", "register": "registered"}]
    note = (
        "{{ password }},{{ nested.key[0] }},{{ from_group }},{{ from_extra }},{{ mode }},{{ looks_like }},"
        "{{ lookup('template', 'note.j2') }},{{ number + 1 }}"
    )
    unfreeze: Tasks = [
        {"ansible.builtin.copy": {"content": note, "dest": str(cutover.folder / "seen")}},
        {"ansible.builtin.command": "printenv FROM_KEYWORD", "register": "printed"},
        {"ansible.builtin.copy": {"content": "{{ printed.stdout }}", "dest": str(cutover.folder / "keyword")}},
    ]
    cutover.tasks(freeze=[cutover.changing(delay=0), *freeze], verify=[LINGER], unfreeze=unfreeze)
    cutover.options["verify_tasks"] = "tasks/verify.yml"
    cutover.options["unfreeze_vars"] = {
        "password": "{{ from_play }}",
        "nested": {"key": ["{{ from_play | upper }}"]},
        "number": 41,
    }
    # What the freeze found, with a text that only looks like a template.
    cutover.options["keep"] = {
        "mode": "{{ (registered | default({})).stdout | default('') }}",
        "looks_like": "{{ '{' ~ '{ x }' ~ '}' }}",
    }
    cutover.keywords = {"vars": {"from_play": secret}, "environment": {"FROM_KEYWORD": "keyword"}}
    with cutover.start("-e", "from_extra=extra") as run:
        until_ran(cutover, run, "verify")
        run.kill()
        unfrozen_once(cutover)
    seen = (cutover.folder / "seen").read_text(encoding="utf-8")
    assert seen == f"{secret},{secret.upper()},group,extra,registered,{{{{ x }}}},{secret} registered,42"
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
    left_out = {"ansible.builtin.command": f"touch {cutover.folder}/slow", "tags": ["slow"]}
    cutover.tasks(freeze=[LINGER], unfreeze=[hidden, left_out])
    cutover.keywords = {"no_log": True}
    play = cutover.play()
    play["tasks"] = [{"block": play["tasks"], "delegate_to": "elsewhere", "tags": ["cut"]}]
    options = ("-i", str(inventory), "--skip-tags", "slow", "--ssh-common-args=-C")
    with cutover.playing(play, *options, environment={"ANSIBLE_RUN_TAGS": "cut"}) as run:
        until_ran(cutover, run, "freeze")
        eventually((cutover.folder / "elsewhere").exists)
        # What the freeze left; from now on it tells of the unfreeze.
        (cutover.folder / "elsewhere").unlink()
        run.kill()
        unfrozen_once(cutover)
    assert (cutover.folder / "elsewhere").exists()
    assert not (cutover.folder / "slow").exists()
    assert "s3cret-of-a-task" not in (cutover.folder / "state.guard.log").read_text(encoding="utf-8")


@pytest.mark.thorough
def test_a_host_that_is_in_no_inventory_cannot_be_unfrozen_and_so_is_not_frozen(place: Place) -> None:
    cutover = Cutover(place)
    host: dict[str, Any] = {"name": "db1", "groups": ["dbs"], "ansible_connection": "local"}
    host["ansible_python_interpreter"] = sys.executable
    adding = {"hosts": "localhost", "gather_facts": False, "tasks": [{"ansible.builtin.add_host": host}]}
    with cutover.playing(adding, {**cutover.play(), "hosts": "dbs"}) as run:
        assert run.end() != 0
    assert "Could not match supplied host pattern, ignoring: db1" in written(run)
    assert cutover.ran == []


def test_a_journal_that_cannot_be_written_any_more_leads_to_the_unfreeze(place: Place) -> None:
    cutover = Cutover(place, journal=str(Path("/dev/shm") / f"drs-{os.getpid()}" / "state.json"))
    folder = Path(cutover.options["journal"]).parent
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
        assert "is not a folder" in cutover.report["reason"]
    finally:
        folder.unlink()


def test_a_journal_whose_folder_cannot_be_written_is_refused_before_the_approach(place: Place) -> None:
    cutover = Cutover(place, journal="/proc/nowhere/state.json")
    said = cutover.run(succeeds=False)
    assert "drs_cutover_journal: /proc/nowhere/state.json cannot be written." in said
    assert (cutover.ran, cutover.requests()) == ([], [])


@pytest.mark.thorough
def test_recover_in_check_mode_says_what_it_would_do_and_does_not_note_it(place: Place) -> None:
    cutover = left_frozen(place)
    before = cutover.state
    said = cutover.recover("--check", succeeds=True)
    assert f"Check mode: the source is frozen, and {cutover.folder}/tasks/unfreeze.yml would unfreeze it." in said
    assert (cutover.ran, cutover.state) == (["freeze"], before)
    cutover.recover(succeeds=True)
    assert (cutover.ran, cutover.state["outcome"]) == (["freeze", "unfreeze"], "unfrozen")


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["drs_cutover_jobs", "drs_wait_jobs"])
def test_recover_finds_the_journal_of_jobs_as_the_cutover_named_it(place: Place, name: str) -> None:
    cutover = left_frozen(place, journal=None)
    # By a variable, one of them twice.
    cutover.recover(succeeds=True, **{"mine": cutover.job, name: ["{{ mine }}", "{{ mine }}"]})
    assert cutover.ran == ["freeze", "unfreeze"]


@pytest.mark.thorough
def test_a_second_run_goes_on_from_what_was_left_frozen(place: Place) -> None:
    cutover = left_frozen(place)
    since = cutover.state["frozen_since"]
    cutover.run(succeeds=True)
    assert cutover.ran == ["freeze", "freeze", "switch"]
    # The outage goes on since the first run.
    assert cutover.report["frozen_since"] < cutover.report["started_at"]
    assert json.loads(cutover.journal_file.read_text())["frozen_since"] == since


@pytest.mark.thorough
def test_a_second_run_whose_approach_is_not_ready_unfreezes_what_was_left_frozen(place: Place) -> None:
    cutover = left_frozen(place)
    cutover.change(delay=99)
    cutover.run(succeeds=False, approach_timeout=0.3)
    assert cutover.ran == ["freeze", "unfreeze"]
    assert cutover.report["outcome"] == "unfrozen"
