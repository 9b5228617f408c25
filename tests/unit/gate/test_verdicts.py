# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each verdict with the reason a person reads, and which comes first."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._gate.gate import (
    Decision,
    Observation,
    Sample,
    Verdict,
)
from ansible_collections.cutover.drs.plugins.module_utils._gate.rules import Goal, Reading, Rules, Subtasks
from ansible_collections.cutover.drs.tests.unit.builders import (
    CAUGHT_UP,
    A,
    B,
    C,
    caught_up,
    failed_poll,
    judged,
    reading,
    sample,
)

FULL = Rules(goal=Goal.FULL_COMPLETE)
STOPPED = Rules(goal=Goal.STOPPED)
PHASE = "caught_up asks for INCRE_TRANSFER_STARTED, the status is PAUSING"
GONE = "Not found: batch-status has no entry for this job, batch-progress has no entry for this job"
LOST = (False, False)


def ended(rules: Rules, *seen: Observation) -> tuple[str, str]:
    last = judged(rules, *seen)[-1]
    assert last.verdict is not None
    return last.verdict.value, last.reason


def goes_on(decision: Decision) -> bool:
    return (decision.verdict, decision.reason) == (None, "")


def test_a_job_that_has_caught_up_for_long_enough_is_ready() -> None:
    assert ended(caught_up(), sample(0), sample(30), sample(60)) == (
        "ready",
        "1 job ready in 3 consecutive samples over 60 s.",
    )


def test_jobs_that_need_no_streak_are_ready_at_once() -> None:
    seen = sample(0, reading(A, "FULL_TRANSFER_COMPLETE", delay=None), reading(B, delay=900))
    assert ended(FULL, seen) == ("ready", "2 jobs ready.")
    assert ended(STOPPED, sample(0, reading(A, "DELETED"))) == ("ready", "1 job ready.")


@pytest.mark.parametrize(
    ("rules", "seen", "verdict", "reason"),
    [
        (caught_up(), reading(A, "INCRE_TRANSFER_FAILED", delay=None), "failed", "1 job failed"),
        (FULL, reading(A, "FULL_TRANSFER_FAILED", error=("DRS.M05011", "Out of space.")), "failed", "1 job failed"),
        (STOPPED, reading(A, "RELEASE_RESOURCE_FAILED"), "failed", "1 job failed"),
        (caught_up(), reading(A, "RELEASE_RESOURCE_STARTED"), "ended", "1 job ended before reaching the goal"),
        (
            caught_up(max_missing=0),
            reading(A, found=LOST),
            "missing",
            "1 job not found (in 1 consecutive samples, allowed 0)",
        ),
        (
            caught_up(unknown_for=0),
            reading(A, "BRAND_NEW"),
            "unknown",
            "1 job with a status unknown to this version (for 0 s, allowed 0 s)",
        ),
    ],
)
def test_one_sample_can_end_a_wait(rules: Rules, seen: Reading, verdict: str, reason: str) -> None:
    (decision,) = judged(rules, sample(0, seen))
    # Which holds a job has, and their sentences, is told by the tests of them.
    holds = decision.standing.jobs[0].holds
    shown = f"{seen.status.status or 'missing'} [{', '.join(hold.rule for hold in holds)}]"
    texts = " ".join(hold.text for hold in holds)
    assert (decision.verdict, decision.reason) == (verdict, f"{reason}: {A} {shown} {texts}")


def test_the_deadline_names_each_job_that_is_not_ready_its_last_status_and_its_holds() -> None:
    rules = caught_up(timeout=60)
    seen = sample(60, reading(A), reading(B, "PAUSING"), reading(C, delay=412, error=("DRS.M1", "Slow.")))
    assert ended(rules, sample(0, reading(A), reading(B), reading(C)), seen) == (
        "timeout",
        (
            f"2 of 3 jobs are not ready after 60 s: {C} {CAUGHT_UP} [error_reported, delay] The service says DRS.M1: "
            f"Slow. Delay 412 s, allowed 0 s; {B} PAUSING [wrong_phase] {PHASE}."
        ),
    )


