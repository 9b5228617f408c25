# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The requests that stop jobs, as they arrive at the service: what they hold, and that none is repeated blindly."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests

from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.client import Client
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.stop_request import (
    STOP_V3,
    STOP_V5,
    Reply,
    StopAnswer,
)
from ansible_collections.cutover.drs.plugins.module_utils._service.login.auth import AccessKeyAuth
from ansible_collections.cutover.drs.tests.unit.service.support import (
    BY_KEYS,
    BY_PASSWORD,
    BY_TEMPORARY_KEYS,
    BY_TOKEN,
    JOBS,
    PROJECT,
    ByHand,
    raw_server,
    stopped,
)
from drs_simulator import Simulator

ClientFor = Callable[..., Client]
Start = Callable[..., Simulator]

A, B = JOBS
ACCEPTED, UNCLEAR = StopAnswer(Reply.ACCEPTED), StopAnswer(Reply.UNCLEAR)
BUSY = StopAnswer(Reply.BUSY, "DRS.M01504", "Try again later.")
WRONG_STATE = StopAnswer(Reply.REFUSED, "DRS.M00304", "Not in this state.")
STOPS = ("batch-jobs", "batch-stop")
VERSIONS = pytest.mark.parametrize("withdrawn", [[], ["batch-jobs"]], ids=["v3", "v5"])


def stops_at(simulator: Simulator) -> list[dict[str, Any]]:
    return [entry for entry in simulator.requests if entry["operation"] in STOPS and entry["status"] != 404]


def replies(answers: dict[str, StopAnswer]) -> list[Reply]:
    return [answer.reply for answer in answers.values()]


@pytest.mark.parametrize(("force", "delete_type"), [(False, "terminate"), (True, "force_terminate")])
@pytest.mark.parametrize("login", [BY_TOKEN, BY_PASSWORD, BY_KEYS, BY_TEMPORARY_KEYS])
def test_v3_is_a_delete_with_a_body(
    simulator: Simulator, client_for: ClientFor, login: dict[str, str], force: bool, delete_type: str
) -> None:
    # The simulator signs the request again with the vendor's SDK, its body included.
    assert replies(client_for(simulator, **login).stop(JOBS, force=force)) == [Reply.ACCEPTED] * 2
    sent = stops_at(simulator)
    assert [(entry["method"], entry["path"]) for entry in sent] == [("DELETE", f"/v3/{PROJECT}/jobs/batch-jobs")]
    assert sent[0]["body"] == {"jobs": [{"job_id": job, "delete_type": delete_type} for job in JOBS]}
    assert int(sent[0]["headers"]["content-length"]) > 0


def test_a_body_that_was_changed_on_its_way_does_not_have_the_signature(simulator: Simulator) -> None:

    url = f"{simulator.endpoint}/v3/{PROJECT}/jobs/batch-jobs"
    auth = AccessKeyAuth(BY_KEYS["access_key"], BY_KEYS["secret_key"], project_id=PROJECT)
    request = requests.Request("DELETE", url, data=b"{}", headers={"Content-Type": "application/json"}, auth=auth)
    prepared = request.prepare()
    prepared.body = json.dumps(STOP_V3.body(JOBS, False)).encode()
    prepared.headers["Content-Length"] = str(len(prepared.body))
    with requests.Session() as session:
        assert session.send(prepared, timeout=10).status_code == 401


@pytest.mark.parametrize("force", [False, True])
def test_v5_takes_the_place_of_v3_where_that_is_withdrawn_and_is_remembered(
    start: Start, client_for: ClientFor, force: bool
) -> None:
    simulator = start(withdrawn=["batch-jobs"])
    client = client_for(simulator)
    for job in JOBS:
        assert client.stop([job], force=force) == {job: ACCEPTED}
    sent = stops_at(simulator)
    assert [entry["method"] for entry in sent] == ["POST", "POST"]
    assert sent[-1]["path"] == f"/v5/{PROJECT}/jobs/batch-stop"
    assert sent[-1]["body"] == {"jobs": [{"job_id": B, "is_force_stop": force}]}
    # v3 was asked once.
    assert [entry["path"].split("/")[1] for entry in simulator.requests] == ["v3", "v5", "v5"]


