# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate against a model of it, over many sequences of polls.

``DRS_SEQUENCES=1000000 pytest tests/unit/gate/test_model.py`` looks at a million of them.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cutover.drs.plugins.module_utils._gate.gate import (
    Decision,
    Observation,
    Sample,
    Standing,
    judge,
)
from ansible_collections.cutover.drs.plugins.module_utils._gate.rules import Goal, ListEntry, Reading, Rules, Subtasks
from ansible_collections.cutover.drs.tests.unit.builders import failed_poll, reading
from ansible_collections.cutover.drs.tests.unit.conftest import SEQUENCES
from ansible_collections.cutover.drs.tests.unit.gate import model

Option = TypeVar("Option")
# Chooses one of some options: hypothesis, which makes failures small, or a random number, which is fast.
Choose = Callable[[Sequence[Option]], Option]

GOALS = ["caught_up", "caught_up", "auto", "auto", "full_complete", "stopped"]
DONE = {"full_complete": "FULL_TRANSFER_COMPLETE", "stopped": "DELETED"}
# An unknown one is as many of them as it takes to come to the verdict unknown now and then.
STATUSES = [*model.MEANING, *["BRAND_NEW"] * 3, "incre_transfer_started"]
# Rare among much that is ready, or no sequence would ever come to a streak.
SELDOM = [False] * 9 + [True]
# The end of one poll to the beginning of the next. Gaps around three intervals of 10 s, and within them.
PAUSES = [1, 5, 10, 10, 10, 20, 29, 30, 31]
PARTS = 4


def options_of(choose: Choose[Any]) -> dict[str, Any]:
    return {
        "goal": choose(GOALS),
        "max_delay": choose([0, 5]),
        "stable_samples": choose([1, 2, 3]),
        "stable_for": choose([0, 10, 25]),
        "timeout": choose([0, 40, 90, 10_000, 10_000]),
        "interval": choose([10, 10, 5]),
        "near_interval": choose([5, 10]),
        "max_errors": choose([0, 1, 2]),
        "max_missing": choose([0, 1]),
        "unknown_for": choose([0, 15, 40]),
        "fail_fast": choose([True, False]),
        "require_full_progress": choose([False, False, True]),
        "check_subtasks": choose([True, True, False]),
        "require_quiet": choose([False, False, True]),
        "quiet_for": choose([0, 10, 25]),
        "hold_file": "/run/hold",
    }


def job_of(
    choose: Choose[Any], goal: str, mode: str | None, seldom: Sequence[bool], *, subtask: bool = False
) -> model.Job:
    """A job that has reached its goal, but for what is seldom different."""
    whole: dict[str, Any] = {}
    if not subtask and choose(seldom):
        kinds: list[dict[str, Any]] = [
            {"listed": False},
            {"listed": False, "not_told": True},
            {"subtasks": tuple(_subtask_of(choose, goal, seldom) for _number in range(choose([1, 1, 2])))},
        ]
        whole = choose(kinds)
    if goal == "auto":
        goal = model.GOAL_OF_MODE.get(mode or "", "caught_up")
    status = choose(STATUSES) if choose(seldom) else DONE.get(goal, "INCRE_TRANSFER_STARTED")
    fields: dict[str, Any] = {"status": status, "transfer_status": status, "mode": mode}
    if choose(seldom):
        changes: list[dict[str, Any]] = [
            {"transfer_status": choose(STATUSES)},
            {"delay": choose([None, 0, 1, 5, 6])},
            {"progress": choose([None, 0, 99, 100])},
            {"part": choose([0, 94, 100])},
            {"error": True},
            {"progress_error": True},
            {"list_status": choose(STATUSES)},
            {"list_mode": choose(["FULL_INCR_TRANS", "FULL_TRANS"])},
            {"list_error": True},
            {"action": True},
            {"list_status": status, "list_mode": mode},
            {"position": choose([None, "binlog.000007:5", "binlog.000008:4", "0/16B3748"]), "rows": choose(SELDOM)},
            {"in_status": False},
            {"in_progress": False},
            {"in_status": False, "in_progress": False},
        ]
        fields |= choose(changes)
    return model.Job(**fields, **whole)


