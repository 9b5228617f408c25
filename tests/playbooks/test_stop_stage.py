# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stage stop: what the service is asked, and what happens if it or the run fails there."""

from __future__ import annotations

import getpass
import os
import re
import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cutover.drs.tests.integration.targets.setup_simulator.files.child import Child
from ansible_collections.cutover.drs.tests.playbooks.ending import (
    WAYS,
    end,
    eventually,
    guards,
    unfrozen_once,
    until_ran,
)
from ansible_collections.cutover.drs.tests.playbooks.support import LINGER, Cutover, Place, ask

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


def facts(**said: Any) -> dict[str, Any]:
    """A task that adds what it found to what others have found."""
    return {
        "ansible.builtin.set_fact": {
            "drs_cutover_facts": f"{{{{ drs_cutover_facts | default({{}}) | combine({said!r}) }}}}"
        }
    }


def databases(cutover: Cutover, *, stopped: bool) -> list[dict[str, Any]]:
    return [{"id": cutover.job, "name": "orders", "engine": "mysql", "stopped": stopped}]


def a_shop(place: Place, **tasks: Any) -> Cutover:
    """A cutover with a name and an engine, after tasks that spoke of an earlier one: of that nothing may be shown."""
    cutover = a_cutover(place)
    cutover.options["reports"].append(str(cutover.folder / "cutover.md"))
    cutover.change(target_readonly=True, name="orders", source_engine="mysql", target_engine="mysql")
    cutover.keywords["pre_tasks"] = [facts(earlier=1)]
    cutover.tasks(freeze=[cutover.changing(delay=0), facts(orders={"rows": 7})], **tasks)
    return cutover


@pytest.mark.thorough
def test_what_tasks_say_of_their_databases_is_in_result_and_reports_and_a_stop_has_changed_something(
    place: Place,
) -> None:
    cutover = a_shop(place, verify=[facts(change="CHG-7")])
    said = cutover.run(succeeds=True)
    report = cutover.report
    assert report["facts"] == {"orders": {"rows": 7}, "change": "CHG-7"}
    assert report["databases"] == databases(cutover, stopped=True)
    assert report["ran_by"] == {"user": getpass.getuser(), "machine": socket.gethostname(), "host": "localhost"}
    table = (cutover.folder / "cutover.md").read_text("utf-8")
    assert f"| orders<br>`{cutover.job}` | mysql | rows: 7 | ready, delay 0 s | stopped |" in table
    assert "change: CHG-7" in table
    assert re.search(r"Stop the jobs\] \*+ changed: \[localhost\]", said)


@pytest.mark.thorough
def test_the_reports_that_the_guard_writes_say_the_same_of_the_databases(place: Place) -> None:
    cutover = a_shop(place, verify=[LINGER])
    with cutover.start() as run:
        until_ran(cutover, run, "verify")
        run.kill()
        unfrozen_once(cutover)
    report = cutover.report
    assert report["facts"] == {"orders": {"rows": 7}}
    assert report["databases"] == databases(cutover, stopped=False)
    assert report["ran_by"] == {"user": getpass.getuser(), "machine": socket.gethostname(), "host": "localhost"}
    table = (cutover.folder / "cutover.md").read_text("utf-8")
    assert f"| orders<br>`{cutover.job}` | mysql | rows: 7 | ready, delay 0 s | not stopped |" in table


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


POSTGRESQL = {"type": "sync", "source_engine": "postgresql", "target_engine": "postgresql"}


@pytest.mark.parametrize("when", ["never", pytest.param("after_switch", marks=pytest.mark.thorough)])
def test_a_switch_from_postgresql_before_the_sequences_are_set_is_refused_before_anything_runs(
    place: Place, when: str
) -> None:
    cutover = a_cutover(place, stop_jobs=when)
    cutover.change(**POSTGRESQL)
    said = cutover.run(succeeds=False)
    assert (
        f"DRS sets the sequences of a PostgreSQL target only when its job is stopped in the normal way: {cutover.job}"
        in said
    )
    assert "get duplicate keys. Set it to before_switch" in said
    assert cutover.ran == []
    # Check mode finds it in the daytime.
    assert "get duplicate keys" in cutover.run("--check", succeeds=False)


@pytest.mark.thorough
def test_sequences_and_rows_that_are_dropped_are_in_plan_lines_result_and_report(place: Place) -> None:
    report = str(place.folder / "dropped.md")
    cutover = a_cutover(place)
    cutover.options["reports"].append(report)
    cutover.change(**POSTGRESQL, conflict_policy="ignore")
    said = cutover.run(succeeds=True)
    dropped = "The conflict policy is ignore, so rows that conflict are dropped silently"
    assert f"drs_cutover WARNING {dropped}" in said
    assert f"Sequences are set on the target only by a normal stop: {cutover.job}" in cutover.report["plan"]
    assert any(line.startswith(f"Warning: {dropped}") for line in cutover.report["plan"])
    assert any(warning.startswith(dropped) for warning in cutover.report["warnings"])
    assert dropped in Path(report).read_text("utf-8")


@pytest.mark.thorough
def test_an_engine_that_is_not_known_is_a_warning(place: Place) -> None:
    cutover = a_cutover(place, stop_jobs="never")
    cutover.change(source_engine="brand-new")
    said = cutover.run(succeeds=True)
    assert "It is not known what only a normal stop of these jobs migrates, because of their engine" in said
    assert any("(brand-new)" in warning for warning in cutover.report["warnings"])


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
    assert ("Set up their replication again" in said) == ("release_fails" in fault)


@pytest.mark.thorough
def test_the_keyword_timeout_of_a_play_ends_a_stop_with_the_right_reason(place: Place) -> None:
    cutover = a_cutover(place)
    cutover.keywords = {"timeout": 8}
    cutover.change(stop_seconds=60)
    said = cutover.run(succeeds=False)
    assert cutover.ran == ["freeze", "verify", "unfreeze"]
    assert "The keyword timeout ends this task after 8 s, so it has 6 s to end." in said
    assert (cutover.report["outcome"], cutover.report["failed_stage"]) == ("unfrozen", "stop")
    assert "Set up their replication again." in cutover.report["reason"]


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


@pytest.mark.parametrize("way", ["sigkill", pytest.param("ctrl_c", marks=pytest.mark.thorough)])
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


@pytest.mark.thorough
def test_a_guard_that_is_killed_while_the_jobs_are_stopped_after_the_switch_leaves_the_target_in_use(
    place: Place,
) -> None:
    cutover = a_cutover(place, stop_jobs="after_switch")
    cutover.change(stop_seconds=3)
    with cutover.start() as run:
        in_the_stop(cutover, run)
        for guard in guards(cutover):
            os.kill(guard, signal.SIGKILL)
        run.end()
    assert cutover.report["outcome"] == "done"
    assert cutover.report["failed_stage"] == "stop"
    assert "The guard was lost in the stop." in cutover.report["reason"]
    assert cutover.ran == ["freeze", "verify", "switch"]


@pytest.mark.thorough
def test_check_mode_stops_nothing(place: Place) -> None:
    cutover = a_cutover(place)
    said = cutover.run("--check", succeeds=True)
    assert "5. stop the jobs, within 900 s; a job that was stopped cannot be resumed" in said
    assert stops(cutover) == []
