# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Batches: what is asked, in which requests, and what comes back for each id."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._gate.rules import Reading, Rules, judge_job
from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.client import Client
from ansible_collections.cutover.drs.plugins.module_utils._service.login.auth import TokenAuth
from ansible_collections.cutover.drs.tests.unit.service.support import JOBS, PROJECT, ByHand
from drs_simulator import Simulator

STRANGER = "00000000-0000-4000-8000-00000000jb99"
Start = Callable[..., Simulator]
ClientFor = Callable[..., Client]


def test_251_ids_are_three_requests_for_each_operation(start: Start, client_for: ClientFor) -> None:
    simulator = start(generate={"count": 251, "status": "INCRE_TRANSFER_STARTED"}, shuffle=True)
    ids = list(reversed(simulator.job_ids))
    client = client_for(simulator)
    statuses, progress = client.both(ids)
    assert [record.id for record in statuses] == [record.id for record in progress] == ids
    assert all(record.found for record in (*statuses, *progress))
    asked = sorted((entry["operation"], len(entry["body"]["jobs"])) for entry in simulator.requests)
    assert asked == [(operation, size) for operation in ("batch-progress", "batch-status") for size in (51, 100, 100)]
    assert client.requests_sent == 6


def test_each_operation_sends_exactly_the_documented_body(simulator: Simulator, client_for: ClientFor) -> None:
    client = client_for(simulator, language="zh-cn")
    client.statuses(JOBS)
    client.progress(JOBS)
    status, progress = simulator.requests
    assert status["body"] == {"jobs": list(JOBS), "page_req": {"cur_page": 1, "per_page": 2}}
    assert progress["body"] == {"jobs": list(JOBS)}
    for entry in (status, progress):
        assert entry["path"] == f"/v3/{PROJECT}/jobs/{entry['operation']}"
        assert entry["headers"]["content-type"] == "application/json"
        assert entry["headers"]["x-language"] == "zh-cn"
        assert entry["headers"]["x-auth-token"] == "simulated-token"
        assert "cookie" not in entry["headers"]


def test_the_page_of_each_batch_has_the_size_of_the_batch(start: Start, client_for: ClientFor) -> None:
    simulator = start(generate={"count": 7, "status": "CREATING"})
    client_for(simulator, batch_size=3).statuses(simulator.job_ids)
    assert sorted(entry["body"]["page_req"]["per_page"] for entry in simulator.requests) == [1, 3, 3]


@pytest.mark.parametrize("status", [200, 202])
def test_both_success_codes_are_good_on_both_operations(start: Start, client_for: ClientFor, status: int) -> None:
    simulator = start(status_status=status, progress_status=status)
    statuses, progress = client_for(simulator).both(JOBS)
    assert [record.found for record in (*statuses, *progress)] == [True] * 4


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_path_prefix_of_the_endpoint_is_kept(start: Start, client_for: ClientFor, slash: str) -> None:
    simulator = start(prefix="/gateway/drs")
    client_for(simulator.endpoint + slash).statuses(JOBS)
    assert simulator.requests[0]["path"] == f"/gateway/drs/v3/{PROJECT}/jobs/batch-status"


def test_polls_share_a_few_connections(start: Start, client_for: ClientFor) -> None:
    simulator = start(generate={"count": 40, "status": "CREATING"})
    client = client_for(simulator, batch_size=10, parallel=3)
    for _poll in range(125):
        client.both(simulator.job_ids)
    assert len(simulator.requests) == client.requests_sent == 1000
    assert len({entry["connection"] for entry in simulator.requests}) <= 3
    assert max(entry["under_way"] for entry in simulator.requests) <= 3


def test_as_many_requests_are_under_way_as_parallel_says(start: Start, client_for: ClientFor) -> None:
    simulator = start(generate={"count": 8, "status": "CREATING"}, latency=150)
    client_for(simulator, batch_size=2, parallel=4).statuses(simulator.job_ids)
    assert max(entry["under_way"] for entry in simulator.requests) == 4


