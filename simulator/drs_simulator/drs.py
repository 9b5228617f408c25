# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two operations: a checked request body in, an answer out. Pure; time and login are others' affair."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from drs_simulator.answers import Answer, Refusal, as_json, drs_error
from drs_simulator.jobs import BATCH_STATUS, NO_SUCH_JOB, Job, error_item, progress_item, status_item
from drs_simulator.scenario import Scenario
from drs_simulator.stops import BATCH_DETAIL, BUSY, asked_stops, detail_item, refusal, stop_answer

PER_PAGE_DEFAULT, PER_PAGE_MAXIMUM = 5, 100


def answer(
    operation: str, body: Any, scenario: Scenario, jobs: Mapping[str, Job], age: Callable[[str], float], epoch_ms: int
) -> Answer:
    """Answer one call. AGE gives the simulated seconds since a job's beginning."""
    asked = _asked_jobs(body, scenario.max_jobs)
    paged = operation in (BATCH_STATUS, BATCH_DETAIL)
    page = _page(body.get("page_req"), asked) if paged else asked
    seen = {job_id: jobs[job_id].at(age(job_id)) for job_id in asked if job_id in jobs}
    ways = {
        job_id: jobs[job_id].answer_to(operation, seen[job_id]) if job_id in seen else scenario.unknown_jobs
        for job_id in asked
    }
    _refuse_whole_call(ways)
    items: list[dict[str, Any]] = []
    for job_id in page:
        if ways[job_id] == "item_error":
            items.append(error_item(operation, job_id))
        elif ways[job_id] == "found" and operation == BATCH_STATUS:
            items.append(status_item(jobs[job_id], seen[job_id]))
        elif ways[job_id] == "found" and operation == BATCH_DETAIL:
            items.append(detail_item(jobs[job_id], seen[job_id]))
        elif ways[job_id] == "found":
            items.append(progress_item(jobs[job_id], seen[job_id], scenario.dialect, epoch_ms))
    if scenario.shuffle:
        _other_order(items)
    if paged:
        return as_json(scenario.status_status, {"results": items, "count": len(items)})
    return as_json(scenario.progress_status, {"count": len(items), "results": items})


def answer_stop(
    operation: str,
    body: Any,
    scenario: Scenario,
    jobs: Mapping[str, Job],
    age: Callable[[str], float],
    stop: Callable[[str], bool],
) -> Answer:
    """Answer a stop. STOP stops a job unless it is busy with something else, and says whether it did."""
    asked = asked_stops(operation, body, _invalid)
    if scenario.max_jobs is not None and len(asked) > scenario.max_jobs:
        raise Refusal(_invalid("jobs"))
    outcomes: dict[str, tuple[str, str] | None] = {}
    for job_id in asked:
        job = jobs.get(job_id)
        now = job.at(age(job_id)) if job else None
        known = job is not None and now is not None and job.answer_to(BATCH_STATUS, now) == "found"
        refused = refusal(job if known else None, now["status"] if now else None)
        outcomes[job_id] = refused or (None if stop(job_id) else BUSY)
    return stop_answer(operation, outcomes)


def _asked_jobs(body: Any, max_jobs: int | None) -> list[str]:
    asked = body.get("jobs") if isinstance(body, dict) else None
    if not isinstance(asked, list) or not asked or not all(isinstance(job_id, str) and job_id for job_id in asked):
        raise Refusal(_invalid("jobs"))
    if max_jobs is not None and len(asked) > max_jobs:
        raise Refusal(_invalid("jobs"))
    if len(set(asked)) != len(asked):
        raise Refusal(drs_error(400, "DRS.M00301", "There are duplicate job ids in request."))
    return asked


def _whole(value: object) -> bool:
    """Whether JSON holds a whole number; to Python, true is one too."""
    return isinstance(value, int) and not isinstance(value, bool)


def _page(page_req: Any, asked: list[str]) -> list[str]:
    """The asked ids of one page. The number of pages counts the ids sent, whether known or not."""
    if page_req is None:
        page_req = {}
    if not isinstance(page_req, dict):
        raise Refusal(_invalid("page_req"))
    cur_page, per_page = page_req.get("cur_page", 1), page_req.get("per_page", PER_PAGE_DEFAULT)
    if not _whole(per_page) or not 0 <= per_page <= PER_PAGE_MAXIMUM:
        raise Refusal(_invalid("per_page"))
    if not _whole(cur_page):
        raise Refusal(_invalid("cur_page"))
    if per_page == 0:
        if cur_page not in (0, 1):
            raise Refusal(_invalid("cur_page"))
        return asked
    pages = -(-len(asked) // per_page)
    if not 1 <= cur_page <= pages:
        raise Refusal(_invalid("cur_page"))
    return asked[(cur_page - 1) * per_page : cur_page * per_page]


def _refuse_whole_call(ways: Mapping[str, str]) -> None:
    """One job can spoil the call for all the others."""
    if "refused_without_list" in ways.values():
        raise Refusal(drs_error(400, "DRS.M05004", "The task has been deleted or released."))
    code, message = NO_SUCH_JOB
    refused = [
        {"id": job_id, "error_code": code, "error_msg": message} for job_id, way in ways.items() if way == "refused"
    ]
    if refused:
        raise Refusal(as_json(400, {"count": len(refused), "results": refused}))


def _other_order(items: list[dict[str, Any]]) -> None:
    """Shuffle so that the order is certain to differ from the one asked for."""
    asked = list(items)
    random.shuffle(items)
    if items == asked:
        items.reverse()


def _invalid(name: str) -> Answer:
    return drs_error(400, "DRS.M00202", f"The value of {name} is invalid.")
