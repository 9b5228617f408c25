# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a cutover ends: done, unfrozen, frozen, switch_failed, not_begun."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.cutover.drs.tests.playbooks.support import FAIL, Cutover, Place, Tasks

SUFFIXES = (".html", ".json", ".md", ".prom", ".xml")


def test_success_and_a_second_run(place: Place) -> None:
    reports = [f"{{{{ playbook_dir }}}}/cutover{suffix}" for suffix in SUFFIXES]
    cutover = Cutover(place, reports=reports, journal="~/state.json", title="Orders to RDS")
    said = cutover.run(succeeds=True)
    assert cutover.ran == ["freeze", "switch"]
    report = cutover.report
    assert report["kind"] == "cutover"
    assert (report["outcome"], report["ready"]) == ("done", True)
    assert cutover.stages() == [("approach", "ok"), ("freeze", "ok"), ("final", "ok"), ("switch", "ok")]
    assert report["gates"]["approach"]["rules"]["max_delay"] == 5
    assert report["gates"]["final"]["rules"]["max_delay"] == 0
    assert report["gates"]["final"]["verdict"] == "ready"
    # The outage is from the beginning of the freeze to the end of the switch.
    seconds = {stage["name"]: stage["seconds"] for stage in report["stages"]}
    frozen = seconds["freeze"] + seconds["final"] + seconds["switch"]
    assert abs(frozen - report["outage_seconds"]) < 0.01
    assert "Outcome: done. The target is the database in use." in said
    assert '"Jobs: 1 of 1 ready at the final gate"' in said
    assert f'"Report: file://{cutover.folder}/cutover.html"' in said
    assert '"drs_cutover_outcome": "done"' in said
    names = {path.name for path in cutover.folder.glob("cutover*")}
    assert names == {f"cutover{gate}{suffix}" for gate in ("", "-approach", "-final") for suffix in SUFFIXES}
    for suffix in (".html", ".md"):
        assert "Orders to RDS" in (cutover.folder / f"cutover{suffix}").read_text(encoding="utf-8")
        assert "Orders to RDS" in (cutover.folder / f"cutover-final{suffix}").read_text(encoding="utf-8")
    assert (cutover.state["stage"], cutover.state["jobs"]) == ("done", [cutover.job])
    assert cutover.state["outage_seconds"] == report["outage_seconds"]
    asked = cutover.requests()

    said = cutover.run(succeeds=True)
    assert cutover.ran == ["freeze", "switch"]
    assert f"This cutover was completed at {cutover.state['at']} (outage {report['outage_seconds']} s)" in said
    assert cutover.requests() == asked
    # What reads the outcome finds it again.
    assert '"drs_cutover_outcome": "done"' in said
    assert f'"drs_cutover_outage_seconds": {report["outage_seconds"]}' in said
    assert cutover.report == report


@pytest.mark.thorough
def test_data_that_agree_are_switched(place: Place) -> None:
    cutover = Cutover(place, verify_tasks="tasks/verify.yml")
    cutover.run(succeeds=True)
    assert cutover.ran == ["freeze", "verify", "switch"]
    assert [name for name, _state in cutover.stages()] == ["approach", "freeze", "final", "verify", "switch"]
    # Comparing takes its time, so one more sample is taken after it.
    assert cutover.report["gates"]["recheck"]["rules"]["timeout"] == 0


@pytest.mark.thorough
def test_data_that_differ_are_not_switched(place: Place) -> None:
    cutover = Cutover(place, verify_tasks="tasks/verify.yml")
    cutover.tasks(freeze=[cutover.changing(delay=0)], verify=[FAIL])
    said = cutover.run(succeeds=False)
    assert cutover.ran == ["freeze", "verify", "unfreeze"]
    assert cutover.report["outcome"] == "unfrozen"
    assert "unfrozen: The task 'ansible.builtin.fail' of verify.yml failed: This was meant to fail." in said


@pytest.mark.thorough
def test_a_delay_that_comes_back_while_comparing_is_not_switched(place: Place) -> None:
    cutover = Cutover(place, verify_tasks="tasks/verify.yml")
    cutover.tasks(freeze=[cutover.changing(delay=0)], verify=[cutover.changing(delay=7)])
    said = cutover.run(succeeds=False)
    assert cutover.ran == ["freeze", "verify", "unfreeze"]
    assert "unfrozen: The recheck gate is not ready (timeout): 1 of 1 job" in said