def test_ids_that_a_truncated_answer_leaves_out_are_not_found(start: Start, client_for: ClientFor) -> None:
    simulator = start(generate={"count": 9, "status": "CREATING"})
    five = {"results": [{"id": job, "status": "CREATING"} for job in simulator.job_ids[:5]], "count": 5}
    simulator.add_fault(operation="batch-status", kind="status", http_status=200, body=five)
    records = client_for(simulator).statuses(simulator.job_ids)
    assert [record.found for record in records] == [True] * 5 + [False] * 4


def test_an_item_nobody_asked_for_is_ignored(simulator: Simulator, client_for: ClientFor) -> None:
    body = {"results": [{"id": STRANGER, "status": "CREATING"}, {"id": JOBS[0], "status": "CREATING"}]}
    simulator.add_fault(kind="status", http_status=200, body=body)
    (record,) = client_for(simulator).statuses(JOBS[:1])
    assert (record.id, record.status) == (JOBS[0], "CREATING")


def test_an_id_that_comes_back_in_another_case_is_not_found_and_the_sentence_says_how_it_is_written(
    simulator: Simulator, client_for: ClientFor
) -> None:
    lower, upper = JOBS[0], JOBS[0].upper()
    body = {"results": [{"id": lower, "job_id": lower, "status": "PAUSING", "transfer_status": "PAUSING"}]}
    simulator.add_fault(kind="status", http_status=200, body=body)
    client = client_for(simulator)
    for records in (client.statuses([upper]), client.progress([upper])):
        (record,) = records
        said = f"the id is written {lower}; upper and lower case count"
        assert (record.id, record.found, record.error_message) == (upper, False, said)
    # One that came back as it was asked for is that one.
    assert client.statuses([lower, upper])[0].found
    seen = Reading(*(records[0] for records in client.both([upper])))
    (hold,) = judge_job(seen, Rules(), held=False).holds
    assert hold.text == f"Not found: batch-status says {said}, batch-progress says {said}."


@pytest.mark.parametrize("way", ["left_out", "refused", "item_error", "refused_without_list"])
@pytest.mark.parametrize("size", [1, 2, 9])
def test_one_bad_id_never_hides_the_others(start: Start, client_for: ClientFor, way: str, size: int) -> None:
    simulator = start(generate={"count": size, "status": "INCRE_TRANSFER_STARTED"}, unknown_jobs="left_out")
    simulator.set_job(STRANGER, answer=way)
    middle = size // 2
    ids = [*simulator.job_ids[:middle], STRANGER, *simulator.job_ids[middle:size]]
    statuses, progress = client_for(simulator).both(ids)
    for records in (statuses, progress):
        assert [record.id for record in records] == ids
        assert [record.id for record in records if not record.found] == [STRANGER]
    code = {"left_out": None, "refused_without_list": "DRS.M05004"}.get(way, "DRS.M00289")
    assert statuses[middle].error_code == progress[middle].error_code == code
    assert statuses[middle].as_dict()["state"] == "missing"


def test_jobs_that_were_refused_keep_the_reason_of_the_service(start: Start, client_for: ClientFor) -> None:
    simulator = start()
    simulator.set_job(STRANGER, answer="refused")
    client = client_for(simulator)
    record = client.statuses([*JOBS, STRANGER])[2]
    assert (record.error_code, record.error_message) == ("DRS.M00289", "The job is non-existent.")
    assert client.requests_sent == 2  # once with it and once without


def test_a_job_that_the_service_does_not_name_is_found_by_halves(start: Start, client_for: ClientFor) -> None:
    simulator = start(generate={"count": 63, "status": "CREATING"})
    simulator.set_job(STRANGER, answer="refused_without_list")
    client = client_for(simulator)
    records = client.statuses([*simulator.job_ids[:63], STRANGER])
    assert [record.found for record in records] == [True] * 63 + [False]
    assert client.requests_sent == 13  # 2 * log2(64) + 1