def test_the_deadline_can_come_while_the_streak_is_building() -> None:
    assert ended(caught_up(timeout=50), sample(0, reading(delay=9)), sample(20), sample(50)) == (
        "timeout",
        (
            "All jobs were ready, but not for long enough after 50 s: 2 samples over 30 s; required are 3 samples over "
            "60 s."
        ),
    )
    slow = ended(caught_up(timeout=500, interval=30), sample(0), sample(200), sample(500))[1]
    assert slow.endswith("samples over 60 s. Last reset: gap of 300 s between samples, allowed 90 s.")
    assert ended(caught_up(timeout=0.5), sample(0.5))[1] == (
        "All jobs were ready, but not for long enough after 0.5 s: 1 sample over 0 s; required are 3 samples over 60 s."
    )


def test_a_streak_that_is_long_enough_at_the_deadline_is_ready() -> None:
    assert ended(caught_up(timeout=60), sample(0), sample(30), sample(60))[0] == "ready"


def test_the_hold_file_alone_at_the_deadline_is_held() -> None:
    rules = caught_up(timeout=60, hold_file="/run/hold")
    assert ended(rules, sample(60, reading(A), reading(B), held=True)) == (
        "held",
        "Timed out after 60 s; only the hold file /run/hold is blocking.",
    )


def test_the_hold_file_beside_another_hold_is_a_timeout() -> None:
    rules = caught_up(timeout=60, hold_file="/run/hold")
    assert ended(rules, sample(60, reading(A), reading(B, "PAUSING"), held=True)) == (
        "timeout",
        (
            f"2 of 2 jobs are not ready after 60 s: {B} PAUSING [wrong_phase, hold_file] {PHASE}. The hold file "
            f"/run/hold exists; {A} {CAUGHT_UP} [hold_file] The hold file /run/hold exists."
        ),
    )


def test_the_hold_file_keeps_a_job_that_needs_no_streak_from_being_ready() -> None:
    rules = Rules(goal=Goal.STOPPED, timeout=60, hold_file="/run/hold")
    first, last = judged(rules, sample(0, reading(A, "DELETED"), held=True), sample(30, reading(A, "DELETED")))
    assert goes_on(first)
    assert last.verdict is Verdict.READY


@pytest.mark.parametrize(
    ("seen", "verdict", "reason"),
    [
        (sample(0), "ready", "1 job ready."),
        (
            sample(0, reading(A, "PAUSING")),
            "timeout",
            f"1 of 1 job is not ready in the one sample that timeout=0 takes: {A} PAUSING [wrong_phase] {PHASE}.",
        ),
        (
            sample(0, reading(A, found=LOST)),
            "timeout",
            f"1 of 1 job is not ready in the one sample that timeout=0 takes: {A} missing [not_found] {GONE}.",
        ),
        (
            sample(0, held=True),
            "held",
            "Timed out in the one sample that timeout=0 takes; only the hold file /h is blocking.",
        ),
        (failed_poll(0, "Throttled."), "error", "No poll succeeded. Last failure: Throttled."),
    ],
)
def test_a_timeout_of_zero_judges_one_sample_without_a_streak(seen: Observation, verdict: str, reason: str) -> None:
    assert ended(caught_up(timeout=0, hold_file="/h"), seen) == (verdict, reason)


@pytest.mark.parametrize(
    ("readings", "held", "verdict"),
    [
        # Worse comes first, and all of it before the deadline.
        ([reading(A, "CREATE_FAILED"), reading(B, "DELETED"), reading(C, found=LOST)], True, "failed"),
        ([reading(A, "DELETED"), reading(B, found=LOST), reading(C, "BRAND_NEW")], True, "ended"),
        ([reading(A, found=LOST), reading(B, "BRAND_NEW")], True, "missing"),
        ([reading(A, "BRAND_NEW"), reading(B)], True, "unknown"),
        ([reading(A), reading(B)], True, "held"),
        ([reading(A), reading(B, "PAUSING")], False, "timeout"),
    ],
)
def test_what_cannot_become_ready_any_more_is_told_first(readings: list[Reading], held: bool, verdict: str) -> None:
    rules = caught_up(timeout=60, max_missing=0, unknown_for=0, hold_file="/h")
    assert ended(rules, sample(60, *readings, held=held))[0] == verdict


@pytest.mark.parametrize("status", ["INCRE_TRANSFER_FAILED", "DELETED"])
def test_without_fail_fast_the_wait_goes_on_until_all_others_are_done(status: str) -> None:
    rules = caught_up(fail_fast=False)
    gone = reading(B, status)
    first, second, last = judged(
        rules,
        sample(0, reading(A, "PAUSING"), gone),
        sample(30, reading(A, found=LOST), gone),
        sample(60, reading(A), gone),
    )
    assert goes_on(first)
    assert goes_on(second)
    assert last.verdict is (Verdict.ENDED if status == "DELETED" else Verdict.FAILED)
    assert last.reason.startswith("1 job ")
    assert B in last.reason
    assert A not in last.reason


