# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mode is a preflight: it fails if the night would, and says why, beside the whole plan."""

from __future__ import annotations

import json
import time

import pytest

from ansible_collections.cutover.drs.tests.playbooks.ending import until_ran
from ansible_collections.cutover.drs.tests.playbooks.support import FAIL, Cutover, Place, Tasks


def waits(cutover: Cutover) -> Tasks:
    """Tasks that go on until the file ``released`` is there."""
    return [{"ansible.builtin.wait_for": {"path": str(cutover.folder / "released"), "timeout": 90}}]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("switch", "- not: [closed", marks=pytest.mark.thorough),
        ("switch", "- no.such.module: {}"),
        pytest.param("verify", "- no.such.module: {}", marks=pytest.mark.thorough),
        pytest.param("freeze", "- not: [closed", marks=pytest.mark.thorough),
        pytest.param("unfreeze", "- no.such.module: {}", marks=pytest.mark.thorough),
        pytest.param("switch", "just: a mapping", marks=pytest.mark.thorough),
    ],
)
def test_a_file_that_cannot_be_loaded_fails(place: Place, name: str, content: str) -> None:
    cutover = Cutover(place, verify_tasks="tasks/verify.yml")
    # What a play ignores is no reason to call a plan sound.
    cutover.keywords = {"ignore_errors": True}
    cutover.write(name, content)
    said = cutover.run("--check", succeeds=False)
    assert f"{name}.yml" in said
    assert cutover.ran == []


@pytest.mark.thorough
def test_the_plan_names_databases_time_limits_journal_and_reports(place: Place) -> None:
    cutover = Cutover(place, stop_jobs="before_switch", stop_timeout=300, max_outage=900, approach_timeout=7200)
    cutover.change(name="orders")
    said = cutover.run("--check", succeeds=True)
    assert f"Databases: orders ({cutover.job})." in said
    assert (
        "Time limits: approach gate 7200 s, final gate 60 s, stop of the jobs 300 s, outage 900 s; unfreeze 600 s for an attempt, "
        "tried again for 3600 s."
    ) in said
    assert f"Journal: {cutover.journal_file}; its owner counts as dead after 30 s without a renewal." in said
    assert f"Reports: {cutover.folder}/cutover.json." in said
    said = cutover.run("--check", succeeds=True, reports=[])
    assert "Reports: none, as drs_cutover_reports is not set." in said


@pytest.mark.thorough
def test_an_option_out_of_its_range_fails(place: Place) -> None:
    cutover = Cutover(place, stop_timeout=0)
    said = cutover.run("--check", succeeds=False)
    assert "drs_cutover_stop_timeout must be at least 1, not 0" in said
    assert (cutover.ran, cutover.requests()) == ([], [])


@pytest.mark.thorough
def test_a_job_that_is_not_ready_yet_does_not_fail(place: Place) -> None:
    cutover = Cutover(place, delay=900)
    said = cutover.run("--check", succeeds=True)
    assert "The approach gate now: timeout. 1 of 1 job is not ready" in said


@pytest.mark.thorough
def test_a_cutover_that_is_done_fails_since_nothing_would_run(place: Place) -> None:
    cutover = Cutover(place)
    cutover.run(succeeds=True)
    said = cutover.run("--check", succeeds=False)
    assert "This cutover was completed at 20" in said
    assert f"To repeat it, remove {cutover.journal_file}." in said
    # A second run after a success is one, as it always was.
    assert "so this run does nothing" in cutover.run(succeeds=True)


def left_frozen(place: Place) -> Cutover:
    """A cutover whose unfreeze failed, so that the source is frozen and nobody owns it."""
    cutover = Cutover(place, unfreeze_for=0, rehearse_unfreeze=False)
    cutover.tasks(freeze=[cutover.changing(delay=0), FAIL], unfreeze=[FAIL])
    cutover.run(succeeds=False)
    assert cutover.state["outcome"] == "frozen"
    return cutover


