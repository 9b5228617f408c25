# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The streak: consecutive samples, seconds, and what restarts both."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._gate.gate import Observation, Sample, Verdict
from ansible_collections.cutover.drs.plugins.module_utils._gate.rules import Reading, Rules
from ansible_collections.cutover.drs.tests.unit.builders import (
    A,
    B,
    caught_up,
    failed_poll,
    judged,
    reading,
    sample,
)


def streaks(rules: Rules, *seen: Observation) -> list[int]:
    return [decision.standing.streak for decision in judged(rules, *seen)]


def test_enough_samples_over_too_few_seconds_are_not_ready() -> None:
    *before, last = judged(caught_up(), *(sample(second) for second in (0, 10, 20, 30, 40, 59.9, 60)))
    assert [decision.verdict for decision in before] == [None] * 6
    assert (last.verdict, last.standing.streak) == (Verdict.READY, 7)


def test_enough_seconds_with_too_few_samples_are_not_ready() -> None:
    first, second, last = judged(caught_up(), sample(0), sample(80), sample(90))
    assert (first.verdict, second.verdict, last.verdict) == (None, None, Verdict.READY)


def test_one_sample_is_enough_where_the_rules_say_so() -> None:
    assert judged(caught_up(stable_samples=1, stable_for=0), sample(0))[-1].verdict is Verdict.READY


def test_the_seconds_count_from_the_end_of_the_first_sample_to_the_beginning_of_the_last() -> None:
    *before, last = judged(caught_up(), *(sample(end, took=5) for end in (5, 35, 65, 69.9, 70)))
    assert [decision.standing.streak_for for decision in before] == [0, 25, 55, pytest.approx(59.9)]
    assert [decision.verdict for decision in before] == [None] * 4
    assert (last.verdict, last.standing.streak_for) == (Verdict.READY, 60)


NOT_READY: list[tuple[Observation, str]] = [
    (sample(30, reading(A), reading(B, "PAUSING")), f"{B} wrong_phase"),
    (sample(30, reading(A), reading(B, delay=1)), f"{B} delay"),
    (sample(30, reading(A), reading(B, transfer_status="PAUSING")), f"{B} disagreement"),
    (sample(30, reading(A), reading(B, error=("DRS.M1", None))), f"{B} error_reported"),
    (sample(30, reading(A), reading(B, "BRAND_NEW")), f"{B} unknown_status"),
    (sample(30, reading(A), reading(B, found=(False, False))), f"{B} not_found"),
    (sample(30, reading(A), reading(B, found=(True, False))), f"{B} not_found"),
    (sample(30, reading(A), reading(B), held=True), f"{A} hold_file"),
    (failed_poll(30, "Throttled."), "Throttled."),
]


@pytest.mark.parametrize(("seen", "why"), NOT_READY)
def test_anything_but_all_jobs_ready_sets_the_streak_back(seen: Observation, why: str) -> None:
    ready: Callable[[float], Sample] = lambda end: sample(end, reading(A), reading(B))  # noqa: E731
    decisions = judged(caught_up(hold_file="/h"), ready(0), ready(10), seen, ready(60), ready(90), ready(120))
    assert [decision.standing.streak for decision in decisions] == [1, 2, 0, 1, 2, 3]
    assert [decision.reset for decision in decisions] == ["", "", why, "", "", ""]
    assert decisions[2].standing.streak_for == 0
    assert decisions[-1].standing.streak_for == 60
    assert decisions[-1].verdict is Verdict.READY


def test_nothing_is_reset_where_there_is_no_streak() -> None:
    late: Reading = reading(A, "PAUSING")
    decisions = judged(caught_up(), sample(0, late), failed_poll(30), sample(60, late), sample(200))
    assert [decision.reset for decision in decisions] == ["", "", "", ""]


def test_a_gap_of_three_near_intervals_keeps_the_streak_and_a_longer_one_does_not() -> None:
    rules = caught_up(stable_samples=9, near_interval=5)
    kept, broken = 15, 15.001
    assert streaks(rules, sample(0), sample(5), sample(5 + kept)) == [1, 2, 3]
    decisions = judged(rules, sample(0), sample(5), sample(5 + broken), sample(30))
    # The sample after the gap is the first of a new streak.
    assert [decision.standing.streak for decision in decisions] == [1, 2, 1, 2]
    assert [decision.reset for decision in decisions] == ["", "", "gap of 15.01 s between samples, allowed 15 s", ""]
    assert decisions[-1].standing.streak_for == pytest.approx(9.999)


def test_the_interval_in_force_measures_the_gap_and_not_the_one_far_from_the_goal() -> None:
    # With the default options these were once 3 consecutive samples over 178 s, with no sample in between.
    assert streaks(Rules(), sample(0), sample(89), sample(178)) == [1, 1, 1]
    rules = caught_up(interval=5, near_interval=20, stable_samples=9)
    assert streaks(rules, sample(0), sample(60), sample(120.5)) == [1, 2, 1]


def test_a_gap_is_from_the_end_of_one_sample_to_the_beginning_of_the_next() -> None:
    rules = caught_up(stable_samples=9, near_interval=5)
    assert streaks(rules, sample(0), sample(115, took=100), sample(230, took=100)) == [1, 2, 3]
    assert streaks(rules, sample(0), sample(115.1, took=100)) == [1, 1]


def test_of_a_gap_and_a_hold_the_gap_is_told() -> None:
    decisions = judged(caught_up(), sample(0), sample(200, reading(A, "PAUSING")))
    assert decisions[-1].reset == "gap of 200 s between samples, allowed 90 s"


def test_a_gap_cannot_be_ready_by_the_seconds_before_it() -> None:
    decisions = judged(caught_up(stable_samples=1), sample(0), sample(30), sample(500))
    assert [decision.verdict for decision in decisions] == [None] * 3


def test_a_streak_of_jobs_in_turns_is_no_streak() -> None:
    turns = [sample(end, reading(A, delay=end % 2), reading(B, delay=(end + 1) % 2)) for end in range(100)]
    assert set(streaks(caught_up(stable_samples=1, stable_for=0), *turns)) == {0}
