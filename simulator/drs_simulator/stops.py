# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operations that stop jobs (v3 and v5) and the one that shows their details: bodies in, answers out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from drs_simulator.answers import Answer, Refusal, as_json, drs_error
from drs_simulator.jobs import NO_SUCH_JOB, Job

BATCH_JOBS, BATCH_STOP, BATCH_DETAIL = "batch-jobs", "batch-stop", "batch-detail"
BUSY = ("DRS.M01504", "Another operation is being performed on the migration task. Try again later.")
WRONG_STATE = ("DRS.M00304", "API cannot be invoked by a task in the current state.")
DELETE_TYPES = ("terminate", "force_terminate", "delete")

_ENDING = ("RELEASE_RESOURCE_STARTED", "RELEASE_RESOURCE_COMPLETE", "RELEASE_RESOURCE_FAILED", "DELETED")

Refused = tuple[str, str]


def asked_stops(operation: str, body: Any, invalid: Callable[[str], Answer]) -> dict[str, bool]:
    """The jobs of a stop and whether each is to be forced. A `delete` is refused: nobody may send one here."""
    entries = body.get("jobs") if isinstance(body, dict) else None
    if not isinstance(entries, list) or not entries:
        raise Refusal(invalid("jobs"))
    asked: dict[str, bool] = {}
    for entry in entries:
        job_id = entry.get("job_id") if isinstance(entry, dict) else None
        if not isinstance(job_id, str) or not job_id:
            raise Refusal(invalid("job_id"))
        if job_id in asked:
            raise Refusal(drs_error(400, "DRS.M00301", "There are duplicate job ids in request."))
        if operation == BATCH_JOBS:
            if entry.get("delete_type") not in DELETE_TYPES[:2]:
                raise Refusal(invalid("delete_type"))
            asked[job_id] = entry["delete_type"] == "force_terminate"
        else:
            if not isinstance(entry.get("is_force_stop", False), bool):
                raise Refusal(invalid("is_force_stop"))
            asked[job_id] = entry.get("is_force_stop", False)
    return asked


def refusal(job: Job | None, status: str | None) -> Refused | None:
    """Why a job cannot be stopped in its state, or None."""
    if job is None or status is None:
        return NO_SUCH_JOB
    if status in _ENDING or job.stop_answer == "wrong_state":
        return WRONG_STATE
    return None


def stop_answer(operation: str, outcomes: Mapping[str, Refused | None]) -> Answer:
    """One entry per job, in the words of either version."""
    good, bad = ("success", "failed") if operation == BATCH_JOBS else ("Success", "Failed")
    items = []
    for job_id, refused in outcomes.items():
        item = {"id": job_id, "status": bad if refused else good}
        if refused:
            item.update(error_code=refused[0], error_msg=refused[1])
        items.append(item)
    if operation == BATCH_JOBS:
        return as_json(202, {"count": len(items), "results": items})
    return as_json(200, {"jobs": items})


def detail_item(job: Job, now: Mapping[str, Any]) -> dict[str, Any]:
    """The item of batch-detail: with addresses and names that nobody should keep."""
    endpoint = {"db_port": 3306, "db_user": "SIMULATED-USER", "ip": "192.0.2.56"}
    item: dict[str, Any] = {
        "id": job.id,
        "name": job.name,
        "status": now["status"],
        "task_type": job.mode,
        "db_use_type": job.type,
        "job_direction": "up",
        "inst_info": {"engine_type": job.engine, "ip": "192.0.2.101"},
        "source_endpoint": {**endpoint, "db_type": job.source_engine},
        "target_endpoint": {**endpoint, "db_type": job.target_engine, "ip": "192.0.2.219"},
    }
    if job.conflict_policy is not None:
        item["conflict_policy"] = job.conflict_policy
    if job.target_readonly is not None:
        item["is_target_readonly"] = job.target_readonly
    return item
