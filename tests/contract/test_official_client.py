# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The vendor's own client reads from the simulator what this collection's client reads, answer by answer.

Where the two differ the vendor's is at fault, and the test says how: so it is seen when that changes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from huaweicloudsdkcore.exceptions.exceptions import ServiceResponseException

from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError
from ansible_collections.cutover.drs.tests.contract.support import BODIES, OPENAPI, Both
from ansible_collections.cutover.drs.tests.unit.service.support import JOBS

DOCUMENTED = json.loads((BODIES / "errors-documented.json").read_text(encoding="utf-8"))
STATUSES = OPENAPI["components"]["schemas"]["Status"]["enum"]
IDS = [f"{number:08d}-0000-4000-8000-00000000jb21" for number in range(len(STATUSES))]


PAIR = [{"id": job, "status": "INCRE_TRANSFER_STARTED"} for job in JOBS]


def test_every_status_is_read_alike(both: Both) -> None:
    jobs = [{"id": job, "status": status} for job, status in zip(IDS, STATUSES, strict=True)]
    _simulator, official, client = both(jobs=jobs)
    statuses, progress = client.both(IDS)
    theirs = official.statuses(IDS, per_page=0)
    assert [item.status for item in theirs.results] == STATUSES == [record.status for record in statuses]
    assert theirs.count == len(STATUSES)
    assert [item.transfer_status for item in official.progress(IDS).results] == [record.status for record in progress]


def test_every_field_is_read_alike(both: Both) -> None:
    full = {"status": "FULL_TRANSFER_STARTED", "progress": 63, "remaining": 90, "struct": 100, "data": 63}
    failed = {"status": "INCRE_TRANSFER_FAILED", "error_code": "DRS.M9", "error_msg": "Lost."}
    jobs = [{"id": job, "process_time": 1702525600000, **life} for job, life in zip(JOBS, (full, failed), strict=True)]
    _simulator, official, client = both(jobs=jobs, huawei=True)
    statuses, progress = client.statuses(JOBS), client.progress(JOBS)
    for theirs, ours in zip(official.progress(list(JOBS)).results, progress, strict=True):
        assert ours.raw is not None
        read = theirs.to_dict()
        parts = read.pop("progress_map")
        assert {name: value for name, value in read.items() if value is not None} == {
            name: value for name, value in ours.raw.items() if name != "progress_map"
        }
        for name, part in (parts or {}).items():
            assert f"{(ours.parts or {})[name]['progress']}%" == part["completed"]
    for item, record in zip(official.statuses(list(JOBS)).results, statuses, strict=True):
        assert (item.id, item.status, item.error_code) == (record.id, record.status, record.error_code)
        assert item.error_message == record.error_message


@pytest.mark.parametrize("status", [200, 202])
def test_both_success_codes_carry_the_whole_answer(both: Both, status: int) -> None:
    _simulator, official, client = both(jobs=PAIR, status_status=status, progress_status=status)
    assert [len(ask(list(JOBS)).results) for ask in (official.statuses, official.progress)] == [2, 2]
    assert all(record.found for records in client.both(JOBS) for record in records)


def test_pages_are_as_both_clients_expect_them(both: Both) -> None:
    jobs = [{"id": job, "status": "CONFIGURATION"} for job in IDS[:12]]
    _simulator, official, client = both(jobs=jobs)
    assert [item.id for item in official.statuses(IDS[:12]).results] == IDS[:5]
    assert [item.id for item in official.statuses(IDS[:12], cur_page=3).results] == IDS[10:12]
    assert [item.id for item in official.statuses(IDS[:12], per_page=7, cur_page=2).results] == IDS[7:12]
    assert [record.id for record in client.statuses(IDS[:12]) if record.found] == IDS[:12]


def attempt(read: Callable[[], Any]) -> tuple[Any, DrsError | None]:
    """Return what a reading gave, or the error in which it ended."""
    try:
        return read(), None
    except DrsError as error:
        return None, error


@pytest.mark.parametrize("operation", ["batch-status", "batch-progress"])
@pytest.mark.parametrize("number", range(len(DOCUMENTED["bodies"])))
def test_every_documented_error_is_read_alike(both: Both, operation: str, number: int) -> None:
    simulator, official, client = both(
        jobs=PAIR, faults=[{"kind": "status", "documented": number, "operation": operation}]
    )
    documented = DOCUMENTED["bodies"][number]
    name, job = operation.replace("batch-", "").replace("status", "statuses"), JOBS[0]
    ask = getattr(official, name)
    records, error = attempt(lambda: getattr(client, name)([job]))
    if (operation, documented["http_status"]) == ("batch-status", 404):
        # Withdrawn: the list takes its place, and the vendor's client has no such thing.
        assert [record.status for record in records] == ["INCRE_TRANSFER_STARTED"]
        assert client.warnings
        return
    if documented["http_status"] == 200:
        # A page or nothing: the vendor's client makes no results of it, and no error.
        assert ask([job]).results is None
        assert error
        assert error.kind.value == "protocol"
        return
    with pytest.raises(ServiceResponseException) as refused:
        ask([job])
    theirs = refused.value
    assert theirs.status_code == documented["http_status"]
    assert [entry["request_id"] for entry in simulator.requests][-1] == theirs.request_id
    if error:
        assert error.http_status == theirs.status_code
        # If there is no code the vendor's client takes the status for one, and the whole body for the text.
        assert (error.error_code or str(error.http_status)) == str(theirs.error_code)
        assert error.error_message is None or error.error_message in theirs.error_msg
        assert error.request_id == simulator.requests[0]["request_id"]
    else:
        # An error about the job, not about the request.
        assert [record.found for record in records] == [False]
        assert records[0].error_code == documented["body"].get("error_code", records[0].error_code)
    assert {entry["operation"] for entry in simulator.requests} == {operation}