def not_begun(place: Place, verdict: str, **job: Any) -> None:
    cutover = Cutover(place, approach_timeout=0.4, **job)
    said = cutover.run(succeeds=False)
    assert cutover.ran == []
    assert (cutover.report["outcome"], cutover.report["outage_seconds"]) == ("not_begun", None)
    assert cutover.stages() == [("approach", "failed")]
    assert cutover.report["gates"]["approach"]["verdict"] == verdict
    assert cutover.report["reason"].endswith("Nothing was frozen.")
    assert f"The approach gate is not ready ({verdict}): 1 " in said
    assert json.loads((cutover.folder / "cutover-approach.json").read_text())["verdict"] == verdict
    assert not cutover.journal_file.exists()


@pytest.mark.thorough
def test_approach_by_timeout(place: Place) -> None:
    not_begun(place, "timeout", delay=9)


@pytest.mark.thorough
def test_approach_by_failed(place: Place) -> None:
    not_begun(place, "failed", status="INCRE_TRANSFER_FAILED", delay=-1)


def test_freeze_fails_and_a_second_run(place: Place) -> None:
    cutover = Cutover(place)
    cutover.tasks(freeze=[FAIL])
    said = cutover.run(succeeds=False)
    assert cutover.ran == ["freeze", "unfreeze"]
    assert cutover.stages() == [("approach", "ok"), ("freeze", "failed"), ("unfreeze", "ok")]
    assert cutover.report["outcome"] == "unfrozen"
    assert cutover.report["outage_seconds"] > 0
    assert "final" not in cutover.report["gates"]
    unfrozen = "This was meant to fail. The source was unfrozen by the guard and accepts writes again."
    assert unfrozen in said
    assert cutover.report["reason"].endswith(unfrozen)
    assert cutover.report["unfrozen_by"] == "guard"
    assert cutover.state["stage"] == "unfrozen"

    cutover.tasks(freeze=[cutover.changing(delay=0)])
    said = cutover.run(succeeds=True)
    assert cutover.ran == ["freeze", "unfreeze", "freeze", "switch"]
    assert cutover.report["outcome"] == "done"


def stopped_at_the_final_gate(place: Place, verdict: str, freeze: Callable[[Cutover], Tasks]) -> None:
    cutover = Cutover(place, final_timeout=0.5)
    cutover.tasks(freeze=freeze(cutover))
    said = cutover.run(succeeds=False)
    assert cutover.ran == ["freeze", "unfreeze"]
    assert cutover.stages() == [("approach", "ok"), ("freeze", "ok"), ("final", "failed"), ("unfreeze", "ok")]
    assert cutover.report["outcome"] == "unfrozen"
    assert cutover.report["gates"]["final"]["verdict"] == verdict
    assert cutover.report["outage_seconds"] > 0
    assert f"unfrozen: The final gate is not ready ({verdict}): 1 " in said
    assert json.loads((cutover.folder / "cutover-final.json").read_text())["verdict"] == verdict


@pytest.mark.thorough
def test_final_by_timeout(place: Place) -> None:
    stopped_at_the_final_gate(place, "timeout", lambda cutover: [])


@pytest.mark.thorough
def test_final_by_failed(place: Place) -> None:
    stopped_at_the_final_gate(place, "failed", lambda cutover: [cutover.changing(status="INCRE_TRANSFER_FAILED")])


@pytest.mark.thorough
def test_final_by_ended(place: Place) -> None:
    stopped_at_the_final_gate(place, "ended", lambda cutover: [cutover.changing(status="RELEASE_RESOURCE_STARTED")])


def test_switch_fails_and_a_second_run(place: Place) -> None:
    cutover = Cutover(place)
    cutover.tasks(freeze=[cutover.changing(delay=0)], switch=[FAIL])
    said = cutover.run(succeeds=False)
    assert cutover.ran == ["freeze", "switch"]
    assert cutover.stages()[-1] == ("switch", "failed")
    assert cutover.report["outcome"] == "switch_failed"
    assert "This was meant to fail. Both sides may have been changed, so nothing was undone" in said
    assert cutover.state["stage"] == "switch"
    refused_after_the_switch(cutover)


def refused_after_the_switch(cutover: Cutover) -> None:
    ran, asked = cutover.ran, cutover.requests()
    said = cutover.run(succeeds=False)
    assert (cutover.ran, cutover.requests()) == (ran, asked)
    assert "An earlier run was interrupted, or failed, in the switch at 20" in said
    assert f"Finish or undo the switch by hand, then remove {cutover.journal_file}." in said


