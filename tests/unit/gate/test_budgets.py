# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failed polls, missing jobs and unknown statuses: how many are tolerated, and that one more ends the wait."""

from __future__ import annotations

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._gate.gate import Observation, Verdict
from ansible_collections.cutover.drs.tests.unit.builders import (
    CAUGHT_UP,
    A,
    B,
    caught_up,
    failed_poll,
    judged,
    reading,
    sample,
)

LOST = reading(A, found=(False, False))
STRANGE = reading(A, "BRAND_NEW")


@pytest.mark.parametrize("allowed", [0, 1, 5])
def test_one_failed_poll_more_than_allowed_is_an_error(allowed: int) -> None:
    *before, last = judged(
        caught_up(max_errors=allowed), *(failed_poll(end, f"No {end}.") for end in range(allowed + 1))
    )
    assert all(decision.verdict is None for decision in before)
    assert last.verdict is Verdict.ERROR
    assert last.reason == f"{allowed + 1} consecutive failed polls, allowed {allowed}. Last failure: No {allowed}."


def test_a_final_failure_is_an_error_at_once() -> None:
    (only,) = judged(caught_up(), failed_poll(0, "The password is wrong.", final=True))
    assert (only.verdict, only.reason) == (Verdict.ERROR, "The password is wrong.")


def test_a_final_failure_after_good_samples_keeps_what_was_known_of_the_jobs() -> None:
    last = judged(caught_up(), sample(0), failed_poll(30, "The token ran out.", final=True))[-1]
    assert (last.verdict, last.reset, last.standing.streak) == (Verdict.ERROR, "The token ran out.", 0)
    assert [job.reading.id for job in last.standing.jobs] == [A]


def test_a_sample_forgives_the_failed_polls_before_it() -> None:
    rules = caught_up(max_errors=1)
    late = reading(A, "PAUSING")
    seen = [failed_poll(0), sample(1, late), failed_poll(2), sample(3, late), failed_poll(4), failed_poll(5)]
    decisions = judged(rules, *seen)
    assert [decision.standing.errors for decision in decisions] == [1, 0, 1, 0, 1, 2]


@pytest.mark.parametrize("allowed", [0, 1, 3])
def test_one_sample_more_than_allowed_with_a_job_missing_is_missing(allowed: int) -> None:
    *before, last = judged(caught_up(max_missing=allowed), *(sample(end, LOST) for end in range(allowed + 1)))
    assert all(decision.verdict is None for decision in before)
    assert last.verdict is Verdict.MISSING
    assert last.reason.startswith(
        f"1 job not found (in {allowed + 1} consecutive samples, allowed {allowed}): {A} missing "
        "[not_found] Not found: "
    )


@pytest.mark.parametrize("allowed", [60, 1800])
def test_a_status_that_stays_unknown_for_longer_than_allowed_is_unknown(allowed: int) -> None:
    ends = [5, 30, 5 + allowed, 5.5 + allowed]
    *before, last = judged(
        caught_up(unknown_for=allowed, stable_for=0), *(sample(end, STRANGE, took=5) for end in ends)
    )
    assert all(decision.verdict is None for decision in before)
    assert last.verdict is Verdict.UNKNOWN
    # From the end of the first such sample, to the end of the latest.
    assert last.reason.startswith(
        f"1 job with a status unknown to this version (for {allowed} s, allowed {allowed} s): {A} BRAND_NEW "
        "[unknown_status, wrong_phase] "
    )


def test_with_0_seconds_no_unknown_status_is_allowed_at_all() -> None:
    (only,) = judged(caught_up(unknown_for=0), sample(0, STRANGE))
    assert only.verdict is Verdict.UNKNOWN
    assert "(for 0 s, allowed 0 s)" in only.reason


def test_each_job_has_its_own_time_of_an_unknown_status() -> None:
    turns = [
        sample(0, STRANGE, reading(B)),
        sample(40, STRANGE, reading(B, "NEW")),
        sample(80, reading(A), reading(B, "NEW")),
        sample(100, reading(A), reading(B, "NEW")),
        sample(101, reading(A), reading(B, "NEW")),
    ]
    *before, last = judged(caught_up(unknown_for=60), *turns)
    assert [decision.standing.unknown for decision in before] == [{A: 0}, {A: 0, B: 40}, {B: 40}, {B: 40}]
    assert last.verdict is Verdict.UNKNOWN
    assert A not in last.reason


def test_a_sample_without_missing_or_unknown_jobs_begins_the_counts_anew() -> None:
    rules = caught_up(max_missing=1, unknown_for=2)
    late = reading(A, "PAUSING")
    decisions = judged(
        rules, *(sample(end, seen) for end, seen in enumerate([LOST, late, LOST, STRANGE, STRANGE, late, STRANGE]))
    )
    assert [(decision.standing.missing, decision.standing.unknown) for decision in decisions] == [
        (1, {}),
        (0, {}),
        (1, {}),
        (0, {A: 3}),
        (0, {A: 3}),
        (0, {}),
        (0, {A: 6}),
    ]


def test_different_jobs_missing_in_turn_are_samples_in_a_row_with_a_missing_job() -> None:
    turns = [
        sample(0, LOST, reading(B)),
        sample(1, reading(A), reading(B, found=(True, False))),
        sample(2, reading(A, found=(False, True)), reading(B)),
    ]
    last = judged(caught_up(max_missing=2), *turns)[-1]
    assert last.verdict is Verdict.MISSING


def test_a_failed_poll_is_no_sample_and_leaves_the_counts_of_samples_alone() -> None:
    decisions = judged(caught_up(max_missing=1, max_errors=9), sample(0, LOST), failed_poll(1), sample(2, LOST))
    assert decisions[-1].verdict is Verdict.MISSING


def test_an_unknown_status_beside_one_that_is_known_is_a_disagreement() -> None:
    (only,) = judged(caught_up(unknown_for=0), sample(0, reading(A, transfer_status="BRAND_NEW")))
    assert (only.verdict, only.standing.unknown) == (None, {})
    assert [hold.rule.value for hold in only.standing.jobs[0].holds] == ["disagreement"]


TOO_SHORT = "All jobs were ready, but not for long enough after 60 s:"
NOT_READY = f"1 of 1 job is not ready after 60 s: {A} {CAUGHT_UP}"


@pytest.mark.parametrize(
    ("before", "verdict", "reason"),
    [
        (failed_poll(0, "One."), "error", "No poll succeeded. Last failure:"),
        (
            sample(0, reading(A, delay=412)),
            "timeout",
            f"{NOT_READY} [delay] Delay 412 s, allowed 0 s. The last poll failed:",
        ),
        (
            sample(0),
            "timeout",
            f"{TOO_SHORT} 0 samples over 0 s; required are 3 samples over 60 s. The last poll failed:",
        ),
        # Not held by the hold file alone.
        (
            sample(0, held=True),
            "timeout",
            f"{NOT_READY} [hold_file] The hold file /run/hold exists. The last poll failed:",
        ),
    ],
)
def test_the_deadline_at_a_failed_poll_tells_the_last_sample_and_the_failure(
    before: Observation, verdict: str, reason: str
) -> None:
    last = judged(caught_up(timeout=60, hold_file="/run/hold"), before, failed_poll(60, "It is throttled."))[-1]
    assert (last.verdict, last.reason) == (verdict, f"{reason} It is throttled.")