def _subtask_of(choose: Choose[Any], goal: str, seldom: Sequence[bool]) -> model.Job:
    if choose([True, False]):
        # What a subtask is before it is over, and then.
        status = choose(["CHILD_TRANSFER_STARTED", "CHILD_TRANSFER_FAILED", "RELEASE_CHILD_TRANSFER_COMPLETE"])
        return model.Job(status=status, transfer_status=status, delay=None, error=choose(seldom))
    return job_of(choose, goal, choose(["FULL_INCR_TRANS", "FULL_TRANS", None]), seldom, subtask=True)


def polls_of(choose: Choose[Any], goal: str) -> list[model.Seen]:
    modes = [choose(["FULL_INCR_TRANS", "FULL_INCR_TRANS", "INCR_TRANS", "FULL_TRANS", "TWO_WAY", None])]
    modes += [choose(["FULL_INCR_TRANS", "FULL_TRANS"]) for _number in range(choose([0, 0, 1, 2]))]
    # In some sequences nothing is ever different, in others much is.
    seldom = choose([[False], SELDOM, SELDOM, [False, False, True]])
    time = 0.0
    polls: list[model.Seen] = []
    for _number in range(choose(range(1, 13))):
        began = time + (choose(PAUSES) if polls else 0)
        time = began + choose([0, 0, 0.5, 4])
        if choose(seldom):
            polls.append(model.Seen(began, time, failed=True, final=choose(SELDOM)))
            continue
        jobs = tuple(job_of(choose, goal, mode, seldom) for mode in modes)
        polls.append(model.Seen(began, time, jobs, held=choose(seldom)))
    return polls


def as_reading(number: int, job: model.Job, parent: str = "") -> Reading:
    name = f"{parent}job-{number}"
    subtasks = tuple(as_reading(of_it, each, f"{name}-") for of_it, each in enumerate(job.subtasks))
    return reading(
        name,
        job.status,
        transfer_status=job.transfer_status,
        task_mode=job.mode,
        delay=job.delay,
        progress=job.progress,
        parts=None if job.part is None else {"data": {"progress": job.part}},
        src_offset=job.position,
        rows_applied=job.rows,
        error=("DRS.M05011", None) if job.error else (None, None),
        error_code="DRS.M05012" if job.progress_error else None,
        found=(job.in_status, job.in_progress),
        subtasks=Subtasks(subtasks, job.listed, "Subtasks not known." if job.not_told else None),
        entry=ListEntry(
            job.list_status,
            job.list_mode,
            error_message="Full." if job.list_error else None,
            action="SWITCH_OVER" if job.action else None,
        ),
    )


def as_observation(seen: model.Seen) -> Observation:
    if seen.failed:
        return failed_poll(seen.ended, final=seen.final)
    readings = tuple(as_reading(number, job) for number, job in enumerate(seen.jobs))
    return Sample(seen.began, seen.ended, seen.ended, readings, seen.held)


def compare(choose: Choose[Any]) -> str | None:
    """Let the gate and the model judge the same polls; the verdict on which they agree."""
    options = options_of(choose)
    rules = Rules(**{**options, "goal": Goal(options["goal"])})
    polls = polls_of(choose, options["goal"])
    standing = Standing()
    for number, seen in enumerate(polls, start=1):
        decision = judge(standing, as_observation(seen), rules)
        standing = decision.standing
        agree(decision, polls[:number], options)
        if decision.verdict:
            if decision.verdict.value == "ready":
                assert_evidence(decision, polls[:number], options)
            return decision.verdict.value
    return None


def agree(decision: Decision, polls: list[model.Seen], options: dict[str, Any]) -> None:
    wanted = model.expected(polls, options)
    told = (options, polls)
    assert (decision.verdict.value if decision.verdict else None) == wanted.verdict, told
    assert decision.standing.streak == wanted.streak, told
    assert bool(decision.reason) is bool(decision.verdict), told
    if not polls[-1].failed:
        found = [{hold.rule.value for hold in job.holds} for job in decision.standing.jobs]
        assert found == wanted.holds, told


