# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two operations that list jobs (v3 and v5): checked requests in, pages out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs

from drs_simulator.answers import Answer, Refusal, as_json, drs_error
from drs_simulator.faults import Fault
from drs_simulator.jobs import BATCH_STATUS, TYPES, Job

LIST_V3, LIST_V5 = "list-v3", "list-v5"
TOTAL = {LIST_V3: "total_record", LIST_V5: "total_count"}
_MOST_IDS = {LIST_V3: 100, LIST_V5: 10}
_PER_PAGE_DEFAULT, _PER_PAGE_MOST = 10, 100
# The page says so, and a client that does not know it misses every other engine.
_ENGINE_DEFAULT = "mysql"


@dataclass(frozen=True)
class Asked:
    """What a request asks for: the jobs of a type from a place on, filtered."""

    type: str | None
    engine: str
    name: str
    status: str
    first: int
    most: int | None


def asked_v3(body: Any) -> Asked:
    """Read the body of the v3 operation, by the rules of its page."""
    if not isinstance(body, dict):
        raise Refusal(_invalid("body"))
    if body.get("db_use_type") not in TYPES:
        raise Refusal(_invalid("db_use_type"))
    page, size = body.get("cur_page", 1), body.get("per_page", _PER_PAGE_DEFAULT)
    if not _whole(page) or page < 1:
        raise Refusal(drs_error(400, "DRS.M00210", "The value of cur_page is invalid."))
    if not _whole(size) or not 0 <= size <= _PER_PAGE_MOST:
        raise Refusal(drs_error(400, "DRS.M00211", "The value of per_page is invalid."))
    for key in ("engine_type", "name", "net_type", "status"):
        if not isinstance(body.get(key, ""), str):
            raise Refusal(_invalid(key))
    return Asked(
        body["db_use_type"],
        body.get("engine_type", _ENGINE_DEFAULT),
        body.get("name", ""),
        body.get("status", ""),
        (page - 1) * size,
        size or None,
    )


def asked_v5(query: str) -> Asked:
    """Read the query of the v5 operation."""
    given = {name: values[-1] for name, values in parse_qs(query).items()}
    job_type = given.get("job_type")
    if job_type is not None and job_type not in TYPES:
        raise Refusal(_invalid("job_type"))
    numbers = {}
    for key, default in (("offset", 0), ("limit", _PER_PAGE_DEFAULT)):
        value = given.get(key, str(default))
        if not (value.isascii() and value.isdigit()) or len(value) > 9:
            raise Refusal(_invalid(key))
        numbers[key] = int(value)
    if not 1 <= numbers["limit"] <= _PER_PAGE_MOST:
        raise Refusal(_invalid("limit"))
    engine, name, status = (given.get(key, "") for key in ("engine_type", "name", "status"))
    return Asked(job_type, engine, name, status, numbers["offset"], numbers["limit"])


def answer_list(
    operation: str, asked: Asked, jobs: Mapping[str, Job], age: Callable[[str], float], ids_filter: bool
) -> Answer:
    """Answer one page. AGE gives the simulated seconds since a job's beginning; IDS_FILTER whether ids filter too."""
    given = asked.name.split(",") if ids_filter else []
    if len(given) > _MOST_IDS[operation]:
        raise Refusal(_invalid("name"))
    ids = set(given)
    children = {child for job in jobs.values() for child in job.children if isinstance(child, str)}
    # What all jobs are now is worked out last: of 10,000 jobs a filter by id finds a hundred.
    candidates = [
        job
        for job in jobs.values()
        if (asked.name in job.name or job.id in ids)
        and job.listed
        and job.id not in children
        and asked.type in (None, job.type)
        and asked.engine in ("", job.engine)
    ]
    shown = {job.id: job for job in candidates} | {child: jobs[child] for child in children if child in jobs}
    now = {job_id: job.at(age(job_id)) for job_id, job in shown.items()}
    chosen = [
        job
        for job in candidates
        if job.answer_to(BATCH_STATUS, now[job.id]) == "found"
        and now[job.id]["status"] != "DELETED"
        and asked.status in ("", now[job.id]["status"])
    ]
    page = chosen[asked.first :][: asked.most]
    entries = [_entry(operation, job, jobs, now) for job in page]
    return as_json(200, {TOTAL[operation]: len(chosen), "jobs": entries})


def _entry(operation: str, job: Job, jobs: Mapping[str, Job], now: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    entry = _common(operation, job, now[job.id])
    if job.children:
        entry["children"] = [_child(operation, child, jobs, now) for child in job.children]
    if operation == LIST_V5:
        entry["job_mode_role"] = "parent" if job.children else "master"
    return {key: value for key, value in {**entry, **job.raw_list}.items() if key not in job.omit}


def _child(
    operation: str, child: str | Mapping[str, Any], jobs: Mapping[str, Job], now: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    if not isinstance(child, str):
        return dict(child)
    if child not in jobs:
        return {"id": child, "name": f"DRS-{child[:8]}", "status": "CHILD_TRANSFER_STARTED"}
    entry = {**_common(operation, jobs[child], now[child]), **jobs[child].raw_list}
    return {key: value for key, value in entry.items() if key not in jobs[child].omit}


def _common(operation: str, job: Job, now: Mapping[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": job.id,
        "name": job.name,
        "status": now["status"],
        "description": "",
        "create_time": job.created_at,
        "engine_type": job.engine,
        "net_type": "eip",
        "billing_tag": False,
        "job_direction": "up",
        "db_use_type" if operation == LIST_V3 else "job_type": job.type,
        "task_type": job.mode,
        "job_action": {"available_actions": [], "unavailable_actions": []},
    }
    if now["error_msg"] is not None:
        entry["error_msg"] = now["error_msg"]
    return entry


def spoil_list(fault: Fault, answer: Answer) -> Answer:
    """A page with another total, or with each job twice."""
    body = json.loads(answer.body)
    total = next((name for name in TOTAL.values() if name in body), None)
    if total is None:
        return answer
    if fault.kind == "listed_twice":
        body["jobs"] = [job for job in body["jobs"] for _time in range(2)]
        body[total] *= 2
    else:
        body[total] = body[total] + 7 if fault.total is None else fault.total
    return replace(answer, body=json.dumps(body).encode())


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _invalid(name: str) -> Answer:
    return drs_error(400, "DRS.M00202", f"The value of {name} is invalid.")
