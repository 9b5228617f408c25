# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stage stop: what the service is asked, and what happens if it or the run fails there."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.cutover.drs.tests.integration.targets.setup_simulator.files.child import Child
from ansible_collections.cutover.drs.tests.playbooks.ending import WAYS, end, eventually, unfrozen_once, ways
from ansible_collections.cutover.drs.tests.playbooks.support import Cutover, Place, ask

GONE = "a job that was stopped must be set up again"


def stops(cutover: Cutover) -> list[str]:
    """The bodies of the requests that stopped this job, in which nothing is forced or deleted."""
    bodies = [entry["body"] for entry in ask(cutover.place.sim["control"], "log") if entry["operation"] == "batch-jobs"]
    own = [job for body in bodies for job in body["jobs"] if job["job_id"] == cutover.job]
    assert all(job.get("delete_type", "terminate") == "terminate" for job in own), own
    return [job["job_id"] for job in own]


def a_cutover(place: Place, **options: Any) -> Cutover:
    return Cutover(place, **{"stop_jobs": "before_switch", "verify_tasks": "tasks/verify.yml", **options})


def test_the_jobs_end_before_the_switch(place: Place) -> None:
    cutover = a_cutover(place)
    cutover.change(target_readonly=True, stop_seconds=1)
    said = cutover.run(succeeds=True)
    assert cutover.ran == ["freeze", "verify", "switch"]
    assert [name for name, _state in cutover.stages()] == ["approach", "freeze", "final", "verify", "stop", "switch"]
    assert (cutover.report["outcome"], cutover.report["stopped"]) == ("done", [cutover.job])
    assert stops(cutover) == [cutover.job]
    assert "5. stop the jobs, within 900 s" in " ".join(cutover.report["plan"])
    assert f"Read-only until its job has ended: the target of {cutover.job}" in cutover.report["plan"]
    # Each second of the stop is outage.
    took = {stage["name"]: stage["seconds"] for stage in cutover.report["stages"]}
    assert took["stop"] >= 1
    assert "1 job stopped." in said


@pytest.mark.thorough
def test_the_jobs_end_after_the_switch(place: Place) -> None:
    cutover = a_cutover(place, stop_jobs="after_switch")
    cutover.change(stop_seconds=1)
    cutover.run(succeeds=True)
    assert [name for name, _state in cutover.stages()][-2:] == ["switch", "stop"]
    assert (cutover.report["outcome"], cutover.report["stopped"]) == ("done", [cutover.job])


@pytest.mark.parametrize("when", ["never", pytest.param("after_switch", marks=pytest.mark.thorough)])
def test_a_switch_to_a_target_that_is_read_only_is_refused_before_anything_runs(place: Place, when: str) -> None:
    cutover = a_cutover(place, stop_jobs=when)
    cutover.change(target_readonly=True)
    said = cutover.run(succeeds=False)
    assert f"{when}, but until its job has ended the target is read-only: {cutover.job}." in said
    assert "Set it to before_switch, or to by_switch_tasks if your switch tasks stop the jobs." in said
    assert cutover.ran == []


@pytest.mark.thorough
def test_the_switch_tasks_may_stop_the_jobs(place: Place) -> None:
    cutover = a_cutover(place, stop_jobs="by_switch_tasks")
    cutover.change(target_readonly=True)
    cutover.run(succeeds=True)
    assert stops(cutover) == []
    assert "Your switch tasks stop the jobs." in cutover.report["plan"]


@pytest.mark.parametrize(
    "fault",
    [
        {"release_fails": True},
        pytest.param({"stop_answer": "wrong_state"}, marks=pytest.mark.thorough),
        pytest.param({"busy_times": 99}, marks=pytest.mark.thorough),
    ],
)
def test_a_stop_that_fails_before_the_switch_unfreezes(place: Place, fault: dict[str, Any]) -> None:
    cutover = a_cutover(place, stop_timeout=2)
    cutover.change(**fault)
    said = cutover.run(succeeds=False)
    assert cutover.ran == ["freeze", "verify", "unfreeze"]
    assert (cutover.report["outcome"], cutover.report["failed_stage"]) == ("unfrozen", "stop")
    assert cutover.job in cutover.report["reason"]
    assert ("Set their replication up again" in said) == ("release_fails" in fault)


@pytest.mark.thorough
def test_the_keyword_timeout_of_a_play_ends_a_stop_with_the_right_reason(place: Place) -> None:
    cutover = a_cutover(place)
    cutover.keywords = {"timeout": 8}
    cutover.change(stop_seconds=60)
    said = cutover.run(succeeds=False)
    assert cutover.ran == ["freeze", "verify", "unfreeze"]
    assert "The keyword timeout ends this task after 8 s, so it has 6 s to end." in said
    assert (cutover.report["outcome"], cutover.report["failed_stage"]) == ("unfrozen", "stop")
    assert "Set their replication up again." in cutover.report["reason"]


@pytest.mark.thorough
def test_a_stop_that_fails_after_the_switch_fails_the_run_and_undoes_nothing(place: Place) -> None:
    cutover = a_cutover(place, stop_jobs="after_switch", stop_timeout=1)
    cutover.change(stop_answer="wrong_state")
    said = cutover.run(succeeds=False)
    assert cutover.ran == ["freeze", "verify", "switch"]
    assert cutover.report["outcome"] == "done"
    assert "these may copy late writes of the source over the target" in said


def in_the_stop(cutover: Cutover, run: Child) -> None:
    del run
    eventually(lambda: stops(cutover), 60)


@pytest.mark.parametrize("way", ways("sigkill"))
def test_a_run_that_is_ended_while_the_jobs_are_stopped_is_unfrozen(place: Place, way: str) -> None:
    cutover = a_cutover(place)
    cutover.change(stop_seconds=30)
    with cutover.start() as run:
        in_the_stop(cutover, run)
        end(run, WAYS[way])
        unfrozen_once(cutover)
    assert GONE in cutover.report["reason"]


@pytest.mark.thorough
def test_a_stop_that_outlasts_max_outage_is_unfrozen(place: Place) -> None:
    cutover = a_cutover(place, max_outage=15)
    cutover.change(stop_seconds=60)
    cutover.run(succeeds=False)
    assert cutover.ran == ["freeze", "verify", "unfreeze"]
    assert cutover.report["outcome"] == "unfrozen"


@pytest.mark.thorough
def test_a_run_that_is_killed_while_the_jobs_are_stopped_after_the_switch_undoes_nothing(place: Place) -> None:
    cutover = a_cutover(place, stop_jobs="after_switch")
    cutover.change(stop_seconds=30)
    with cutover.start() as run:
        in_the_stop(cutover, run)
        run.kill()
        eventually(lambda: cutover.state["outcome"] == "done")
    assert cutover.ran == ["freeze", "verify", "switch"]
    assert cutover.job in cutover.report["reason"]
    said = cutover.run(succeeds=True)
    assert "Not all jobs were stopped after the switch" in said
    assert cutover.ran == ["freeze", "verify", "switch"]


def test_check_mode_stops_nothing(place: Place) -> None:
    cutover = a_cutover(place)
    said = cutover.run("--check", succeeds=True)
    assert "5. stop the jobs, within 900 s; a job that was stopped cannot be resumed" in said
    assert stops(cutover) == []