def test_without_fail_fast_a_failed_job_among_others_not_done_at_the_deadline_is_a_timeout() -> None:
    rules = caught_up(fail_fast=False, timeout=60)
    verdict, reason = ended(rules, sample(60, reading(A, "PAUSING"), reading(B, "INCRE_TRANSFER_FAILED")))
    assert verdict == "timeout"
    assert A in reason
    assert B in reason


def test_without_fail_fast_one_failed_job_among_ended_ones_is_failed() -> None:
    rules = caught_up(fail_fast=False)
    verdict, reason = ended(rules, sample(0, reading(A, "DELETED"), reading(B, "CREATE_FAILED")))
    assert verdict == "failed"
    assert A not in reason


@pytest.mark.parametrize(
    "status",
    ["FULL_TRANSFER_FAILED", "INCRE_TRANSFER_FAILED", "CHANGE_JOB_FAILED", "CREATE_FAILED", "CHILD_TRANSFER_FAILED"],
)
def test_a_job_that_shall_be_stopped_is_only_held_by_other_failures(status: str) -> None:
    first, last = judged(STOPPED, sample(0, reading(A, status)), sample(30, reading(A, "RELEASE_RESOURCE_COMPLETE")))
    assert goes_on(first)
    assert last.verdict is Verdict.READY


@pytest.mark.parametrize("status", ["RELEASE_RESOURCE_STARTED", "RELEASE_CHILD_TRANSFER_COMPLETE"])
def test_a_job_that_shall_be_stopped_and_is_being_released_goes_on(status: str) -> None:
    assert goes_on(judged(STOPPED, sample(0, reading(A, status)))[-1])


def test_a_reason_says_all_of_three_jobs_and_of_more_what_groups_of_them_lack() -> None:
    def reason(*jobs: Reading) -> str:
        return ended(caught_up(timeout=0), sample(0, *jobs))[1].partition("takes: ")[2]

    behind = [reading(f"job-{each:03}", delay=500 + each) for each in range(12)]
    full = [reading(f"full-{each}", "FULL_TRANSFER_STARTED", delay=None, progress=58 + each) for each in range(6)]
    assert reason(*behind[:3]).count("Delay 50") == 3
    assert reason(*behind, *full).partition(". Worst: ")[0] == (
        "6 in the full phase (slowest: full-0, 58 %), 12 behind (worst: job-011, 511 s)"
    )
    mixed = [*behind[:2], reading("gone", found=LOST), reading("odd", "BRAND_NEW"), reading("p", "PAUSING")]
    assert reason(*mixed).partition(". Worst: ")[0] == (
        "1 not found (gone), 1 with an unknown status (odd), 1 paused (p), 2 behind (worst: job-001, 501 s)"
    )
    copying = Subtasks((reading(C, "CHILD_TRANSFER_STARTED"),), listed=True)
    held = [
        reading("s", name="orders", subtasks=copying),
        reading("u", subtasks=Subtasks(problem="Subtasks not known.")),
        reading("e", error=("DRS.M1", None)),
        reading("d", delay=None),
        reading("t", transfer_status="PAUSING"),
    ]
    assert reason(*held).partition(". Worst: ")[0] == (
        "1 with an error (e), 1 with answers that disagree (t), 1 with a subtask that is not ready (orders), "
        "1 with subtasks that are not known (u), 1 without a delay (d)"
    )


def test_a_reason_about_many_jobs_names_the_three_worst_with_their_holds() -> None:
    jobs = [
        reading("a", delay=400),
        reading("b", delay=None),
        reading("c", "FULL_TRANSFER_STARTED", name="orders", delay=None, progress=58),
        reading("d", "FULL_TRANSFER_STARTED", delay=None, progress=12),
        reading("e", delay=9, error=("DRS.M1", None)),
    ]
    _verdict, reason = ended(caught_up(timeout=0), sample(0, *jobs))
    assert reason.endswith(
        ". Worst: e INCRE_TRANSFER_STARTED [error_reported, delay]; d FULL_TRANSFER_STARTED [wrong_phase]; "
        "c (orders) FULL_TRANSFER_STARTED [wrong_phase]."
    )


