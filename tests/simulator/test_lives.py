# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs live: named cycles, explicit steps, changes from outside."""

from __future__ import annotations

from typing import Any

import pytest
from calls import JOB, OTHER_JOB, HandClock, Start, progress_of, status_of

from drs_simulator.jobs import parse_job

FULL, DONE, INCREMENTAL = "FULL_TRANSFER_STARTED", "FULL_TRANSFER_COMPLETE", "INCRE_TRANSFER_STARTED"


def seen(job: dict[str, Any], seconds: float) -> tuple[str, int, int]:
    now = parse_job({"id": JOB, **job}, "job").at(seconds)
    return now["status"], int(now["progress"]), int(now["delay"])


@pytest.mark.parametrize(
    ("job", "moments"),
    [
        (
            {"life": "full", "start_seconds": 10, "full_seconds": 100},
            {
                0: ("STARTJOBING", 0, -1),
                10: (FULL, 0, -1),
                60: (FULL, 50, -1),
                110: (DONE, 100, -1),
                999: (DONE, 100, -1),
            },
        ),
        (
            {"life": "full_incremental", "full_seconds": 100, "complete_seconds": 5, "delay_from": 300},
            {
                99: (FULL, 99, -1),
                104: (DONE, 100, -1),
                105: (INCREMENTAL, 100, 300),
                255: (INCREMENTAL, 100, 150),
                405: (INCREMENTAL, 100, 0),
            },
        ),
        (
            {"life": "full_incremental", "full_seconds": 100, "complete_seconds": 0},
            {99: (FULL, 99, -1), 100: (INCREMENTAL, 100, 300)},
        ),
        (
            {"life": "incremental", "delay_from": 40, "delay_to": 3, "drain_seconds": 10},
            {0: (INCREMENTAL, 100, 40), 10: (INCREMENTAL, 100, 3), 99: (INCREMENTAL, 100, 3)},
        ),
        (
            {"life": "failing", "mode": "FULL_TRANS", "full_seconds": 100, "fail_at": 40},
            {39: (FULL, 39, -1), 40: ("FULL_TRANSFER_FAILED", 40, -1), 500: ("FULL_TRANSFER_FAILED", 40, -1)},
        ),
        (
            {"life": "failing", "mode": "INCR_TRANS", "drain_seconds": 100, "fail_at": 50, "resume_at": 70},
            {
                49: (INCREMENTAL, 100, 153),
                50: ("INCRE_TRANSFER_FAILED", 100, -1),
                70: (INCREMENTAL, 100, 150),
                120: (INCREMENTAL, 100, 0),
            },
        ),
        (
            {"life": "paused", "full_seconds": 100, "pause_at": 50, "resume_at": 80},
            {
                49: (FULL, 49, -1),
                60: ("PAUSING", 50, -1),
                80: (FULL, 50, -1),
                129: (FULL, 99, -1),
                130: (DONE, 100, -1),
            },
        ),
        (
            {"life": "stopped", "full_seconds": 100, "stop_at": 50, "release_seconds": 10},
            {50: ("RELEASE_RESOURCE_STARTED", 50, -1), 60: ("RELEASE_RESOURCE_COMPLETE", 50, -1)},
        ),
        ({"life": "deleted"}, {0: ("DELETED", 0, -1)}),
        ({"life": "deleted", "delete_at": 5}, {4: (FULL, 0, -1), 5: ("DELETED", 0, -1)}),
        (
            {"life": "children", "start_seconds": 5, "full_seconds": 10},
            {
                0: ("CHILD_TRANSFER_STARTING", 0, -1),
                10: ("CHILD_TRANSFER_STARTED", 50, -1),
                15: ("CHILD_TRANSFER_COMPLETE", 100, -1),
            },
        ),
        (
            {
                "steps": [
                    {"at": 0, "status": INCREMENTAL, "delay": 100, "ramp": True},
                    {"at": 10, "delay": 0},
                    {"at": 20, "delay": 7},
                ]
            },
            {5: (INCREMENTAL, 100, 50), 15: (INCREMENTAL, 100, 0), 25: (INCREMENTAL, 100, 7)},
        ),
        ({"status": "PAUSING"}, {0: ("PAUSING", 0, -1)}),
    ],
)
def test_a_life(job: dict[str, Any], moments: dict[float, tuple[str, int, int]]) -> None:
    assert {at: seen(job, at) for at in moments} == moments


