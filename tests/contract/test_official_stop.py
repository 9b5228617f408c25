# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The vendor's own client and this collection's stop jobs at the simulator, and read their details, alike."""

from __future__ import annotations

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.stop_request import Reply
from ansible_collections.cutover.drs.tests.contract.support import Both
from ansible_collections.cutover.drs.tests.unit.service.support import JOBS

LIVE = {"status": "INCRE_TRANSFER_STARTED"}
STRANGER = "00000000-0000-4000-8000-00000000jb99"
VERSIONS = pytest.mark.parametrize("version", ["v3", "v5"])
FORCE = pytest.mark.parametrize("force", [False, True])


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
