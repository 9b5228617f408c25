# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The vendor's own client and this collection's stop jobs at the simulator, and read their details, alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkdrs import v3, v5

from ansible_collections.cutover.drs.plugins.module_utils._service.connection import connect
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.client import Client
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.stop_request import Reply
from ansible_collections.cutover.drs.tests.unit.service.support import BY_KEYS, DEFAULTS, JOBS, PROJECT
from drs_simulator import Simulator

LIVE = {"status": "INCRE_TRANSFER_STARTED"}
STRANGER = "00000000-0000-4000-8000-00000000jb99"
VERSIONS = pytest.mark.parametrize("version", ["v3", "v5"])
FORCE = pytest.mark.parametrize("force", [False, True])


class Official:
    """The operations by the vendor's clients of both versions."""

    def __init__(self, simulator: Simulator) -> None:
        credentials = BasicCredentials(BY_KEYS["access_key"], BY_KEYS["secret_key"], PROJECT)
        self._v3, self._v5 = (
            client.new_builder().with_credentials(credentials).with_endpoint(simulator.endpoint).build()
            for client in (v3.DrsClient, v5.DrsClient)
        )

    def stop(self, version: str, jobs: list[str], force: bool) -> dict[str, Any]:
        """Return the entry of each job."""
        if version == "v5":
            infos = [v5.StopJobActionInfo(job_id=job, is_force_stop=force) for job in jobs]
            body = v5.BatchStopJobActionReq(jobs=infos)
            return {
                item.id: item for item in self._v5.batch_stop_jobs_action(v5.BatchStopJobsActionRequest(body=body)).jobs
            }
        kind = "force_terminate" if force else "terminate"
        requests = [v3.DeleteJobReq(job_id=job, delete_type=kind) for job in jobs]
        asked = v3.BatchDeleteJobsRequest(body=v3.BatchDeleteJobReq(jobs=requests))
        return {item.id: item for item in self._v3.batch_delete_jobs(asked).results}

    def details(self, jobs: list[str]) -> list[Any]:
        body = v3.BatchQueryJobReqPage(jobs=jobs, page_req=v3.PageReq(cur_page=1, per_page=len(jobs)))
        return list(self._v3.batch_list_job_details(v3.BatchListJobDetailsRequest(body=body)).results)


Both = Callable[..., tuple[Simulator, Official, Client]]


@pytest.fixture
def both() -> Iterator[Both]:
    """A simulator with the vendor's clients and ours, logged in by access keys; none tries again."""
    with ExitStack() as stack:

        def started(**scenario: Any) -> tuple[Simulator, Official, Client]:
            simulator = stack.enter_context(Simulator(scenario))
            options = {**DEFAULTS, **BY_KEYS, "endpoint": simulator.endpoint, "request_retries": 0}
            return simulator, Official(simulator), stack.enter_context(connect(options, {}))

        yield started


@FORCE
@VERSIONS
def test_both_send_the_same_request(both: Both, version: str, force: bool) -> None:
    withdrawn = ["batch-jobs"] if version == "v5" else []
    simulator, official, client = both(
        jobs=[{"id": job, "stop_answer": "ignored", **LIVE} for job in JOBS], withdrawn=withdrawn
    )
    official.stop(version, list(JOBS), force)
    client.stop(JOBS, force=force)
    theirs, ours = (entry for entry in simulator.requests if entry["status"] != 404)
    assert {theirs["status"], ours["status"]} == {202 if version == "v3" else 200}
    for part in ("method", "path", "body", "operation"):
        assert ours[part] == theirs[part]


@VERSIONS
def test_every_outcome_is_read_alike(both: Both, version: str) -> None:
    _simulator, official, client = both(
        jobs=[{"id": JOBS[0], "busy_times": 2, **LIVE}, {"id": JOBS[1], "stop_answer": "wrong_state", **LIVE}],
        withdrawn=["batch-jobs"] if version == "v5" else [],
    )
    jobs = [*JOBS, STRANGER]
    theirs, ours = official.stop(version, jobs, False), client.stop(jobs)
    for job in jobs:
        assert theirs[job].status.lower() == "failed"
        assert (ours[job].error_code, ours[job].error_message) == (theirs[job].error_code, theirs[job].error_msg)
    assert [ours[job].reply for job in jobs] == [Reply.BUSY, Reply.REFUSED, Reply.REFUSED]
    # No longer busy, by theirs; then ended, by ours.
    assert official.stop(version, [JOBS[0]], False)[JOBS[0]].status.lower() == "success"
    assert client.stop([JOBS[0]])[JOBS[0]].error_code == "DRS.M00304"
    assert [record.status for record in client.statuses(JOBS)] == ["RELEASE_RESOURCE_COMPLETE", LIVE["status"]]


def test_details_are_read_alike(both: Both) -> None:
    readonly = (True, False, None)
    jobs = [*JOBS, STRANGER]
    given = [{"id": job, "target_readonly": value, **LIVE} for job, value in zip(jobs, readonly, strict=True)]
    _simulator, official, client = both(jobs=given)
    theirs, ours = official.details(jobs), client.details(jobs)
    assert [item.is_target_readonly for item in theirs] == [record.target_readonly for record in ours] == list(readonly)
    assert [item.id for item in theirs] == [record.id for record in ours] == jobs
    assert [item.status for item in theirs] == [record.status for record in ours]
