# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Operations that the service no longer has: the status from the list of jobs in place of batch-status."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.client import Client
from ansible_collections.cutover.drs.tests.unit.service.support import JOBS, ByHand
from drs_simulator import Simulator

ClientFor = Callable[..., Client]
Start = Callable[..., Simulator]

STRANGER = "00000000-0000-4000-8000-00000000jb99"
RUNNING = {"status": "INCRE_TRANSFER_STARTED"}


@pytest.mark.parametrize("more", [[], ["list-v3"]], ids=["v3", "v5"])
def test_the_list_says_the_status_if_batch_status_is_withdrawn(
    start: Start, client_for: ClientFor, more: list[str]
) -> None:
    simulator = start(
        jobs=[
            {"id": JOBS[0], **RUNNING, "delay": 7},
            {"id": JOBS[1], "status": "INCRE_TRANSFER_FAILED", "error_msg": "Unable to connect."},
        ],
        withdrawn=["batch-status", *more],
    )
    client = client_for(simulator)
    assert client.warnings == []
    asked = [JOBS[1], STRANGER, JOBS[0]]
    statuses, progress = client.both(asked)
    assert [record.id for record in statuses] == [record.id for record in progress] == asked
    assert [record.status for record in statuses] == ["INCRE_TRANSFER_FAILED", None, "INCRE_TRANSFER_STARTED"]
    assert [record.found for record in statuses] == [record.found for record in progress] == [True, False, True]
    assert statuses[0].error_message == "Unable to connect."
    assert progress[2].delay == 7
    (warning,) = client.warnings
    assert warning.startswith("The service has withdrawn batch-status (404 APIGW.0101).")


def test_it_is_remembered_for_the_run(start: Start, client_for: ClientFor) -> None:
    simulator = start(withdrawn=["batch-status"])
    client = client_for(simulator)
    client.both(JOBS)
    simulator.requests.clear()
    client.both(JOBS)
    assert [record.found for record in client.statuses(JOBS)] == [True, True]
    assert [entry["operation"] for entry in simulator.requests] == ["batch-progress", "list-v3", "list-v3"]


def test_no_list_and_no_batch_status_is_a_final_error(start: Start, client_for: ClientFor) -> None:
    client = client_for(start(withdrawn=["batch-status", "list-v3", "list-v5"]))
    for read in (client.both, client.statuses):
        with pytest.raises(DrsError) as caught:
            read(JOBS)
        said = str(caught.value)
        assert said.startswith("batch-status of 2 jobs at 127.0.0.1:")
        assert "HTTP 404 APIGW.0101 The API does not exist" in said
        assert "The service does not offer this operation (any more)." in said
        assert "The list of jobs cannot take its place. The list of jobs (v5) at" in said
        assert (caught.value.final, caught.value.error_code) == (True, "APIGW.0101")


def test_no_batch_progress_is_a_final_error(start: Start, client_for: ClientFor) -> None:
    for withdrawn in (["batch-progress"], ["batch-status", "batch-progress"]):
        with pytest.raises(DrsError, match=r"^batch-progress of 2 jobs at .*APIGW\.0101") as caught:
            client_for(start(withdrawn=withdrawn)).both(JOBS)
        assert caught.value.final


def test_another_404_does_not_mean_that_it_is_withdrawn(simulator: Simulator, client_for: ClientFor) -> None:
    simulator.add_fault(kind="status", http_status=404, operation="batch-status")
    client = client_for(simulator)
    with pytest.raises(DrsError, match=r"^batch-status of 2 jobs"):
        client.both(JOBS)
    assert client.warnings == []


def test_a_list_that_is_refused_is_an_error_that_says_so(start: Start, client_for: ClientFor) -> None:
    simulator = start(withdrawn=["batch-status"])
    simulator.add_fault(operation="list-v3", kind="status", documented=7)
    with pytest.raises(DrsError, match=r"The list of jobs cannot take its place.*No permission") as caught:
        client_for(simulator).both(JOBS)
    assert caught.value.kind.value == "permission"


WITHDRAWN = {"kind": "status", "documented": 9}


def test_one_404_is_not_remembered_unless_the_other_operation_answers(
    simulator: Simulator, client_for: ClientFor
) -> None:
    for operation in ("batch-status", "batch-progress"):
        simulator.add_fault(operation=operation, **WITHDRAWN)
    client = client_for(simulator)
    for _poll in range(2):
        with pytest.raises(DrsError, match=r"APIGW\.0101"):
            client.both(JOBS)
    assert client.warnings == []
    simulator.load({"jobs": [{"id": job, **RUNNING} for job in JOBS]})
    client.both(JOBS)
    assert {entry["operation"] for entry in simulator.requests} == {"batch-status", "batch-progress"}


def test_an_operation_that_was_withdrawn_is_tried_again_after_a_while(
    simulator: Simulator, client_for: ClientFor, by_hand: ByHand
) -> None:
    simulator.add_fault(operation="batch-status", **WITHDRAWN, to=1)
    client = client_for(simulator)
    operations = []
    for _poll in range(3):
        simulator.requests.clear()
        client.both(JOBS)
        operations.append(sorted({entry["operation"] for entry in simulator.requests}))
        by_hand.now += 350
    assert operations[1:] == [["batch-progress", "list-v3"], ["batch-progress", "batch-status"]]


def test_a_read_that_lasts_beyond_that_while_does_not_begin_another_one(
    simulator: Simulator, client_for: ClientFor, by_hand: ByHand
) -> None:
    simulator.add_fault(operation="batch-status", **WITHDRAWN, to=1)
    client = client_for(simulator)
    client.both(JOBS)
    by_hand.now += 599
    # The progress is tried again, and then the list is read.
    simulator.add_fault(operation="batch-progress", kind="status", http_status=503, on=1)
    client.both(JOBS)
    simulator.requests.clear()
    client.both(JOBS)
    assert sorted(entry["operation"] for entry in simulator.requests) == ["batch-progress", "batch-status"]


@pytest.mark.parametrize("operation", ["batch-status", "batch-progress"])
def test_a_404_of_an_operation_that_has_answered_before_is_one_failed_poll(
    simulator: Simulator, client_for: ClientFor, operation: str
) -> None:
    client = client_for(simulator, request_retries=0)
    client.both(JOBS)
    simulator.add_fault(operation=operation, **WITHDRAWN)
    simulator.add_fault(operation="list-v3", kind="status", documented=7)
    with pytest.raises(DrsError, match=r"APIGW\.0101") as caught:
        client.both(JOBS)
    assert caught.value.final is False


def test_a_list_that_is_not_there_once_is_asked_for_again(start: Start, client_for: ClientFor) -> None:
    # As at Open Telekom Cloud, which has no v5.
    simulator = start(withdrawn=["list-v5"])
    simulator.add_fault(operation="list-v3", **WITHDRAWN, on=1)
    client = client_for(simulator, parallel=1)
    with pytest.raises(DrsError, match=r"APIGW\.0101"):
        client.list_jobs(types=["migration"])
    assert len(client.list_jobs(types=["migration"])) == len(JOBS)
