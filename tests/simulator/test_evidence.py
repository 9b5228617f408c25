# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a delay of 0 does not say: engines, positions that move, and comparisons with their pages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from calls import JOB, HandClock, Start, call, progress_of

from drs_simulator import ScenarioError, Simulator

BODIES = Path(__file__).resolve().parents[2] / "simulator" / "bodies"
LIVE = {"id": JOB, "status": "INCRE_TRANSFER_STARTED"}


def position(simulator: Simulator) -> Any:
    return progress_of(simulator).json()["results"][0].get("src_offset")


def test_a_position_stands_still_or_grows_at_its_rate(start: Start, clock: HandClock) -> None:
    simulator = start({"jobs": [{**LIVE, "position": "mysql-bin.000012:500", "position_rate": 10}]})
    assert position(simulator) == "mysql-bin.000012:500"
    clock.seconds += 6
    assert position(simulator) == "mysql-bin.000012:560"
    simulator.set_job(JOB, position_rate=None)
    clock.seconds += 6
    assert position(simulator) == "mysql-bin.000012:500"
    assert position(start({"jobs": [LIVE]})) is None


def test_details_tell_the_engines_and_what_happens_to_rows_that_conflict(start: Start) -> None:
    simulator = start({"jobs": [{**LIVE, "type": "sync", "source_engine": "postgresql", "conflict_policy": "ignore"}]})
    [item] = call(simulator, "batch-detail", {"jobs": [JOB]}).json()["results"]
    derived = json.loads((BODIES / "detail-v3-postgresql-derived.json").read_text("utf-8"))["results"][0]
    assert item["source_endpoint"]["db_type"] == derived["source_endpoint"]["db_type"] == "postgresql"
    assert (item["target_endpoint"]["db_type"], item["conflict_policy"]) == ("mysql", "ignore")
    assert item["db_use_type"] == derived["db_use_type"]


def compare(simulator: Simulator, page: int = 1, size: int = 10, **ids: str) -> Any:
    answered = call(simulator, "query-compare-result", {"job_id": JOB, "current_page": page, "per_page": size, **ids})
    return answered.json()


def test_comparisons_come_in_pages_and_finish_after_their_time(start: Start, clock: HandClock) -> None:
    comparisons = [{"id": f"c{number}", "takes": 5} for number in range(3)]
    simulator = start({"jobs": [{**LIVE, "comparisons": comparisons, "compare_page": 2}]})
    first = compare(simulator)["compare_task_list_results"]
    assert [task["compare_task_id"] for task in first["compare_task_list"]] == ["c0", "c1"]
    assert (first["compare_task_list_count"], first["compare_task_list"][0]["compare_task_status"]) == (3, "RUNNING")
    clock.seconds += 5
    [last] = compare(simulator, page=2, size=2)["compare_task_list_results"]["compare_task_list"]
    assert (last["compare_task_id"], last["compare_task_status"]) == ("c2", "SUCCESSFUL")
    assert int(last["end_time"]) - int(last["create_time"]) == 5000


def test_an_answer_has_the_keys_of_the_published_one(start: Start) -> None:
    published = json.loads((BODIES / "compare-result-v3-documented.json").read_text("utf-8"))
    kinds = {"lines": "line", "contents": "content", "object_comparison": "object_level"}
    comparisons = [{"id": kind, "type": kind} for kind in kinds]
    ids = {f"{part}_compare_id": kind for kind, part in kinds.items()}
    answered = compare(start({"jobs": [{**LIVE, "comparisons": comparisons}]}), **ids)
    assert answered.keys() == published.keys()
    for part in kinds.values():
        ours, theirs = (body[f"{part}_compare_results"] for body in (answered, published))
        assert ours.keys() == theirs.keys()
        overview = "object_compare_overview" if part == "object_level" else f"{part}_compare_overview"
        assert ours[overview][0].keys() == theirs[overview][0].keys()


@pytest.mark.parametrize(
    "change", [{"job_id": ""}, {"job_id": None}, {"current_page": 0}, {"per_page": "2"}, {"line_compare_id": 7}]
)
def test_a_request_that_makes_no_sense_is_refused(start: Start, change: dict[str, Any]) -> None:
    simulator = start({"jobs": [LIVE]})
    body = {"job_id": JOB, "current_page": 1, "per_page": 10, **change}
    assert call(simulator, "query-compare-result", body).status_code == 400


def test_a_job_or_a_comparison_that_is_not_there_is_refused(start: Start) -> None:
    simulator = start({"jobs": [LIVE]})
    assert compare(simulator, line_compare_id="x")["line_compare_results"]["error_code"] == "DRS.M05066"
    body = {"job_id": "another", "current_page": 1, "per_page": 10}
    assert call(simulator, "query-compare-result", body).json()["error_code"] == "DRS.M00289"


def test_a_comparison_with_an_unknown_key_is_an_error(start: Start) -> None:
    with pytest.raises(ScenarioError, match="unknown key 'result'"):
        start({"jobs": [{**LIVE, "comparisons": [{"id": "c", "result": "CONSISTENT"}]}]})
