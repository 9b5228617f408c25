# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wait: when it polls, when it sleeps, and when it ends."""

from __future__ import annotations

import math
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError, Kind
from ansible_collections.cutover.drs.tests.unit.builders import A, B, Waiting, answers, reading

READY = answers(reading())
FAR = answers(reading(A, "PAUSING"))
NEAR = answers(reading(A, delay=60))
BROKEN = DrsError(Kind.NETWORK, "It broke.")
REFUSED = DrsError(Kind.AUTHENTICATION, "The password is wrong.")


def test_the_first_poll_comes_at_once_and_the_last_ones_just_before_and_at_the_deadline(waiting: Waiting) -> None:
    result = waiting(FAR, timeout=100)
    assert waiting.script.began == [0, 30, 60, 90, 99.75, 100]
    assert waiting.sleeps == [30, 30, 30, 9.75, 0.25]
    assert (result["verdict"], result["polls"], result["elapsed"]) == ("timeout", 6, 100)
    # Nothing is tried again after it.
    assert set(waiting.script.until) == {100}


def test_an_interval_counts_from_the_end_of_a_poll(waiting: Waiting) -> None:
    result = waiting(FAR, takes=4, timeout=100)
    assert waiting.script.began == [0, 34, 68, 99.75]
    assert result["elapsed"] == 103.8


def test_a_poll_that_outlasts_the_deadline_is_the_last_one(waiting: Waiting) -> None:
    result = waiting(READY, takes=50, timeout=40, stable_for=30)
    assert (waiting.script.began, waiting.sleeps) == ([0], [])
    assert result["verdict"] == "timeout"


def test_near_the_goal_the_shorter_interval_counts(waiting: Waiting) -> None:
    waiting(FAR, NEAR, NEAR, FAR, timeout=70)
    assert waiting.sleeps == [30, 5, 5, 29.75, 0.25]


@pytest.mark.parametrize(
    ("step", "near"),
    [
        (answers(reading(A, delay=60)), True),
        (answers(reading(A, delay=61)), False),
        (answers(reading(A, delay=0)), True),
        (answers(reading(A, "FULL_TRANSFER_STARTED", delay=None, progress=95)), True),
        (answers(reading(A, "FULL_TRANSFER_STARTED", delay=None, progress=94)), False),
        (answers(reading(A, "FULL_TRANSFER_STARTED", delay=None, progress=None)), False),
        (answers(reading(A, "PAUSING")), False),
        (answers(reading(A, "BRAND_NEW")), False),
        (answers(reading(A, found=(True, False))), False),
        (answers(reading(A), reading(B, delay=900)), False),
        (answers(reading(A), reading(B, delay=30)), True),
        (BROKEN, False),
    ],
)
def test_all_jobs_must_be_near_for_the_shorter_interval(waiting: Waiting, step: Any, near: bool) -> None:
    waiting(step, timeout=200, jobs=[A, B])
    assert waiting.sleeps[0] == (5 if near else 30)


def test_after_a_failed_poll_the_longer_interval_counts(waiting: Waiting) -> None:
    waiting(NEAR, BROKEN, NEAR, timeout=50, stable_for=30)
    assert waiting.sleeps[:3] == [5, 30, 5]


def test_chance_adds_or_takes_a_tenth_of_the_interval_but_never_passes_the_deadline(waiting: Waiting) -> None:
    waiting(FAR, timeout=100, chance=(0.9, 1.1))
    assert set(waiting.clock.asked) == {(0.9, 1.1)}
    assert waiting.sleeps == pytest.approx([27, 33, 27, 12.75, 0.25])
    assert waiting.clock.waited == 100


@pytest.mark.parametrize("step", [READY, FAR, BROKEN])
@pytest.mark.parametrize("options", [{"check_mode": True}, {"timeout": 0}])
def test_check_mode_and_a_timeout_of_zero_take_one_sample_and_never_sleep(
    waiting: Waiting, step: Any, options: dict[str, Any]
) -> None:
    result = waiting(step, **options)
    assert (result["polls"], waiting.sleeps) == (1, [])
    assert waiting.script.until == [math.inf]
    assert result["verdict"] == {id(READY): "ready", id(FAR): "timeout", id(BROKEN): "error"}[id(step)]
    assert result["rules"]["timeout"] == 0


