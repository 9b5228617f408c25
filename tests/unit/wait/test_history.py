# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a wait remembers, and that it does not grow with the wait."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._gate.gate import Sample
from ansible_collections.cutover.drs.plugins.module_utils._gate.rules import Rules, judge_job
from ansible_collections.cutover.drs.plugins.module_utils._job.text import iso
from ansible_collections.cutover.drs.plugins.module_utils._wait.history import History
from ansible_collections.cutover.drs.tests.unit.builders import NOON, A, B, failed_poll, reading, sample

FULL: dict[str, Any] = {"status": "FULL_TRANSFER_STARTED", "delay": None}


def noted(*seen: Any) -> History:
    history = History()
    for observation in seen:
        history.note(observation)
    return history


def test_each_change_of_status_is_a_transition_and_the_first_sample_gives_the_first() -> None:
    history = noted(
        sample(0, reading(A, **FULL), reading(B, "PAUSING")),
        sample(30, reading(A, **FULL), reading(B)),
        failed_poll(45),
        # One answer without it is enough.
        sample(60, reading(A), reading(B, found=(True, False))),
        sample(90, reading(A), reading(B)),
    )
    assert history.transitions == [
        {"at": "2026-11-24T12:00:00Z", "id": A, "from": None, "to": "FULL_TRANSFER_STARTED"},
        {"at": "2026-11-24T12:00:00Z", "id": B, "from": None, "to": "PAUSING"},
        {"at": "2026-11-24T12:00:30Z", "id": B, "from": "PAUSING", "to": "INCRE_TRANSFER_STARTED"},
        {"at": "2026-11-24T12:01:00Z", "id": A, "from": "FULL_TRANSFER_STARTED", "to": "INCRE_TRANSFER_STARTED"},
        {"at": "2026-11-24T12:01:00Z", "id": B, "from": "INCRE_TRANSFER_STARTED", "to": None},
        {"at": "2026-11-24T12:01:30Z", "id": B, "from": None, "to": "INCRE_TRANSFER_STARTED"},
    ]
    assert (history.polls, history.errors, history.transitions_left_out) == (5, 1, 0)


def test_the_failure_is_that_of_the_last_poll() -> None:
    history = noted(failed_poll(0, "It broke."))
    assert history.failure is not None
    assert history.failure["kind"] == "network"
    history.note(sample(30))
    assert history.failure is None


def test_the_series_has_progress_and_delay_of_each_sample() -> None:
    history = noted(sample(0, reading(A, progress=94, **FULL)), failed_poll(10), sample(30, reading(A, delay=412)))
    assert history.series == [
        {"at": "2026-11-24T12:00:00Z", "id": A, "progress": 94, "delay": None},
        {"at": "2026-11-24T12:00:30Z", "id": A, "progress": 100, "delay": 412},
    ]


@pytest.mark.parametrize("jobs", [1, 2, 7, 33, 285, 500])
def test_a_long_series_is_thinned_out_evenly(jobs: int) -> None:
    history = History()
    ids = [f"job-{number}" for number in range(jobs)]
    samples = 100 + 5000 // jobs
    for number in range(samples):
        history.note(Sample(number * 30, number * 30, NOON + number * 30, tuple(map(reading, ids))))
    series = history.series
    assert 1000 - jobs <= len(series) <= 2000
    assert [point["id"] for point in series] == ids * (len(series) // jobs)
    times = [point["at"] for point in series[::jobs]]
    step = next(every for every in (1, 2, 4, 8, 16, 32, 64) if times[1] == iso(NOON + every * 30))
    assert times == [iso(NOON + number * 30) for number in range(0, samples, step)]


def test_a_series_of_too_many_jobs_for_a_curve_is_empty() -> None:
    history = History()
    for number in range(3):
        history.note(sample(number, *(reading(f"job-{each}") for each in range(501))))
    assert history.series == []


def test_three_hundred_transitions_are_kept_and_the_others_counted() -> None:
    history = History()
    for number in range(1500):
        history.note(sample(number, reading(A, "PAUSING" if number % 2 else "CREATING")))
    assert (len(history.transitions), history.transitions_left_out) == (300, 1200)
    assert history.transitions[0]["from"] is None


def size(history: History) -> int:
    """How much the lists and dictionaries of a history hold, those in them included."""

    def held(value: Any) -> int:
        if isinstance(value, dict):
            return len(value) + sum(map(held, value.values()))
        if isinstance(value, list):
            return len(value) + sum(map(held, value))
        return 1

    return held(list(vars(history).values()))


def test_after_10_000_polls_no_list_has_grown_with_the_wait() -> None:
    history, sizes = History(), {}
    for number in range(10_000):
        status = "PAUSING" if number % 2 else "CREATING"
        history.note(failed_poll(number) if number % 10 == 9 else sample(number, reading(A, status), reading(B)))
        if number in (3_000, 9_998):
            sizes[number] = size(history)
            assert len(history.series) <= 2_000
    # From 1,000 to 2,000 points, of nine each: how many there are depends on when they were last thinned out.
    assert abs(sizes[9_998] - sizes[3_000]) < 9_900
    assert sizes[9_998] < 26_000


@pytest.mark.parametrize(
    "change",
    [
        {"status": "PAUSING"},
        {"transfer_status": "PAUSING"},
        {"delay": 411},
        {"progress": 99},
        {"parts": {"data": {"progress": 5, "remaining_time": None}}},
    ],
)
def test_a_job_that_moves_in_any_way_is_no_stall(change: dict[str, Any]) -> None:
    before: dict[str, Any] = {"delay": 412}
    history = noted(sample(0, reading(A, **before)), sample(30, reading(A, **before)))
    assert history.moved_at == 0
    history.note(sample(60, reading(A, **{**before, **change})))
    assert history.moved_at == 60


@pytest.mark.parametrize("same", [{"remaining_time": 5}, {"processed_at": "2026-11-24T12:00:00Z"}, {"delay_ms": 7}])
def test_what_changes_without_progress_is_no_movement(same: dict[str, Any]) -> None:
    assert noted(sample(0), sample(30, reading(A, **same))).moved_at == 0


def test_the_trend_is_that_of_the_phase_the_job_is_in() -> None:
    rules = Rules()
    delay = noted(*(sample(30 * number, reading(A, delay=500 - 30 * number)) for number in range(5)))
    of_delay = delay.trend(judge_job(reading(A, delay=380), rules, held=False))
    assert of_delay is not None
    assert (of_delay.direction, of_delay.seconds_left) == ("falling", 380)
    full = noted(*(sample(30 * number, reading(A, progress=10 * number, **FULL)) for number in range(5)))
    of_full = full.trend(judge_job(reading(A, progress=40, **FULL), rules, held=False))
    assert of_full is not None
    assert (of_full.direction, of_full.seconds_left) == ("rising", 180)
    for resting in ("PAUSING", "CREATING", "INCRE_TRANSFER_FAILED", "BRAND_NEW"):
        assert full.trend(judge_job(reading(A, resting), rules, held=False)) is None


def test_the_trend_forgets_what_is_long_ago() -> None:
    fell = [sample(30 * number, reading(A, delay=900 - 30 * number)) for number in range(20)]
    rises = [sample(600 + 30 * number, reading(A, delay=330 + 30 * number)) for number in range(12)]
    trend = noted(*fell, *rises).trend(judge_job(reading(A, delay=660), Rules(), held=False))
    assert trend is not None
    assert trend.direction == "not converging"
