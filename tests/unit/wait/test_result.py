# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of a wait: the same keys whatever the verdict, as documented, and bounded."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from ansible_collections.cutover.drs.plugins.module_utils._gate.gate import Sample
from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError, Kind
from ansible_collections.cutover.drs.plugins.module_utils._wait.observer import Observer
from ansible_collections.cutover.drs.plugins.module_utils._wait.result import result
from ansible_collections.cutover.drs.plugins.modules import drs_job_wait
from ansible_collections.cutover.drs.tests.unit.builders import (
    NOON,
    A,
    B,
    C,
    Waiting,
    answers,
    caught_up,
    reading,
)

RETURN: dict[str, Any] = yaml.safe_load(drs_job_wait.RETURN)

STATUS_OF = {
    "ready": "INCRE_TRANSFER_STARTED",
    "failed": "INCRE_TRANSFER_FAILED",
    "ended": "DELETED",
    "unknown": "BRAND_NEW",
    "timeout": "PAUSING",
}


def ended(waiting: Waiting, verdict: str) -> dict[str, Any]:
    """The result of a wait that ends with this verdict."""
    if verdict == "error":
        return waiting(DrsError(Kind.AUTHENTICATION, "The password is wrong."))
    if verdict == "missing":
        return waiting(answers(reading(A, found=(True, False))))
    if verdict == "held":
        return waiting(answers(reading()), hold_file="/", timeout=0)
    return waiting(answers(reading(A, STATUS_OF[verdict])), timeout=300, unknown_for=60)


VERDICTS = ["ready", "failed", "ended", "missing", "unknown", "held", "timeout", "error"]


TYPES = {"str": str, "bool": bool, "int": int, "float": (int, float), "list": list, "dict": dict, "raw": object}


def check_types(values: dict[str, Any], documented: dict[str, Any]) -> None:
    for name, described in documented.items():
        value = values[name]
        assert value is None or isinstance(value, TYPES[described["type"]]), name
        if "contains" in described and value:
            for each in value if isinstance(value, list) else [value]:
                check_types(each, described["contains"])


@pytest.mark.parametrize("verdict", VERDICTS)
def test_every_verdict_gives_all_that_is_documented_and_fails_the_task_unless_ready(
    waiting: Waiting, verdict: str
) -> None:
    found = ended(waiting, verdict)
    assert found["verdict"] == verdict
    assert found["ready"] is (verdict == "ready")
    assert found["failed"] is (verdict != "ready")
    assert found["msg"] == found["reason"] != ""
    assert set(found) == {*RETURN, "msg", "failed"}
    (job,) = found["jobs"]
    assert set(job) == set(RETURN["jobs"]["contains"])
    for hold in job["holds"]:
        assert set(hold) == set(RETURN["jobs"]["contains"]["holds"]["contains"])
    assert bool(job["holds"]) is not job["ready"]
    check_types(found, RETURN)
    json.dumps(found)


@pytest.mark.parametrize("options", [{"interval": 0}, {"jobs": []}, {"replay": "/nowhere.jsonl"}, {"record": "/"}])
def test_options_that_make_no_sense_give_all_of_it_too(waiting: Waiting, options: dict[str, Any]) -> None:
    found = waiting(answers(reading()), **options)
    assert set(found) == {*RETURN, "msg", "failed"} - {"series"}
    assert (found["verdict"], found["ready"], found["failed"]) == ("error", False, True)
    assert (found["jobs"], found["polls"], found["requests"], found["rules"]) == ([], 0, 0, {})
    assert found["failure"]["kind"] == "configuration"


def test_jobs_are_in_the_order_asked_for(waiting: Waiting) -> None:
    found = waiting(answers(reading(B, delay=3), reading(A)), jobs=[B, A], timeout=0)
    assert [(job["id"], job["ready"]) for job in found["jobs"]] == [(B, False), (A, True)]


def test_a_job_has_what_both_operations_said_of_it(waiting: Waiting) -> None:
    seen = reading(
        A,
        "PAUSING",
        transfer_status="INCRE_TRANSFER_STARTED",
        delay=412,
        remaining_time=7,
        error_code="DRS.M05012",
        error_message="Late.",
    )
    (job,) = waiting(answers(seen), timeout=0)["jobs"]
    assert job == {
        "id": A,
        "name": None,
        "found": True,
        "status": "PAUSING",
        "transfer_status": "INCRE_TRANSFER_STARTED",
        "phase": "pause",
        "state": "paused",
        "terminal": False,
        "error_code": "DRS.M05012",
        "error_message": "Late.",
        "task_mode": "FULL_INCR_TRANS",
        "progress": 100,
        "delay": 412,
        "delay_ms": None,
        "remaining_time": 7,
        "parts": {},
        "processed_at": None,
        "src_offset": None,
        "node_offset": None,
        "dst_offset": None,
        "quiet": None,
        "goal": "caught_up",
        "ready": False,
        "holds": [
            {"rule": "wrong_phase", "text": "caught_up asks for INCRE_TRANSFER_STARTED, the status is PAUSING."},
            {
                "rule": "disagreement",
                "text": "batch-status says PAUSING, batch-progress says INCRE_TRANSFER_STARTED.",
            },
            {"rule": "error_reported", "text": "The service says DRS.M05012: Late."},
            {"rule": "delay", "text": "Delay 412 s, allowed 0 s."},
        ],
        "subtasks": [],
        "subtasks_left_out": 0,
        "trend": None,
        "eta_seconds": None,
    }