def test_a_whole_wait_from_afar_to_ready(waiting: Waiting) -> None:
    result = waiting(FAR, NEAR, READY, takes=1)
    assert result["verdict"] == "ready"
    assert result["reason"] == "1 job ready in 12 consecutive samples over 65 s."
    # By both operations in each of 14 samples, and the list of jobs in the first and in the 12 of the streak.
    assert (result["requests"], result["logins"], result["errors"]) == (41, 1, 0)
    assert (result["started_at"], result["finished_at"]) == ("2026-11-24T12:00:00Z", "2026-11-24T12:01:44Z")
    assert result["connection"] == waiting.script.about
    assert waiting.script.closed


def test_a_verdict_is_valid_from_the_beginning_of_the_last_sample(waiting: Waiting) -> None:
    result = waiting(READY, takes=4, timeout=0, valid_for=60)
    assert (result["finished_at"], result["valid_until"]) == ("2026-11-24T12:00:04Z", "2026-11-24T12:01:00Z")
    assert waiting(FAR, takes=4, timeout=0)["valid_until"] is None


def test_failed_polls_are_forgiven_up_to_the_budget(waiting: Waiting) -> None:
    result = waiting(FAR, BROKEN, max_errors=2, timeout=1000)
    assert (result["verdict"], result["errors"], result["polls"]) == ("error", 3, 4)
    assert result["reason"] == "3 consecutive failed polls, allowed 2. Last failure: It broke."
    assert result["failure"]["kind"] == "network"
    # What the last good sample found is still told.
    assert result["jobs"][0]["status"] == "PAUSING"


def test_a_failure_that_no_later_poll_can_mend_ends_the_wait_at_once(waiting: Waiting) -> None:
    result = waiting(FAR, REFUSED)
    assert (result["verdict"], result["reason"]) == ("error", "The password is wrong.")
    assert result["failure"]["kind"] == "authentication"
    assert waiting.sleeps == [30]


@pytest.mark.parametrize("kind", [Kind.CONFIGURATION, Kind.AUTHENTICATION, Kind.PERMISSION])
def test_a_login_that_fails_is_an_error_with_every_key(waiting: Waiting, kind: Kind) -> None:
    result = waiting(READY, login=DrsError(kind, "No way in."))
    assert (result["verdict"], result["reason"], result["failed"]) == ("error", "No way in.", True)
    assert (result["polls"], result["requests"], result["logins"], waiting.sleeps) == (1, 0, 0, [])
    assert result["failure"]["kind"] == kind.value
    (job,) = result["jobs"]
    assert (job["id"], job["found"], job["state"], job["ready"]) == (A, False, "unread", False)
    text = "No poll succeeded, so nothing is known of this job."
    assert job["holds"] == [{"rule": "unread", "text": text}]


def test_a_login_that_may_work_later_is_tried_again(waiting: Waiting) -> None:
    result = waiting(READY, login=DrsError(Kind.NETWORK, "No route."), max_errors=2)
    assert (result["verdict"], result["polls"]) == ("error", 3)


