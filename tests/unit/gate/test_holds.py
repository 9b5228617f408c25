# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds one job, with the sentence a person reads."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._gate.rules import (
    Goal,
    JudgedJob,
    ListEntry,
    Reading,
    Rule,
    Rules,
    Subtasks,
    judge_job,
)
from ansible_collections.cutover.drs.tests.unit.builders import A, reading
from ansible_collections.cutover.drs.tests.unit.job.test_status_table import ROWS, UNKNOWN

STATUSES = [row[0] for row in ROWS]
# What opens each goal, written out from the design.
REACHED = {
    Goal.FULL_COMPLETE: {"FULL_TRANSFER_COMPLETE", "INCRE_TRANSFER_STARTED"},
    Goal.CAUGHT_UP: {"INCRE_TRANSFER_STARTED"},
    Goal.STOPPED: {"RELEASE_RESOURCE_COMPLETE", "DELETED"},
}
GOALS = list(REACHED)


def holds_of(seen: Reading, *, held: bool = False, **rules: Any) -> list[tuple[str, str]]:
    return shown(judge_job(seen, Rules(**{"goal": Goal.CAUGHT_UP, **rules}), held))


def shown(job: JudgedJob) -> list[tuple[str, str]]:
    assert job.ready is (not job.holds)
    return [(hold.rule.value, hold.text) for hold in job.holds]


PHASES = [
    (Goal.CAUGHT_UP, "PAUSING", "caught_up asks for INCRE_TRANSFER_STARTED, the status is PAUSING."),
    (
        Goal.FULL_COMPLETE,
        "FULL_TRANSFER_STARTED",
        "full_complete asks for FULL_TRANSFER_COMPLETE or INCRE_TRANSFER_STARTED, the status is FULL_TRANSFER_STARTED.",
    ),
    (
        Goal.STOPPED,
        "RELEASE_RESOURCE_STARTED",
        "stopped asks for RELEASE_RESOURCE_COMPLETE or DELETED, the status is RELEASE_RESOURCE_STARTED.",
    ),
]

NO_DELAY_TEXT = "The service returns no readable delay (-1 means no value, not zero)."
REFUSAL = ("DRS.M00289", "The job is non-existent.")

BOTH_SAY = "batch-status says INCRE_TRANSFER_STARTED, batch-progress says INCRE_TRANSFER_STARTED"
# What a list may say of a job that is incremental by both operations, and whether it may only lag.
LISTED = [
    *((status, "") for status in ("INCRE_TRANSFER_FAILED", "PAUSING", "RELEASE_RESOURCE_STARTED", "DELETED")),
    *((status, "") for status in ("CHANGE_JOB_STARTED", "BRAND_NEW", "incre_transfer_started")),
    *((status, " The list may lag behind.") for status in ("STARTJOBING", "FULL_TRANSFER_COMPLETE")),
]