def test_an_empty_query_result_does_not_say_that_all_of_them_are_missing(
    simulator: Simulator, client_for: ClientFor
) -> None:
    simulator.add_fault(kind="status", documented=10, with_job=JOBS[0])
    client = client_for(simulator)
    records = client.progress(JOBS)
    assert [(record.found, record.error_code) for record in records] == [(False, "DRS.M00002"), (True, None)]
    assert client.requests_sent == 3


def test_a_refusal_that_names_none_of_the_jobs_asked_for_ends(simulator: Simulator, client_for: ClientFor) -> None:
    body = {"results": [{"id": STRANGER, "error_code": "DRS.M00289"}]}
    simulator.add_fault(kind="status", http_status=400, body=body)
    client = client_for(simulator)
    assert [record.found for record in client.statuses(JOBS)] == [False, False]
    assert client.requests_sent == 3


def test_the_first_failure_ends_the_reading_of_all(start: Start, client_for: ClientFor) -> None:
    simulator = start(generate={"count": 64, "status": "CREATING"}, latency=20)
    simulator.add_fault(kind="status", documented=7)
    client = client_for(simulator, batch_size=1, parallel=2)
    with pytest.raises(DrsError, match="No permission"):
        client.both(simulator.job_ids)
    assert client.requests_sent < 8


def test_a_read_that_is_under_way_in_another_thread_ends_when_the_client_is_closed(
    simulator: Simulator, client_for: ClientFor
) -> None:
    # One request under way, the other one in the queue.
    client = client_for(simulator, parallel=1, request_timeout=1, request_retries=0)
    simulator.add_fault(operation="batch-status", kind="hang", seconds=1)
    ends: list[str] = []

    def read() -> None:
        try:
            client.both(JOBS)
        except DrsError as error:
            ends.append(str(error))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    while not simulator.requests:
        time.sleep(0.01)
    client.close()
    reader.join(10)
    assert not reader.is_alive()
    assert len(ends) == 1
    assert [request["operation"] for request in simulator.requests] == ["batch-status"]


def test_a_closed_client_tries_nothing_again(simulator: Simulator, client_for: ClientFor, by_hand: ByHand) -> None:
    simulator.add_fault(kind="throttled")
    client = client_for(simulator)
    by_hand.on_sleep = client.close
    with pytest.raises(DrsError, match=r"The client was closed\.$"):
        client.statuses(JOBS)
    assert len(simulator.requests) == 1


def test_who_was_refused_is_not_looked_for_after_the_deadline(
    simulator: Simulator, client_for: ClientFor, by_hand: ByHand
) -> None:
    simulator.add_fault(kind="status", http_status=400, body={"error_code": "DRS.M00289"}, operation="batch-status")
    client = client_for(simulator)
    with pytest.raises(DrsError, match="time was up before it was known which") as caught:
        client.statuses(JOBS, by_hand.now - 1)
    assert (caught.value.kind.value, caught.value.final, client.requests_sent) == ("service", False, 1)


def test_where_one_request_failed_for_good_the_others_are_not_tried_again(
    simulator: Simulator, client_for: ClientFor, by_hand: ByHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator.add_fault(kind="status", documented=7, operation="batch-status")
    simulator.add_fault(kind="throttled", operation="batch-progress", first=1, last=99)
    client = client_for(simulator)
    throttled = threading.Event()
    log_in = TokenAuth.__call__

    def after_the_other_was_throttled(login: TokenAuth, request: Any) -> Any:
        if request.url.endswith("/batch-status"):
            assert throttled.wait(5)
        return log_in(login, request)

    def until_it_failed() -> None:
        throttled.set()
        patience = time.monotonic() + 5
        while not client._given_up and time.monotonic() < patience:
            time.sleep(0.005)

    monkeypatch.setattr(TokenAuth, "__call__", after_the_other_was_throttled)
    by_hand.on_sleep = until_it_failed
    with pytest.raises(DrsError, match="No permission"):
        client.both(JOBS)
    assert client.requests_sent == 2