def test_both_withdrawn_is_an_error(start: Start, client_for: ClientFor) -> None:
    with pytest.raises(DrsError) as caught:
        client_for(start(withdrawn=["batch-jobs", "batch-stop"])).stop(JOBS)
    assert (caught.value.http_status, caught.value.error_code) == (404, "APIGW.0101")
    assert "batch-stop of 2 jobs at 127.0.0.1" in str(caught.value)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "throttled"},
        {"kind": "too_frequent"},
        {"kind": "status", "http_status": 503},
        {"kind": "status", "http_status": 403},
        {"kind": "reset"},
        {"kind": "cut_short"},
        {"kind": "wrong_json"},
        {"kind": "html"},
        {"kind": "empty"},
        {"kind": "not_object"},
        {"kind": "redirect"},
    ],
    ids=lambda fault: "-".join(str(value) for value in fault.values()),
)
@VERSIONS
def test_no_stop_is_repeated_by_the_client(
    start: Start, client_for: ClientFor, by_hand: ByHand, fault: dict[str, Any], withdrawn: list[str]
) -> None:
    simulator = start(withdrawn=withdrawn)
    simulator.add_fault(operation="batch-stop" if withdrawn else "batch-jobs", **fault)
    with pytest.raises(DrsError) as caught:
        client_for(simulator).stop(JOBS)
    assert (len(stops_at(simulator)), caught.value.attempts, by_hand.slept) == (1, 1, [])


def test_a_token_that_ran_out_is_renewed_because_nothing_happened(simulator: Simulator, client_for: ClientFor) -> None:
    client = client_for(simulator, **BY_PASSWORD)
    client.statuses(JOBS)
    simulator.withdraw_tokens()
    assert replies(client.stop(JOBS)) == [Reply.ACCEPTED] * 2
    assert [entry["status"] for entry in stops_at(simulator)] == [401, 202]
    assert client.logins == 2


def test_a_second_401_is_final(simulator: Simulator, client_for: ClientFor) -> None:
    simulator.add_fault(operation="batch-jobs", kind="unauthorized")
    with pytest.raises(DrsError) as caught:
        client_for(simulator, **BY_PASSWORD).stop(JOBS)
    assert (caught.value.kind.value, caught.value.attempts, len(stops_at(simulator))) == ("authentication", 2, 2)


@VERSIONS
def test_each_job_has_its_own_answer(start: Start, client_for: ClientFor, withdrawn: list[str]) -> None:
    strangers = ["00000000-0000-4000-8000-00000000jb99"]
    live = {"status": "INCRE_TRANSFER_STARTED"}
    simulator = start(
        withdrawn=withdrawn,
        jobs=[{"id": A, "busy_times": 1, **live}, {"id": B, "stop_answer": "wrong_state", **live}],
    )
    client = client_for(simulator)
    answers = client.stop([A, B, *strangers])
    assert {job: (answer.reply, answer.error_code) for job, answer in answers.items()} == {
        A: (Reply.BUSY, "DRS.M01504"),
        B: (Reply.REFUSED, "DRS.M00304"),
        strangers[0]: (Reply.REFUSED, "DRS.M00289"),
    }
    assert client.stop([A]) == {A: ACCEPTED}


FAILED = {"error_code": "DRS.M00304", "error_msg": "Not in this state."}


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([{"id": A, "status": "success"}, {"id": B, "status": "Success"}], [ACCEPTED, ACCEPTED]),
        ([{"id": A, "status": "success", "error_code": "DRS.00000000", "error_msg": "Success."}], [ACCEPTED, UNCLEAR]),
        ([{"id": A, "status": "success", "error_code": 0}], [ACCEPTED, UNCLEAR]),
        ([{"id": B, "status": "failed", **FAILED}, {"id": A, "status": "success"}], [ACCEPTED, WRONG_STATE]),
        ([{"id": A, "status": "FAILED", "error_code": "DRS.M01504", "error_msg": "Try again later."}], [BUSY, UNCLEAR]),
        ([{"id": A, "status": "failed"}], [StopAnswer(Reply.REFUSED), UNCLEAR]),
        # What says two things says nothing.
        ([{"id": A, "status": "success"}, {"id": A, "status": "failed"}], [UNCLEAR, UNCLEAR]),
        ([{"id": A, "status": "success", **FAILED}], [StopAnswer(Reply.UNCLEAR, *FAILED.values()), UNCLEAR]),
        ([{"id": A, "status": "pending"}], [UNCLEAR, UNCLEAR]),
        ([{"id": A}], [UNCLEAR, UNCLEAR]),
        ([{"id": A, "status": True}], [UNCLEAR, UNCLEAR]),
        ([], [UNCLEAR, UNCLEAR]),
        ([{"id": "stranger", "status": "success"}], [UNCLEAR, UNCLEAR]),
    ],
)
@pytest.mark.parametrize("operation", [STOP_V3, STOP_V5], ids=["v3", "v5"])
def test_an_answer_job_by_job(operation: Any, items: list[dict[str, Any]], expected: list[StopAnswer]) -> None:
    assert operation.parse({operation.entries: items}, JOBS) == dict(zip(JOBS, expected, strict=True))