def test_unfreeze_fails(place: Place) -> None:
    cutover = Cutover(place, final_timeout=0.5, unfreeze_for=1, rehearse_unfreeze=False)
    cutover.tasks(unfreeze=[FAIL])
    said = cutover.run(succeeds=False)
    assert cutover.ran == ["freeze", "unfreeze"]
    assert cutover.stages()[-1] == ("unfreeze", "failed")
    assert cutover.report["outcome"] == "frozen"
    loud = (
        "THE TASKS TO UNFREEZE THE SOURCE FAILED TOO, so it may still be frozen: The task 'ansible.builtin.fail' of "
        "unfreeze.yml failed: This was meant to fail."
    )
    assert loud in said
    assert cutover.report["reason"].endswith(loud)
    assert cutover.state["stage"] == "unfreeze"


@pytest.mark.thorough
def test_an_unfreeze_that_fails_is_tried_again_and_said_loudly(place: Place) -> None:
    cutover = Cutover(place, final_timeout=0.5, rehearse_unfreeze=False)
    fails_once = {"ansible.builtin.command": f"mkdir {cutover.folder}/twice", "register": "made", "ignore_errors": True}
    cutover.tasks(unfreeze=[fails_once, {**FAIL, "when": "made is succeeded"}])
    said = cutover.run(succeeds=False)
    assert cutover.ran == ["freeze", "unfreeze", "unfreeze"]
    assert cutover.report["outcome"] == "unfrozen"
    assert "THE SOURCE MAY STILL BE FROZEN: The task 'ansible.builtin.fail' of unfreeze.yml failed" in said


def test_a_rehearsal_that_fails_refuses_the_cutover_before_the_freeze(place: Place) -> None:
    cutover = Cutover(place)
    cutover.tasks(freeze=[cutover.changing(delay=0)], unfreeze=[{"ansible.builtin.debug": {"msg": "{{ nowhere }}"}}])
    said = cutover.run(succeeds=False)
    assert cutover.ran == []
    assert (
        "The rehearsal of the unfreeze in check mode failed, so nothing was frozen: The task 'ansible.builtin.debug'"
        in said
    )
    assert "give them what they need by drs_cutover_unfreeze_vars" in said


@pytest.mark.thorough
@pytest.mark.parametrize("stage", ["freeze", "switch"])
@pytest.mark.parametrize("works", [True, False], ids=["works", "fails"])
def test_a_handler_of_a_stage_belongs_to_it(place: Place, stage: str, works: bool) -> None:
    cutover = Cutover(place)
    notify = [{"ansible.builtin.command": "true", "notify": "Restart"}]
    cutover.tasks(**{"freeze": [cutover.changing(delay=0)], stage: [cutover.changing(delay=0), *notify]})
    note = {
        "ansible.legacy.simulator": {"note": "restart", "to": str(cutover.folder / "ran")},
        "failed_when": not works,
    }
    cutover.keywords = {"handlers": [{"name": "Restart", **note}]}
    cutover.run(succeeds=works)
    frozen, after = ["freeze", "restart"], ["switch"] if works else ["unfreeze"]
    assert cutover.ran == ([*frozen, *after] if stage == "freeze" else ["freeze", "switch", "restart"])
    failed = {"freeze": "unfrozen", "switch": "switch_failed"}[stage]
    assert cutover.report["outcome"] == ("done" if works else failed)


@pytest.mark.thorough
def test_no_tasks_to_unfreeze_or_freeze(place: Place) -> None:
    cutover = Cutover(place, final_timeout=0.5, unfreeze_tasks=None, freeze_tasks="", verify_tasks=None)
    said = cutover.run(succeeds=False)
    assert cutover.ran == []
    assert cutover.stages() == [("approach", "ok"), ("final", "failed")]
    assert cutover.report["outcome"] == "frozen"
    assert "There are no tasks to unfreeze the source, so it may still be frozen." in said


@pytest.mark.thorough
def test_two_cutovers_in_a_play(place: Place) -> None:
    first, second = Cutover(place), Cutover(place, delay=99, approach_timeout=0.3)
    for name in ("freeze", "switch", "unfreeze"):
        first.options[f"{name}_tasks"] = str(first.folder / "tasks" / f"{name}.yml")
        second.options[f"{name}_tasks"] = str(second.folder / "tasks" / f"{name}.yml")
    play = {**first.play(), "tasks": [*first.play()["tasks"], *second.play()["tasks"]]}
    with first.playing(play) as run:
        assert run.end() != 0
    assert (first.ran, first.report["outcome"]) == (["freeze", "switch"], "done")
    assert (second.ran, second.report["outcome"]) == ([], "not_begun")
    # Nothing of the first is left in the second.
    assert second.report["outage_seconds"] is None
    assert list(second.report["gates"]) == ["approach"]
