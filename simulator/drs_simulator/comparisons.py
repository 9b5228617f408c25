# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation that shows what the comparisons of a job say: bodies in, answers out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from drs_simulator import checks
from drs_simulator.answers import Answer, Refusal, as_json, drs_error

COMPARE_RESULT = "query-compare-result"
# By type: the field that asks for one, its part of the answer, and what the names in it begin with.
_PARTS = {
    "object_comparison": ("object_level_compare_id", "object_level_compare_results", "object"),
    "lines": ("line_compare_id", "line_compare_results", "line"),
    "contents": ("content_compare_id", "content_compare_results", "content"),
}
_KEYS = frozenset({"id", "type", "status", "create_time", "began", "takes", "results", "uncompared", "raw"})


@dataclass(frozen=True)
class Comparison:
    """One comparison: how long it takes, and the result for each database or object type."""

    id: str
    type: str
    status: str
    create_time: Any
    began: float
    takes: float
    results: Mapping[str, Any]
    uncompared: int
    raw: Mapping[str, Any]


def parse_comparisons(value: Any, where: str) -> tuple[Comparison, ...]:
    """Read the comparisons of one job; ScenarioError names WHERE."""
    comparisons = []
    for number, entry in enumerate(checks.sequence(where, value)):
        place = f"{where}[{number}]"
        given = checks.mapping(place, entry, _KEYS)
        results = given.get("results", {"shop": "CONSISTENT"})
        raw = given.get("raw", {})
        comparisons.append(
            Comparison(
                id=checks.text(f"{place}.id", given.get("id")),
                type=checks.text(f"{place}.type", given.get("type", "lines")),
                status=checks.text(f"{place}.status", given.get("status", "SUCCESSFUL")),
                create_time=given.get("create_time"),
                began=checks.number(f"{place}.began", given.get("began", 0), None),
                takes=checks.number(f"{place}.takes", given.get("takes", 0)),
                results=checks.mapping(f"{place}.results", results, results if isinstance(results, dict) else ()),
                uncompared=checks.whole(f"{place}.uncompared", given.get("uncompared", 0)),
                raw=checks.mapping(f"{place}.raw", raw, raw if isinstance(raw, dict) else ()),
            )
        )
    return tuple(comparisons)


def asked_job(body: Any) -> str:
    """The job of a request, whose numbers are checked as its page says."""
    if not isinstance(body, dict) or not isinstance(body.get("job_id"), str) or not body["job_id"]:
        raise Refusal(_invalid("job_id"))
    for name in ("current_page", "per_page"):
        value = body.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise Refusal(_invalid(name))
    for field, _part, _name in _PARTS.values():
        if not isinstance(body.get(field, ""), str):
            raise Refusal(_invalid(field))
    return str(body["job_id"])


def answer_comparisons(
    body: Mapping[str, Any],
    comparisons: tuple[Comparison, ...],
    largest_page: int,
    began: Callable[[Comparison], float],
    now: float,
) -> Answer:
    """Answer one page. BEGAN gives the time of day (epoch) at which a comparison began, NOW is that of the request."""
    size = min(body["per_page"], largest_page)
    first = (body["current_page"] - 1) * size
    tasks = [_task(each, began(each), now) for each in comparisons]
    answer: dict[str, Any] = {
        "job_id": body["job_id"],
        "compare_task_list_results": {
            "compare_task_list": tasks[first : first + size],
            "compare_task_list_count": len(tasks),
        },
    }
    for kind, (field, part, name) in _PARTS.items():
        asked = next((each for each in comparisons if each.type == kind and each.id == body.get(field)), None)
        if asked:
            answer[part] = {**_overview(asked, name, first, size), **asked.raw}
        elif body.get(field):
            answer[part] = {"error_code": "DRS.M05066", "error_msg": "The comparison task does not exist."}
    return as_json(200, answer)


def _task(comparison: Comparison, began: float, now: float) -> dict[str, Any]:
    running = now < began + comparison.takes
    task = {
        "compare_task_id": comparison.id,
        "compare_type": comparison.type,
        "compare_task_status": "RUNNING" if running else comparison.status,
        "create_time": str(int(began * 1000)) if comparison.create_time is None else comparison.create_time,
    }
    return task if running else {**task, "end_time": str(int((began + comparison.takes) * 1000))}


def _overview(comparison: Comparison, name: str, first: int, size: int) -> dict[str, Any]:
    results = list(comparison.results.items())
    page = results[first : first + size]
    part: dict[str, Any] = {"compare_task_id": comparison.id}
    if name == "object":
        part["object_compare_overview"] = [
            {
                "object_type": object_type,
                "object_compare_result": result,
                "source_count": 6,
                "target_count": 6 if result == "CONSISTENT" else 5,
                "diff_count": 0 if result == "CONSISTENT" else 1,
            }
            for object_type, result in page
        ]
        part["object_compare_details"] = {"TABLE": [{"source_db_name": "shop", "source_db_value": "SIMULATED-TABLE"}]}
        return part
    part[f"{name}_compare_overview"] = [
        {"source_db_name": database, "target_db_name": database, f"{name}_compare_result": result}
        for database, result in page
    ]
    part[f"{name}_compare_overview_count"] = len(results)
    # As the real one has them: what the user's tables hold, which nobody should keep.
    part[f"{name}_compare_details"] = [
        {
            "source_db_name": database,
            f"{name}_compare_detail": [
                {
                    "source_table_name": "SIMULATED-TABLE",
                    f"{name}_compare_result": result,
                    "diff_row_num": 0 if result == "CONSISTENT" else 1,
                }
            ],
            f"{name}_compare_detail_count": 1,
            **({"content_uncompare_detail_count": comparison.uncompared} if name == "content" else {}),
        }
        for database, result in page
    ]
    if name == "content":
        difference = {
            "target_key_value": ["SIMULATED-KEY"],
            "target_select_sql": "select * from shop.t where id = 'SIMULATED-KEY'",
        }
        part["content_compare_diffs"] = [{"content_compare_diff": [difference], "content_compare_diff_count": 1}]
    return part


def _invalid(name: str) -> Answer:
    return drs_error(400, "DRS.M00202", f"The value of {name} is invalid.")