@pytest.mark.parametrize("answer", ["left_out", "refused", "item_error", "refused_without_list"])
def test_a_job_that_is_gone(both: Both, answer: str) -> None:
    """Every way to say so is heard by both; ours still has the state of the other job."""
    gone = {"id": JOBS[0], "answer": answer}
    _simulator, official, client = both(jobs=[gone, {"id": JOBS[1], "status": "CONFIGURATION"}])
    assert [record.found for record in client.statuses(JOBS)] == [False, True]
    assert [record.found for record in client.progress(JOBS)] == [False, True]
    if answer.startswith("refused"):
        with pytest.raises(ServiceResponseException) as refused:
            official.statuses(list(JOBS))
        assert refused.value.status_code == 400
    else:
        assert [item.status for item in official.statuses(list(JOBS)).results if item.status] == ["CONFIGURATION"]


def test_the_array_of_the_page_is_read_by_ours_alone(both: Both) -> None:
    jobs = [{"id": JOBS[0], "status": "FULL_TRANSFER_STARTED", "struct": 100, "data": 63}]
    _simulator, official, client = both(jobs=jobs, progress_map="array")
    [record] = client.progress(JOBS[:1])
    assert {name: part["progress"] for name, part in (record.parts or {}).items()} == {"0": 100, "1": 63}
    with pytest.raises(Exception, match=r"has no attribute|must be|object"):
        official.progress([JOBS[0]])


CHILD = "cccccccc-0000-4000-8000-00000000jb21"


FAMILY = [
    {"id": JOBS[0], "name": "orders", "status": "INCRE_TRANSFER_STARTED", "children": [CHILD]},
    {"id": JOBS[1], "name": "orders-2", "status": "CONFIGURATION", "mode": "FULL_TRANS", "engine": "postgresql"},
    {"id": CHILD, "name": "added", "status": "CHILD_TRANSFER_STARTED"},
]


def test_both_lists_are_read_alike(both: Both) -> None:
    """The vendor's classes of both versions, and ours by either."""
    for withdrawn in ([], ["list-v3"]):
        _simulator, official, client = both(jobs=FAMILY, withdrawn=withdrawn)
        ours = client.list_jobs(types=["migration"])
        answer = official.listed_by_v5(limit=100) if withdrawn else official.listed_by_v3(per_page=100, cur_page=1)
        assert (answer.total_count if withdrawn else answer.total_record) == len(ours) == 2
        for item, job in zip(answer.jobs, ours, strict=True):
            assert (item.id, item.name, item.status, item.engine_type, item.task_type, item.create_time) == (
                *(job.id, job.name, job.status),
                *(job.engine, job.task_mode, job.created_at),
            )
            children = [(child.id, child.name, child.status) for child in item.children or []]
            assert children == [(child.id, child.name, child.status) for child in job.children]
        assert [job.id for job in ours[0].children] == [CHILD]


def test_pages_and_filters_of_the_lists_are_as_both_clients_expect_them(both: Both) -> None:
    jobs = [{"id": job, "name": f"job {number}", "status": "CONFIGURATION"} for number, job in enumerate(IDS[:12])]
    _simulator, official, client = both(jobs=jobs)
    assert [item.id for item in official.listed_by_v3(per_page=5, cur_page=3).jobs] == IDS[10:12]
    assert [item.id for item in official.listed_by_v5(limit=5, offset=10).jobs] == IDS[10:12]
    ids = ",".join(IDS[1:4])
    assert [item.id for item in official.listed_by_v3(name=ids).jobs] == IDS[1:4]
    assert [item.id for item in official.listed_by_v5(name=ids).jobs] == IDS[1:4]
    assert [job.id for job in client.list_jobs(ids=IDS[1:4])] == IDS[1:4]
    # A part of a name is enough for the service, and not for us.
    assert len(official.listed_by_v3(name="job 1").jobs) == 3
    assert [job.id for job in client.list_jobs(names=["job 1"])] == [IDS[1]]


def test_an_engine_that_is_left_out_is_mysql(both: Both) -> None:
    _simulator, official, client = both(jobs=FAMILY)
    assert [item.id for item in official.listed_by_v3(engine_type=None).jobs] == [JOBS[0]]
    assert len(client.list_jobs()) == 2
