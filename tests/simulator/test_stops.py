# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations that stop jobs, and the one that shows their details."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
import requests
from calls import JOB, OTHER_JOB, PROJECT, HandClock, Start, call, status_of

from drs_simulator import ScenarioError, Simulator

VERSIONS = pytest.mark.parametrize("version", ["v3", "v5"])
LIVE = {"status": "INCRE_TRANSFER_STARTED"}


def stop(simulator: Simulator, version: str, *job_ids: str, force: bool = False) -> requests.Response:
    headers = {"X-Auth-Token": "simulated-token"}
    base = f"{simulator.endpoint}/{version}/{PROJECT}/jobs"
    if version == "v5":
        body: dict[str, Any] = {"jobs": [{"job_id": job, "is_force_stop": force} for job in job_ids]}
        return requests.post(f"{base}/batch-stop", json=body, headers=headers, timeout=10, allow_redirects=False)
    kind = "force_terminate" if force else "terminate"
    body = {"jobs": [{"job_id": job, "delete_type": kind} for job in job_ids]}
    return requests.delete(f"{base}/batch-jobs", json=body, headers=headers, timeout=10, allow_redirects=False)


def outcomes(answered: requests.Response) -> dict[str, str]:
    body = answered.json()
    return {item["id"]: item.get("error_code", item["status"]) for item in body.get("results") or body["jobs"]}


def status(simulator: Simulator, job: str = JOB) -> str:
    return str(status_of(simulator, job).json()["results"][0]["status"])


@VERSIONS
def test_a_stopped_job_is_released_and_then_ended(start: Start, clock: HandClock, version: str) -> None:
    simulator = start({"jobs": [{"id": JOB, "stop_seconds": 30, **LIVE}, {"id": OTHER_JOB, **LIVE}]})
    answered = stop(simulator, version, JOB)
    expected = (202, {JOB: "success"}) if version == "v3" else (200, {JOB: "Success"})
    assert (answered.status_code, outcomes(answered)) == expected
    assert status(simulator) == "RELEASE_RESOURCE_STARTED"
    clock.seconds += 30
    assert (status(simulator), status(simulator, OTHER_JOB)) == ("RELEASE_RESOURCE_COMPLETE", LIVE["status"])
    # There is nothing left to stop.
    assert outcomes(stop(simulator, version, JOB)) == {JOB: "DRS.M00304"}


@VERSIONS
def test_each_job_has_its_own_refusal(start: Start, version: str) -> None:
    stranger = "00000000-0000-4000-8000-00000000jb99"
    simulator = start(
        {"jobs": [{"id": JOB, "busy_times": 2, **LIVE}, {"id": OTHER_JOB, "stop_answer": "wrong_state", **LIVE}]}
    )
    for _time in range(2):
        assert outcomes(stop(simulator, version, JOB, OTHER_JOB, stranger)) == {
            JOB: "DRS.M01504",
            OTHER_JOB: "DRS.M00304",
            stranger: "DRS.M00289",
        }
    assert status(simulator) == LIVE["status"]
    assert outcomes(stop(simulator, version, JOB))[JOB].lower() == "success"


def test_a_stop_may_be_ignored_or_fail(start: Start) -> None:
    simulator = start(
        {"jobs": [{"id": JOB, "stop_answer": "ignored", **LIVE}, {"id": OTHER_JOB, "release_fails": True, **LIVE}]}
    )
    assert set(outcomes(stop(simulator, "v3", JOB, OTHER_JOB)).values()) == {"success"}
    assert (status(simulator), status(simulator, OTHER_JOB)) == (LIVE["status"], "RELEASE_RESOURCE_FAILED")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"jobs": []},
        {"jobs": [JOB]},
        {"jobs": [{"job_id": JOB}]},
        {"jobs": [{"job_id": JOB, "delete_type": "delete"}]},
        {"jobs": [{"delete_type": "terminate"}]},
        {"jobs": [{"job_id": JOB, "delete_type": "terminate"}] * 2},
    ],
)
def test_a_request_that_is_refused(start: Start, body: dict[str, Any]) -> None:
    url = f"{(simulator := start()).endpoint}/v3/{PROJECT}/jobs/batch-jobs"
    answered = requests.delete(url, json=body, headers={"X-Auth-Token": "simulated-token"}, timeout=10)
    assert (answered.status_code, status(simulator)) == (400, LIVE["status"])


@pytest.mark.parametrize("force", [False, True])
def test_the_log_says_what_was_sent(start: Start, force: bool) -> None:
    simulator = start()
    stop(simulator, "v3", JOB, force=force)
    (entry,) = simulator.requests
    assert (entry["operation"], entry["method"]) == ("batch-jobs", "DELETE")
    assert entry["body"]["jobs"][0]["delete_type"] == ("force_terminate" if force else "terminate")


@VERSIONS
def test_a_withdrawn_operation_is_not_there(start: Start, version: str) -> None:
    simulator = start({"jobs": [{"id": JOB, **LIVE}], "withdrawn": ["batch-jobs", "batch-stop"]})
    answered = stop(simulator, version, JOB)
    assert (answered.status_code, answered.json()["error_code"]) == (404, "APIGW.0101")
    with pytest.raises(ScenarioError):
        start({"jobs": [{"id": JOB, **LIVE}], "withdrawn": ["nothing"]})


@VERSIONS
@pytest.mark.parametrize(
    ("fault", "stopped"),
    [
        ({"kind": "reset"}, True),
        ({"kind": "reset", "undone": True}, False),
        ({"kind": "cut_short"}, True),
        ({"kind": "empty"}, True),
        ({"kind": "html", "undone": True}, False),
        ({"kind": "throttled"}, False),
        ({"kind": "status", "http_status": 503}, False),
        ({"kind": "redirect"}, False),
    ],
)
def test_a_fault_loses_the_answer_or_the_request(
    start: Start, version: str, fault: dict[str, Any], stopped: bool
) -> None:
    simulator = start()
    simulator.add_fault(operation="batch-jobs" if version == "v3" else "batch-stop", **fault)
    with suppress(requests.RequestException):
        stop(simulator, version, JOB)
    assert status(simulator) == ("RELEASE_RESOURCE_COMPLETE" if stopped else LIVE["status"])


@pytest.mark.parametrize(("given", "shown"), [({}, False), ({"target_readonly": True}, True)])
def test_details_say_whether_the_target_is_read_only(start: Start, given: dict[str, Any], shown: bool) -> None:
    simulator = start({"jobs": [{"id": JOB, **LIVE, **given}]})
    body = call(simulator, "batch-detail", {"jobs": [JOB], "page_req": {"cur_page": 1, "per_page": 1}}).json()
    assert (body["count"], body["results"][0]["is_target_readonly"]) == (1, shown)


def test_details_can_leave_it_out(start: Start) -> None:
    simulator = start({"jobs": [{"id": JOB, **LIVE, "target_readonly": None}]})
    assert "is_target_readonly" not in call(simulator, "batch-detail", {"jobs": [JOB]}).json()["results"][0]
