# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Operations that the service no longer has: the status from the list of jobs in place of batch-status."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.client import Client
from ansible_collections.cutover.drs.tests.unit.service.support import JOBS
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
    assert [entry["operation"] for entry in simulator.requests] == ["list-v3", "batch-progress", "list-v3"]


def test_no_list_and_no_batch_status_is_a_final_error(start: Start, client_for: ClientFor) -> None:
    client = client_for(start(withdrawn=["batch-status", "list-v3", "list-v5"]))
    for read in (client.both, client.statuses):
        with pytest.raises(DrsError) as caught:
            read(JOBS)
        said = str(caught.value)
        assert said.startswith("batch-status of 2 jobs at 127.0.0.1:")
        assert "HTTP 404 APIGW.0101 The API does not exist" in said
        assert "The service does not have this operation, or has it no longer." in said
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