def test_the_failed_step_carries_its_error(start: Start, clock: HandClock) -> None:
    simulator = start(
        {"jobs": [{"id": JOB, "life": "failing", "fail_at": 5, "error_msg": "Connection to the source is lost."}]}
    )
    assert "error_code" not in status_of(simulator).json()["results"][0]
    clock.seconds += 5
    assert status_of(simulator).json()["results"][0]["error_message"] == "Connection to the source is lost."
    assert progress_of(simulator).json()["results"][0]["error_code"] == "DRS.M00004"


def test_time_is_scaled_and_progress_rounds_down_but_delay_up(start: Start, clock: HandClock) -> None:
    simulator = start({"time_scale": 60, "jobs": [{"id": JOB, "life": "full_incremental", "full_seconds": 600}]})
    clock.seconds += 9.999
    item = progress_of(simulator).json()["results"][0]
    assert (item["progress"], item["remaining_time"], item["progress_map"]["index"]["completed"]) == ("99", "1", "99%")
    clock.seconds += 5.08
    assert progress_of(simulator).json()["results"][0]["incre_trans_delay"] == "1"


def test_a_job_changed_from_outside(start: Start, clock: HandClock) -> None:
    simulator = start({"jobs": [{"id": JOB, "life": "incremental", "delay_to": 3}]})
    clock.seconds += 1000
    simulator.set_job(JOB, status="PAUSING")
    assert status_of(simulator).json()["results"][0]["status"] == "PAUSING"
    simulator.set_job(JOB, status=None)
    assert progress_of(simulator).json()["results"][0]["incre_trans_delay"] == "3"
    simulator.set_job(JOB, delay="soon")
    assert progress_of(simulator).json()["results"][0]["incre_trans_delay"] == "soon"
    simulator.set_job(JOB, life="incremental", delay_from=3, drain_seconds=10)
    clock.seconds += 10
    assert progress_of(simulator).json()["results"][0]["incre_trans_delay"] == "0"
    simulator.set_job(JOB, steps=[{"status": "DELETED"}])
    assert status_of(simulator).json()["results"][0]["status"] == "DELETED"
    simulator.set_job(OTHER_JOB, status="CREATING")
    assert status_of(simulator, OTHER_JOB).json()["count"] == 1


def test_a_step_can_make_a_job_vanish_and_come_back(start: Start, clock: HandClock) -> None:
    steps = [{"at": 0, "status": INCREMENTAL}, {"at": 10, "answer": "left_out"}, {"at": 20}]
    simulator = start({"jobs": [{"id": JOB, "steps": steps}]})
    counts = []
    for _moment in range(3):
        counts.append(status_of(simulator).json()["count"])
        clock.seconds += 10
    assert counts == [1, 0, 1]


def test_a_fleet_has_ids_of_the_services_shape_and_begins_spread_out(start: Start, clock: HandClock) -> None:
    simulator = start({"generate": {"count": 1000, "life": "full", "full_seconds": 100, "spread": 1000}})
    ids = simulator.job_ids
    assert len(set(ids)) == 1000
    assert {tuple(map(len, job_id.split("-"))) for job_id in ids} == {(8, 4, 4, 4, 12)}
    clock.seconds += 100
    items = progress_of(simulator, *ids).json()["results"]
    assert len(items) == 1000
    assert [items[0]["progress"], items[50]["progress"], items[999]["progress"]] == ["100", "50", "0"]