@pytest.mark.parametrize("body", [None, [], "x", {}, {"results": {}}, {"results": [1]}, {"results": [{"id": 1}]}])
def test_a_body_that_is_no_answer_is_an_error(body: Any) -> None:
    with pytest.raises(DrsError) as caught:
        STOP_V3.parse(body, JOBS)
    assert caught.value.kind.value == "protocol"


@pytest.mark.parametrize(
    ("code", "reply"), [("DRS.M01504", Reply.BUSY), ("DRS.M01503", Reply.BUSY), ("DRS.M05066", Reply.REFUSED)]
)
def test_an_error_body_with_a_success_code_keeps_its_code(code: str, reply: Reply) -> None:
    answers = STOP_V3.parse({"error_code": code, "error_msg": "Later."}, JOBS)
    assert answers == dict.fromkeys(JOBS, StopAnswer(reply, code, "Later."))


def test_a_proxy_carries_the_body(client_for: ClientFor) -> None:
    accepted = json.dumps({"count": 1, "results": [{"id": A, "status": "success"}]}).encode()
    head = f"HTTP/1.1 202 Accepted\r\nContent-Length: {len(accepted)}\r\nConnection: close\r\n\r\n".encode()
    # It answers only when all of the body has come: see `raw_server`.
    with raw_server(head + accepted) as proxy:
        client = client_for("http://drs.example.com", proxy=f"http://{proxy}", **BY_KEYS)
        assert client.stop([A]) == {A: ACCEPTED}


# The whole task against the simulator.


@VERSIONS
def test_jobs_are_stopped_once_and_left_alone_the_second_time(
    start: Start, by_hand: ByHand, withdrawn: list[str]
) -> None:
    simulator = start(withdrawn=withdrawn, jobs=[{"id": job, "status": "INCRE_TRANSFER_STARTED"} for job in JOBS])
    would = stopped(simulator, by_hand, check_mode=True)
    assert (would["changed"], would["stopped"], stops_at(simulator)) == (True, list(JOBS), [])
    first = stopped(simulator, by_hand)
    assert (first["changed"], first["stopped"], first["failed"]) == (True, list(JOBS), False)
    second = stopped(simulator, by_hand)
    assert (second["changed"], second["already_ended"], second["failed"]) == (False, list(JOBS), False)
    assert stopped(simulator, by_hand, check_mode=True)["changed"] is False
    assert len(stops_at(simulator)) == 1


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"jobs": []}, "configuration"),
        ({"jobs": None}, "configuration"),
        ({"jobs": None, "job_names": ["nobody"]}, "configuration"),
        ({"jobs": None, "job_names": []}, "configuration"),
        ({"job_names": ["orders"]}, "configuration"),
        ({"jobs": ["with blank"]}, "configuration"),
        ({"timeout": 0.0}, "configuration"),
        ({"auth_token": None}, "configuration"),
        ({"endpoint": "ftp://x"}, "configuration"),
        ({**BY_PASSWORD, "auth_token": None, "password": "wrong"}, "authentication"),
    ],
)
def test_what_cannot_begin_fails_with_all_the_keys_of_a_result(
    simulator: Simulator, by_hand: ByHand, options: dict[str, Any], kind: str
) -> None:
    failed = stopped(simulator, by_hand, **options)
    assert (failed["failed"], failed["changed"], failed["failure"]["kind"]) == (True, False, kind)
    assert stops_at(simulator) == []
    assert failed.keys() == {
        *("changed", "jobs", "stopped", "already_ended", "failed_jobs"),
        *("elapsed", "msg", "failed", "failure"),
    }


def test_jobs_are_stopped_by_their_names(start: Start, by_hand: ByHand) -> None:
    live = {"status": "INCRE_TRANSFER_STARTED"}
    simulator = start(jobs=[{"id": A, "name": "orders", **live}, {"id": B, "name": "customers", **live}])
    done = stopped(simulator, by_hand, jobs=None, job_names=["customers"])
    assert (done["stopped"], done["failed"]) == ([B], False)
    assert [(job["id"], job["name"]) for job in done["jobs"]] == [(B, "customers")]
    assert [job["name"] for job in stopped(simulator, by_hand, jobs=[B])["jobs"]] == [None]


def test_an_id_given_twice_is_asked_for_once(simulator: Simulator, by_hand: ByHand) -> None:
    done = stopped(simulator, by_hand, jobs=[A, B, A])
    assert (done["stopped"], done["warnings"]) == (
        [A, B],
        [f"jobs names {A} more than once; each job is asked for once."],
    )


def test_no_secret_is_in_a_result(simulator: Simulator, by_hand: ByHand) -> None:
    simulator.add_fault(operation="batch-jobs", kind="echo")
    failed = stopped(simulator, by_hand, timeout=20.0)
    assert failed["failed"] is True
    assert BY_TOKEN["auth_token"] not in json.dumps(failed)