def assert_evidence(decision: Decision, polls: list[model.Seen], options: dict[str, Any]) -> None:
    """Nothing that is missing, unknown, contradictory or old is behind a verdict ``ready``."""
    jobs = decision.standing.jobs
    assert len(jobs) == len(polls[-1].jobs) > 0
    assert not any(job.holds for job in jobs)
    needs_streak = options["timeout"] > 0 and any(job.goal is Goal.CAUGHT_UP for job in jobs)
    assert options["timeout"] == 0 or polls[-1].began <= options["timeout"]
    samples, lasted, after = 0, 0.0, polls[-1]
    for seen in reversed(polls):
        assert after is seen or after.began - seen.ended <= 3 * options["near_interval"]
        assert not seen.failed
        assert not seen.held
        for job, of_last_sample in zip(seen.jobs, jobs, strict=True):
            assert_reached(job, of_last_sample.goal, options)
            if options["check_subtasks"]:
                assert_whole(job, options)
            if options["require_quiet"] and of_last_sample.goal is Goal.CAUGHT_UP:
                assert_quiet(job, of_last_sample.reading.progress.src_offset)
        samples, lasted, after = samples + 1, max(0.0, polls[-1].began - seen.ended), seen
        if not needs_streak or (samples >= options["stable_samples"] and lasted >= options["stable_for"]):
            return
    raise AssertionError(f"ready after {samples} samples over {lasted} s")


def assert_quiet(job: model.Job, position: str | None) -> None:
    assert position is not None
    assert job.position == position
    assert not job.rows


def assert_whole(job: model.Job, options: dict[str, Any]) -> None:
    assert job.listed
    assert not job.not_told
    for subtask in job.subtasks:
        ends = ("RELEASE_CHILD_TRANSFER_COMPLETE", "RELEASE_RESOURCE_COMPLETE", "DELETED")
        over = subtask.status in ends and subtask.transfer_status == subtask.status
        if not (over and subtask.in_status and subtask.in_progress):
            goal = model.goal_of(subtask, options)
            assert goal is not None
            assert_reached(subtask, Goal(goal), options)


def assert_reached(job: model.Job, goal: Goal, options: dict[str, Any]) -> None:
    assert job.in_status
    assert job.in_progress
    assert job.status == job.transfer_status
    assert not job.error
    assert not job.progress_error
    assert not job.list_error
    assert not job.action
    assert job.list_status in (None, job.status)
    assert job.mode is None or job.list_mode in (None, job.mode)
    if options["require_full_progress"]:
        assert job.progress == 100
        assert job.part in (None, 100)
    if goal is Goal.CAUGHT_UP:
        assert job.status == "INCRE_TRANSFER_STARTED"
        assert job.delay is not None
        assert 0 <= job.delay <= options["max_delay"]
    elif goal is Goal.FULL_COMPLETE:
        passed = [] if options["goal"] == "auto" else ["INCRE_TRANSFER_STARTED"]
        assert job.status in ("FULL_TRANSFER_COMPLETE", *passed)
    else:
        assert goal is Goal.STOPPED
        assert job.status in ("RELEASE_RESOURCE_COMPLETE", "DELETED")


@given(st.data())
def test_the_gate_judges_as_the_model_does(data: st.DataObject) -> None:
    compare(lambda options: data.draw(st.sampled_from(options)))


@pytest.mark.parametrize("part", range(PARTS))
def test_the_gate_judges_as_the_model_does_over_and_over(part: int) -> None:
    first = random.SystemRandom().randrange(2**60) if "DRS_SEQUENCES" in os.environ else 20261124 + part
    met: dict[str | None, int] = {}
    for seed in range(first, first + SEQUENCES // PARTS):
        try:
            verdict = compare(random.Random(seed).choice)
        except AssertionError as error:
            raise AssertionError(f"sequence {seed}: compare(random.Random({seed}).choice)") from error
        met[verdict] = met.get(verdict, 0) + 1
    # Every verdict must be met often, or the comparison says little.
    verdicts = {None, "ready", "failed", "ended", "missing", "unknown", "held", "timeout", "error"}
    assert {verdict for verdict, times in met.items() if times >= SEQUENCES // PARTS // 200} == verdicts, met
