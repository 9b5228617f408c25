# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the pages say and a schema cannot: runs inside of schemathesis, in its own environment.

The environment variable UNKNOWN_JOBS says how the server is set to answer for a job that it does not have: nearly
all the ids that schemathesis makes up are such.
"""

from __future__ import annotations

import os
from typing import Any

import schemathesis

UNKNOWN_JOBS = os.environ["UNKNOWN_JOBS"]
PROJECT = "054ba152d480d55b2f5dc0069e7ddef0"


@schemathesis.hook
def filter_case(_context: Any, case: Any) -> bool:
    """No page says what happens to a language that it does not list, or to a page_req that is null."""
    known = (case.headers or {}).get("X-Language", "en-us") in ("en-us", "zh-cn")
    return known and not (isinstance(case.body, dict) and case.body.get("page_req", {}) is None)


@schemathesis.hook
def map_path_parameters(_context: Any, path_parameters: dict[str, Any]) -> dict[str, Any]:
    """Return a project that looks like one is the caller's: otherwise most of the answers were 403."""
    project = str(path_parameters.get("project_id"))
    looks_real = len(project) == 32 and set(project) <= set("0123456789abcdef")
    return {**path_parameters, "project_id": PROJECT} if looks_real else path_parameters


@schemathesis.check
def answers_what_was_asked(_context: Any, response: Any, case: Any) -> None:
    """The jobs of the page that was asked for and no others, in order, counted; or a reason not to."""
    asked = case.body.get("jobs") if isinstance(case.body, dict) else None
    if case.path.endswith("/jobs"):
        answers_a_page(response, case)
        return
    if any(name in case.path for name in ("batch-jobs", "batch-stop")):
        answers_each_stop(response, asked)
        return
    if not well_formed(asked):
        return
    paged = any(name in case.path for name in ("batch-status", "batch-detail"))
    page = page_of(asked, case.body.get("page_req", {})) if paged else asked
    sent_as = response.request.headers.get("Content-Type", "")
    if response.status_code == 400 and sent_as.startswith("application/json"):
        assert refused_for_a_reason(response.json(), asked, page), "refused for no reason of the pages"
    if response.status_code in (200, 202):
        answer = response.json()
        assert page is not None, "a page that is none was answered"
        answered = [item.get("id") or item["job_id"] for item in answer["results"]]
        assert answer["count"] == len(answered), "count is not the number of the items"
        assert [job for job in page if job in answered] == answered, "not the jobs of this page, or in another order"
        if UNKNOWN_JOBS == "item_error":
            assert answered == page, "jobs of this page are missing"


def answers_a_page(response: Any, case: Any) -> None:
    """Not more jobs than a page holds or than there are, each of the type asked for."""
    if response.status_code != 200:
        return
    answer = response.json()
    given = case.body if isinstance(case.body, dict) else (case.query or {})
    total = answer.get("total_record", answer.get("total_count"))
    size = given.get("per_page", given.get("limit", 10))
    assert len(answer["jobs"]) <= total, "more jobs than there are"
    assert not str(size).isdigit() or int(size) == 0 or len(answer["jobs"]) <= int(size), "more jobs than a page holds"
    wanted = given.get("db_use_type", given.get("job_type"))
    assert all(wanted in (None, job.get("db_use_type", job.get("job_type"))) for job in answer["jobs"]), "another type"


def answers_each_stop(response: Any, asked: Any) -> None:
    """An outcome for each job and for no other, and a code with each that failed."""
    if response.status_code not in (200, 202):
        return
    answer = response.json()
    items = answer.get("results", answer.get("jobs"))
    assert [item["id"] for item in items] == [entry["job_id"] for entry in asked], "not the jobs of the request"
    assert all(("error_code" in item) is (item["status"].lower() == "failed") for item in items), (
        "a failure without a code"
    )


def well_formed(asked: Any) -> bool:
    return (
        isinstance(asked, list)
        and bool(asked)
        and all(isinstance(job, str) and job for job in asked)
        and len(set(asked)) == len(asked)
    )


def page_of(asked: list[str], page_req: Any) -> list[str] | None:
    """Return the jobs of a page, by the text of the documentation page; None if there is no such page."""
    if not isinstance(page_req, dict):
        return None
    number, size = page_req.get("cur_page", 1), page_req.get("per_page", 5)
    if not all(isinstance(value, int) and not isinstance(value, bool) for value in (number, size)):
        return None
    if size == 0:
        return asked if number in (0, 1) else None
    pages = [asked[start : start + size] for start in range(0, len(asked), size)] if 0 < size <= 100 else []
    return pages[number - 1] if 1 <= number <= len(pages) else None


def refused_for_a_reason(answer: dict[str, Any], asked: list[str], page: list[str] | None) -> bool:
    code = answer.get("error_code")
    if UNKNOWN_JOBS == "refused" and "results" in answer:
        return all(item["id"] in asked for item in answer["results"])
    if UNKNOWN_JOBS == "refused_without_list" and code == "DRS.M05004":
        return True
    return page is None and code == "DRS.M00202"