NEVER_OPEN = "so the gate could never open. Shorten the one, or lengthen the other."


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stable_samples": 0}, "stable_samples must be at least 1, not 0."),
        (
            {"stable_for": 60.5, "timeout": 60},
            f"stable_for (60.5 s) is longer than timeout (60 s), {NEVER_OPEN}",
        ),
        (
            {"require_quiet": True, "quiet_for": 90, "timeout": 60},
            f"quiet_for (90 s) is longer than timeout (60 s), {NEVER_OPEN}",
        ),
        (
            {"stable_samples": 9, "near_interval": 9, "stable_for": 0, "timeout": 50},
            "stable_samples (9) samples, near_interval (9 s) apart, take longer than timeout (50 s), "
            + NEVER_OPEN[:29],
        ),
        ({"jobs": []}, "jobs is empty. Give the id of at least one DRS job."),
        ({"jobs": [A, ""]}, "jobs: entry 2 is empty. Give the id of a DRS job."),
        ({"jobs": ["a b"]}, "jobs: entry 1 ('a b') contains a space or a control character. Job ids have neither."),
        ({"jobs": None}, "No jobs specified. Set jobs (ids) or job_names (names as shown in the console)."),
    ],
)
def test_options_that_make_no_sense_send_nothing(waiting: Waiting, options: dict[str, Any], message: str) -> None:
    result = waiting(READY, **options)
    assert (result["verdict"], result["ready"], result["failed"]) == ("error", False, True)
    assert result["reason"] == result["msg"] == message
    assert result["failure"]["kind"] == "configuration"
    assert (waiting.script.began, waiting.lines) == ([], [])


@pytest.mark.parametrize(
    "options",
    [
        {"stable_for": 60, "timeout": 60},
        {"stable_for": 600, "stable_samples": 100, "timeout": 0},
        {"stable_for": 600, "timeout": 30, "goal": "stopped"},
        {"stable_for": 600, "timeout": 30, "goal": "full_complete"},
        {"quiet_for": 600, "timeout": 60},
        {"stable_samples": 12, "near_interval": 5, "stable_for": 0, "timeout": 45},
    ],
    ids=str,
)
def test_a_gate_that_may_open_is_waited_for(waiting: Waiting, options: dict[str, Any]) -> None:
    assert waiting(FAR, **options)["polls"] > 0


def test_a_variable_that_makes_no_sense_is_named_as_it_was_set(waiting: Waiting) -> None:
    result = waiting(READY, named="drs_wait_{}".format, stable_for=90, timeout=60)
    assert result["msg"].startswith("drs_wait_stable_for (90 s) is longer than drs_wait_timeout (60 s)")
    assert waiting(READY, named="drs_wait_{}".format, max_errors=-1)["msg"].startswith("drs_wait_max_errors must be")


def test_a_task_that_ends_soon_keeps_its_gate_and_ends_it_with_a_verdict(waiting: Waiting) -> None:
    result = waiting(READY, limit=10, stable_for=60, timeout=600)
    assert (result["verdict"], result["elapsed"]) == ("timeout", 10)


def test_an_id_given_twice_is_one_job_and_a_warning(waiting: Waiting) -> None:
    result = waiting(READY, jobs=[A, A], timeout=0)
    assert [job["id"] for job in result["jobs"]] == [A]
    assert result["warnings"] == [f"jobs names {A} more than once; each job is asked for once."]


def test_a_wait_in_which_nothing_moves_warns_once_in_each_stall_after(waiting: Waiting) -> None:
    result = waiting(FAR, timeout=200, stall_after=60)
    assert result["warnings"] == [
        f"Nothing moved in any job for {for_so_long}; see stall_after." for for_so_long in ("1m", "2m", "3m")
    ]
    assert [line.split()[2] for line in waiting.lines if "STALL" in line] == ["+1m", "+2m", "+3m"]


def test_a_wait_of_many_stalls_keeps_the_latest_warnings(waiting: Waiting) -> None:
    warnings = waiting(FAR, timeout=1300, stall_after=60)["warnings"]
    assert len(warnings) == 5
    assert warnings[-1] == "Nothing moved in any job for 21m; see stall_after."


def test_a_delay_that_stays_at_0_while_the_streak_grows_is_no_stall(waiting: Waiting) -> None:
    result = waiting(READY, stable_for=300, stall_after=60)
    assert result["verdict"] == "ready"
    assert "warnings" not in result


def test_a_wait_in_which_something_moves_does_not_warn(waiting: Waiting) -> None:
    moving = [answers(reading(A, delay=900 - number), reading(B, "PAUSING")) for number in range(40)]
    assert "warnings" not in waiting(*moving, jobs=[A, B], timeout=200, stall_after=60)