ONE_HOLD: list[tuple[Reading, dict[str, Any], str, str]] = [
    (
        reading(found=(False, True)),
        {},
        "not_found",
        "Not found: batch-status has no entry for this job.",
    ),
    (
        reading(found=(True, False)),
        {},
        "not_found",
        "Not found: batch-progress has no entry for this job.",
    ),
    (
        reading(found=(False, False)),
        {},
        "not_found",
        "Not found: batch-status has no entry for this job, batch-progress has no entry for this job.",
    ),
    (
        reading(A.upper(), found=(False, True)),
        {},
        "not_found",
        "Not found: batch-status has no entry for this job. Ids are written in lower case, and this one is not.",
    ),
    *((reading(status=status), {"goal": goal}, "wrong_phase", text) for goal, status, text in PHASES),
    (
        reading(task_mode="TWO_WAY"),
        {"goal": Goal.AUTO},
        "wrong_phase",
        "The task mode is TWO_WAY: goal=auto cannot tell what this job must reach.",
    ),
    (
        reading(task_mode=None),
        {"goal": Goal.AUTO},
        "wrong_phase",
        "The task mode is missing: goal=auto cannot tell what this job must reach.",
    ),
    (
        reading(transfer_status="FULL_TRANSFER_STARTED"),
        {},
        "disagreement",
        "batch-status says INCRE_TRANSFER_STARTED, batch-progress says FULL_TRANSFER_STARTED.",
    ),
    (
        reading(transfer_status=None),
        {},
        "disagreement",
        "batch-status says INCRE_TRANSFER_STARTED, batch-progress says nothing.",
    ),
    *(
        (
            reading(entry=ListEntry(status=status)),
            {},
            "disagreement",
            f"{BOTH_SAY}, the list of jobs says {status}.{lags}",
        )
        for status, lags in LISTED
    ),
    (
        reading(entry=ListEntry(task_mode="FULL_TRANS")),
        {},
        "disagreement",
        "batch-progress says the task mode FULL_INCR_TRANS, the list of jobs says FULL_TRANS.",
    ),
    (
        reading(entry=ListEntry(action="SWITCH_OVER")),
        {},
        "action",
        "The list of jobs says that an action is carried out on the job: SWITCH_OVER.",
    ),
    (reading(entry=ListEntry(error_message="Full.")), {}, "error_reported", "The list of jobs says Full."),
    (reading(entry=ListEntry(error_code="DRS.M1")), {}, "error_reported", "The list of jobs says DRS.M1."),
    (
        reading(error=("DRS.M05011", None), entry=ListEntry(error_message="Full.")),
        {},
        "error_reported",
        "The service says DRS.M05011.",
    ),
    (reading(error=("DRS.M05011", None)), {}, "error_reported", "The service says DRS.M05011."),
    (reading(error=(None, "Broken.")), {}, "error_reported", "The service says Broken."),
    (reading(error=("DRS.M05011", "Broken.")), {}, "error_reported", "The service says DRS.M05011: Broken."),
    (reading(error=("DRS.M05011", "Wait for X. ")), {}, "error_reported", "The service says DRS.M05011: Wait for X."),
    (reading(error_code="DRS.M05012"), {}, "error_reported", "The service says DRS.M05012."),
    (reading(error_message="Late"), {}, "error_reported", "The service says Late."),
    (
        reading(error=("DRS.M05011", None), error_code="DRS.M05012"),
        {},
        "error_reported",
        "The service says DRS.M05011.",
    ),
    (reading(delay=None), {}, "delay", NO_DELAY_TEXT),
    (reading(delay=None), {"max_delay": 5}, "delay", NO_DELAY_TEXT),
    (reading(delay=1), {}, "delay", "Delay 1 s, allowed 0 s."),
    (reading(delay=6), {"max_delay": 5}, "delay", "Delay 6 s, allowed 5 s."),
    (reading(delay=0, delay_ms=1000), {}, "delay", "Delay 0 s (1000 ms), allowed 0 s."),
    (reading(delay=5, delay_ms=6000), {"max_delay": 5}, "delay", "Delay 5 s (6000 ms), allowed 5 s."),
    (reading(delay=3, delay_ms=7000), {"max_delay": 5}, "delay", "Delay 3 s (7000 ms), allowed 5 s."),
    (reading(progress=99), {"require_full_progress": True}, "incomplete", "Not at 100 %: progress 99 %."),
    (reading(progress=None), {"require_full_progress": True}, "incomplete", "Not at 100 %: progress unknown."),
    (
        reading(parts={"struct": {"progress": 94}, "data": {"progress": 100}, "index": {"progress": None}}),
        {"require_full_progress": True},
        "incomplete",
        "Not at 100 %: struct 94 %, index unknown.",
    ),
]


@pytest.mark.parametrize(("seen", "rules", "rule", "text"), ONE_HOLD)
def test_a_job_is_held_by_one_rule_with_its_sentence(
    seen: Reading, rules: dict[str, Any], rule: str, text: str
) -> None:
    assert holds_of(seen, **rules) == [(rule, text)]


def test_a_job_that_the_service_refuses_by_name_is_not_found_for_that_reason() -> None:
    refused = reading(found=(False, False))
    refused = Reading(
        type(refused.status)(A, False, None, *REFUSAL),
        type(refused.progress)(A, False, None, "DRS.M00289"),
    )
    text = "Not found: batch-status says DRS.M00289: The job is non-existent, batch-progress says DRS.M00289."
    assert holds_of(refused) == [("not_found", text)]


def test_a_job_that_has_caught_up_is_held_by_nothing() -> None:
    assert holds_of(reading()) == []
    assert holds_of(reading(), require_full_progress=True) == []


@pytest.mark.parametrize("max_delay", [0, 1, 5])
def test_a_delay_of_just_what_is_allowed_is_ready(max_delay: int) -> None:
    assert holds_of(reading(delay=max_delay), max_delay=max_delay) == []
    assert holds_of(reading(delay=max_delay, delay_ms=max_delay * 1000 + 999), max_delay=max_delay) == []


@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize("status", STATUSES)
def test_each_goal_takes_its_own_statuses_and_no_other(goal: Goal, status: str) -> None:
    rules = [rule for rule, _text in holds_of(reading(status=status), goal=goal)]
    assert rules == ([] if status in REACHED[goal] else ["wrong_phase"])


@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize("status", UNKNOWN)
def test_an_unknown_status_is_ready_for_no_goal(goal: Goal, status: str | None) -> None:
    (known, text), (phase, asked) = holds_of(reading(status=status), goal=goal)
    assert (known, phase) == ("unknown_status", "wrong_phase")
    subject = f"The status {status}" if status else "An entry without a status"
    assert text == f"{subject} is unknown to this version, and unknown is never ready."
    assert asked.endswith(f"the status is {status or 'missing'}.")