def test_a_source_that_an_earlier_run_left_frozen_fails(place: Place) -> None:
    cutover = left_frozen(place)
    before = cutover.state
    said = cutover.run("--check", succeeds=False)
    assert "The source is frozen since 20" in said
    assert "and nobody owns the cutover any more. Run cutover.drs.recover, which unfreezes it" in said
    assert cutover.state == before


@pytest.mark.thorough
def test_a_second_run_says_in_its_first_line_that_the_source_is_frozen(place: Place) -> None:
    cutover = left_frozen(place)
    cutover.tasks(freeze=[cutover.changing(delay=0)])
    with cutover.start() as run:
        code = run.end()
    assert code == 0
    lines = [line for line in run.stderr.splitlines() if line.startswith("drs_")]
    assert lines[0].startswith("drs_cutover FROZEN The source is frozen since 20"), lines
    assert ", by the run, process " in lines[0]
    assert ", in the stage unfreeze" in lines[0]


@pytest.mark.thorough
def test_another_run_in_the_final_gate_fails(place: Place) -> None:
    cutover = Cutover(place)
    cutover.tasks(freeze=waits(cutover))
    other_journal = str(cutover.folder / "other.json")
    with cutover.start() as first:
        until_ran(cutover, first, "freeze")
        (cutover.folder / "released").touch()
        deadline = time.monotonic() + 30
        while cutover.state["stage"] != "final":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        said = cutover.run("--check", succeeds=False)
        assert "in the stage final, frozen since 20" in said
        # On one machine with another journal too.
        said = cutover.run("--check", succeeds=False, journal=other_journal)
        assert "in the stage final, frozen since 20" in said
        second = cutover.run(succeeds=False)
        assert "drs_cutover FROZEN The source is frozen since 20" in second
        cutover.change(delay=0)
        assert first.end() == 0
    assert cutover.ran == ["freeze", "switch"]


@pytest.mark.thorough
def test_two_hosts_with_the_same_jobs_fail(place: Place) -> None:
    cutover = Cutover(place)
    cutover.keywords = {"hosts": "all", "connection": "local"}
    said = cutover.run("--check", "-i", "one,two,", succeeds=False)
    assert "would cut over the same jobs at the same time. Run the role on one host" in said


@pytest.mark.thorough
def test_every_problem_is_named_at_once(place: Place) -> None:
    cutover = left_frozen(place)
    cutover.change(status="INCRE_TRANSFER_FAILED")
    said = cutover.run("--check", succeeds=False)
    assert "The cutover would fail: The source is frozen since 20" in said
    assert "Run cutover.drs.recover, which unfreezes it" in said
    assert "The approach gate would fail: 1 job failed:" in said
    assert "1. approach gate: delay of at most 5 s" in said


@pytest.mark.thorough
def test_the_keyword_timeout_may_not_be_shorter_than_the_streak(place: Place) -> None:
    cutover = Cutover(place, stable_for=30, final_timeout=60)
    cutover.keywords = {"timeout": 20}
    said = cutover.run(succeeds=False)
    assert (
        "drs_cutover_stable_for (30 s) is longer than the keyword timeout leaves (18 s), so the gate could never open."
        in said
    )
    assert (cutover.ran, cutover.requests()) == ([], [])


@pytest.mark.thorough
def test_the_result_of_a_preflight_is_a_fact(place: Place) -> None:
    cutover = Cutover(place)
    told = {"ansible.builtin.debug": {"msg": "{{ drs_cutover_result | to_json }}"}}
    cutover.keywords = {"tasks": [*cutover.play()["tasks"], told]}
    with cutover.start("--check") as run:
        assert run.end() == 0
    line = next(line for line in run.stdout.splitlines() if '"msg": "{' in line)
    result = json.loads(json.loads("{" + line.strip().rstrip(",") + "}")["msg"])
    assert (result["outcome"], sorted(result["gates"])) == ("not_begun", ["approach", "final"])
    assert any(line.startswith("Journal: ") for line in result["plan"])
    # From which a report of it makes its table.
    assert [(each["id"], each["stopped"]) for each in result["databases"]] == [(job, False) for job in result["jobs"]]
    assert result["databases"]