@pytest.mark.parametrize("number", [4, 30, 300, 1000])
@pytest.mark.parametrize("status", ["INCRE_TRANSFER_FAILED", "RELEASE_RESOURCE_STARTED", "PAUSING", "BRAND_NEW", None])
def test_a_reason_fits_on_a_screen_however_many_jobs_there_are(number: int, status: str | None) -> None:
    names = [f"{each:06}" + "n" * 500 for each in range(number)]
    jobs = [
        reading(f"job-{each}", status, name=name, error=("DRS.M1", "x" * 2000), found=(status is not None,) * 2)
        for each, name in enumerate(names)
    ]
    assert len(ended(caught_up(timeout=0, max_missing=0, unknown_for=0), sample(0, *jobs))[1]) < 900


def test_what_a_service_says_of_a_job_is_cut() -> None:
    assert len(ended(caught_up(timeout=0), sample(0, reading(error=("DRS.M1", "x" * 2000))))[1]) < 600


def test_a_wait_for_no_jobs_is_never_ready() -> None:
    (decision,) = judged(caught_up(timeout=0), Sample(0, 0, 0, ()))
    assert decision.verdict is not Verdict.READY


def options(**chosen: Any) -> Rules:
    return Rules(**{"goal": Goal.AUTO, "near_interval": 30, **chosen})


def test_under_auto_a_single_job_that_must_catch_up_asks_all_jobs_for_the_streak() -> None:
    full = reading(A, "FULL_TRANSFER_COMPLETE", task_mode="FULL_TRANS", delay=None)
    both = (full, reading(B))
    assert ended(options(), sample(0, full)) == ("ready", "1 job ready.")
    assert ended(options(), sample(0, *both), sample(30, *both), sample(60, *both))[0] == "ready"
    first, broken, *_rest = judged(options(), sample(0, *both), sample(30, reading(A, "PAUSING"), reading(B)))
    assert (first.standing.streak, broken.standing.streak) == (1, 0)


LATE = "All jobs were ready after 10 s, but only in a sample that began after the deadline."


def test_a_sample_that_begins_after_the_deadline_never_opens_the_gate() -> None:
    full = reading(A, "FULL_TRANSFER_COMPLETE", task_mode="FULL_TRANS", delay=None)
    early = reading(A, "FULL_TRANSFER_STARTED", task_mode="FULL_TRANS", delay=None)
    assert ended(options(timeout=10), sample(0, early), sample(40, full)) == ("timeout", LATE)
    assert ended(options(timeout=10), sample(10.001, full)) == ("timeout", LATE)
    # One that began in time and ended late is evidence.
    assert ended(options(timeout=10), sample(12, full, took=2))[0] == "ready"
    # timeout=0 takes one sample, whenever it begins.
    assert ended(options(timeout=0), sample(0.2, full))[0] == "ready"
    # Verdicts that do not open it are given as always.
    assert ended(options(timeout=10), sample(40, reading(A, "FULL_TRANSFER_FAILED")))[0] == "failed"


def test_a_streak_that_is_complete_only_after_the_deadline_is_a_timeout() -> None:
    rules = caught_up(timeout=50, near_interval=100)
    assert ended(rules, sample(0), sample(30), sample(61)) == ("timeout", LATE.replace("10 s", "50 s"))


def test_a_streak_that_is_too_short_after_the_deadline_is_told_as_such() -> None:
    rules = caught_up(timeout=50, near_interval=100)
    assert ended(rules, sample(0), sample(55))[1] == (
        "All jobs were ready, but not for long enough after 50 s: 2 samples over 55 s; "
        "required are 3 samples over 60 s."
    )


@pytest.mark.parametrize("said", ["It broke.", "It broke"])
def test_a_failed_poll_that_set_the_streak_back_is_told_at_the_deadline(said: str) -> None:
    rules = caught_up(timeout=50, near_interval=100)
    assert ended(rules, sample(0), failed_poll(20, said), sample(50))[1].endswith(" Last reset: It broke.")


def test_a_reason_ends_with_what_the_service_said_and_one_full_stop() -> None:
    (decision,) = judged(caught_up(timeout=0), sample(0, reading(error=("DRS.M05011", "Wait for X."))))
    assert decision.reason.endswith(" The service says DRS.M05011: Wait for X.")