def test_a_job_missing_from_one_answer_keeps_what_the_other_said_and_is_missing(waiting: Waiting) -> None:
    (job,) = waiting(answers(reading(A, found=(True, False))), timeout=0)["jobs"]
    assert (job["found"], job["state"], job["phase"], job["status"]) == (
        False,
        "missing",
        "unknown",
        "INCRE_TRANSFER_STARTED",
    )
    assert job["delay"] is None


PART = {"progress": 94, "remaining_time": None}
HERE, LATER = "mysql-bin.000012:500", "mysql-bin.000012:62500"


def test_a_job_tells_whether_the_position_of_its_source_moved_even_if_it_need_not_be_quiet(waiting: Waiting) -> None:
    positions = (HERE, LATER, LATER, None)
    found = waiting(
        *(answers(reading(A, src_offset=position)) for position in positions),
        interval=30,
        near_interval=30,
        jobs=[A, B],
    )
    assert found["ready"]
    assert [job["quiet"] for job in found["jobs"]] == [
        {"state": "unmoved", "since": "2026-11-24T12:00:30Z", "from": HERE, "to": LATER},
        None,
    ]
    moved = waiting(
        *(answers(reading(A, src_offset=position)) for position in (HERE, LATER)), stable_samples=2, stable_for=0
    )
    assert moved["jobs"][0]["quiet"] == {"state": "moved", "since": "2026-11-24T12:00:05Z", "from": HERE, "to": LATER}
    alone = waiting(answers(reading(A, src_offset=HERE)), timeout=0)
    assert alone["jobs"][0]["quiet"] == {"state": "unknown", "since": "2026-11-24T12:00:00Z", "from": None, "to": HERE}


PARTS = {"struct": PART, "data": PART, "index": PART}
REFUSED = ("DRS.M05011", "The source database ran out of replication slots.")


@pytest.mark.parametrize(
    "fields",
    [
        {"delay": 412, "remaining_time": 700},
        {"status": "FULL_TRANSFER_STARTED", "delay": None, "progress": 63, "parts": PARTS, "remaining_time": 700},
        {"status": "INCRE_TRANSFER_FAILED", "delay": None, "error": REFUSED},
    ],
)
def test_a_thousand_jobs_with_holds_are_less_than_a_mebibyte_however_long_it_took(fields: dict[str, Any]) -> None:
    ids = [f"{number:08x}-ee3e-49b8-a022-a099bd81jb21" for number in range(1000)]
    rules = caught_up(fail_fast=False, timeout=500 * 30)
    observer = Observer(len(ids), rules, NOON, lambda _line: None)
    at = {"processed_at": "2026-11-24T12:00:00Z"}
    # Readings of two samples in turn, so that each sample changes the status of each job.
    turns = [
        tuple(reading(each, **{**fields, **at}) for each in ids),
        tuple(reading(each, **{**fields, **at, "status": "CHANGE_JOB_STARTED"}) for each in ids),
    ]
    for number in range(20):
        ended_at = number * 30.0
        observer.observe(Sample(ended_at, ended_at, NOON + ended_at, turns[number % 2]))
    observer.observe(Sample(15000, 15000, NOON + 15000, turns[0]))
    ending = observer.ending()
    found = result(ending, ids, rules, requests=10_000, logins=1, full=True)
    assert len(found["transitions"]) == 300
    assert found["transitions_left_out"] == 20_700
    assert len(json.dumps(found)) < 2**20
    # What Ansible prints of a task that failed fits on a screen.
    short = result(ending, ids, rules, requests=10_000, logins=1)
    assert (len(short["jobs"]), short["jobs_left_out"]) == (3, 997)
    assert (short["transitions"], short["transitions_left_out"]) == ([], 21_000)
    assert set(short) == set(found) - {"series"}
    assert len(json.dumps(short)) < 5000


def test_a_short_result_has_the_jobs_that_are_furthest_from_their_goal_in_the_order_asked(waiting: Waiting) -> None:
    delays = {A: 3, B: 0, C: 700, **{f"job-{number}": 5 + number for number in range(10)}}
    seen = answers(*(reading(each, delay=delay) for each, delay in delays.items()))
    found = waiting(seen, jobs=[*delays], timeout=0, series=False)
    assert [job["id"] for job in found["jobs"]] == [C, "job-8", "job-9"]
    assert (found["jobs_left_out"], found["transitions"]) == (10, [])
    # Among them are those that the reason names.
    named = found["reason"].partition(". Worst: ")[2].split("; ")
    assert {text.split(" ")[0] for text in named} <= {job["id"] for job in found["jobs"]}
    assert len(waiting(seen, jobs=[*delays], timeout=0)["jobs"]) == 13
    # Of ten jobs and fewer it has all.
    found = waiting(seen, jobs=[*delays][:10], timeout=0, series=False)
    assert (found["ready"], len(found["jobs"]), found["jobs_left_out"], len(found["transitions"])) == (False, 10, 0, 10)
    # What is ready is not printed: it has all jobs.
    found = waiting(seen, jobs=[*delays], timeout=0, series=False, max_delay=700)
    assert (found["ready"], len(found["jobs"]), found["jobs_left_out"]) == (True, 13, 0)