def test_a_list_that_says_the_same_or_nothing_holds_nothing() -> None:
    for entry in (ListEntry(), ListEntry("INCRE_TRANSFER_STARTED", "FULL_INCR_TRANS"), ListEntry(task_mode=None)):
        assert holds_of(reading(entry=entry)) == []
    assert holds_of(reading(task_mode=None, entry=ListEntry(task_mode="FULL_TRANS"))) == []


@pytest.mark.parametrize("goal", [Goal.FULL_COMPLETE, Goal.STOPPED])
def test_only_caught_up_asks_for_the_delay(goal: Goal) -> None:
    status = sorted(REACHED[goal])[0]
    assert holds_of(reading(status=status, delay=None), goal=goal) == []
    assert holds_of(reading(status=status, delay=900), goal=goal) == []


@pytest.mark.parametrize(
    ("mode", "goal"),
    [
        ("FULL_TRANS", "full_complete"),
        ("INCR_TRANS", "caught_up"),
        ("FULL_INCR_TRANS", "caught_up"),
        # Nobody knows what these must reach.
        ("full_trans", "auto"),
        ("", "auto"),
        (None, "auto"),
        ("TWO_WAY", "auto"),
    ],
)
def test_auto_asks_the_mode_of_the_job(mode: str | None, goal: str) -> None:
    status = "FULL_TRANSFER_COMPLETE" if mode == "FULL_TRANS" else "INCRE_TRANSFER_STARTED"
    job = judge_job(reading(status=status, task_mode=mode, delay=None), Rules(), held=False)
    assert job.goal.value == goal
    expected = {"full_complete": [], "caught_up": ["delay"], "auto": ["wrong_phase"]}[goal]
    assert [rule for rule, _text in shown(job)] == expected


def test_a_goal_that_is_given_does_not_ask_the_mode() -> None:
    assert holds_of(reading(task_mode="TWO_WAY")) == []


@pytest.mark.parametrize("status", ["INCRE_TRANSFER_STARTED", "INCRE_TRANSFER_FAILED"])
def test_a_full_job_that_is_incremental_contradicts_itself_when_its_mode_decides(status: str) -> None:
    seen = reading(status=status, task_mode="FULL_TRANS", delay=3600)
    assert ("disagreement", f"The task mode is FULL_TRANS, which has no incremental phase: {status}.") in holds_of(
        seen, goal=Goal.AUTO
    )
    assert holds_of(reading(status="FULL_TRANSFER_COMPLETE", task_mode="FULL_TRANS"), goal=Goal.AUTO) == []


@pytest.mark.parametrize("status", ["FULL_TRANSFER_STARTED", "FULL_TRANSFER_COMPLETE"])
@pytest.mark.parametrize("delay", [None, 900])
def test_a_job_in_the_full_phase_is_not_also_held_by_its_delay(status: str, delay: int | None) -> None:
    assert [rule for rule, _text in holds_of(reading(status=status, delay=delay))] == ["wrong_phase"]


@pytest.mark.parametrize("seen", [reading(), reading(status="PAUSING"), reading(found=(False, True))])
def test_the_hold_file_holds_every_job_beside_its_other_holds(seen: Reading) -> None:
    holds = holds_of(seen, held=True, hold_file="/run/hold")
    assert holds == [*holds_of(seen), ("hold_file", "The hold file /run/hold exists.")]


def test_all_that_holds_a_job_is_told_in_the_order_of_the_rules() -> None:
    unknown = Subtasks(problem="Subtasks not known.")
    seen = reading(
        status="BRAND_NEW",
        transfer_status="PAUSING",
        error=("DRS.M1", None),
        delay=7,
        progress=1,
        subtasks=unknown,
        entry=ListEntry(action="SWITCH_OVER"),
    )
    rules = [rule for rule, _text in holds_of(seen, held=True, hold_file="/h", require_full_progress=True)]
    # Of writes and position a job has one or the other, if it is to be quiet.
    others = (Rule.NOT_FOUND, Rule.WRITES, Rule.POSITION, Rule.UNREAD)
    assert rules == [rule.value for rule in Rule if rule not in others]


@pytest.mark.parametrize("status", STATUSES)
def test_a_job_fails_or_ends_by_its_state_unless_it_shall_be_stopped(status: str) -> None:
    (phase, state) = next(row[1:3] for row in ROWS if row[0] == status)
    job = judge_job(reading(status=status), Rules(goal=Goal.CAUGHT_UP), held=False)
    assert job.failed is (state == "failed")
    assert job.ended is (phase == "release" and state != "failed")
    stopping = judge_job(reading(status=status), Rules(goal=Goal.STOPPED), held=False)
    assert stopping.failed is (status == "RELEASE_RESOURCE_FAILED")
    assert stopping.ended is False


def test_a_job_of_a_mode_not_known_fails_and_ends_like_any_other() -> None:
    assert judge_job(reading(status="INCRE_TRANSFER_FAILED", task_mode=None), Rules(), held=False).failed
    assert judge_job(reading(status="DELETED", task_mode=None), Rules(), held=False).ended
