# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two operations answer as their pages say, and as the published examples show."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests
from calls import JOB, OTHER_JOB, PROJECT, Start, call, progress_of, status_of

ROOT = Path(__file__).resolve().parents[2] / "simulator"
FIVE_PLUS = [f"{number:08d}-0000-4000-8000-00000000jb21" for number in range(12)]


def known(*job_ids: str) -> dict[str, object]:
    return {"jobs": [{"id": job_id, "status": "CONFIGURATION"} for job_id in job_ids]}


@pytest.mark.parametrize("example", sorted((ROOT / "bodies").glob("batch-*.json")), ids=lambda path: path.stem)
def test_a_published_example_comes_back_byte_for_value(start: Start, example: Path) -> None:
    published = json.loads(example.read_text())
    operation = "batch-status" if "status" in example.name else "batch-progress"
    answered = call(start(ROOT / "scenarios/published.yml"), operation, published["request"])
    assert answered.status_code == published["http_status"]
    assert answered.json() == published["response"]
    # Also in the published order of keys.
    assert json.dumps(answered.json()) == json.dumps(published["response"])


def test_without_page_req_five_items_come_and_the_rest_is_silently_left_out(start: Start) -> None:
    body = call(start(known(*FIVE_PLUS)), "batch-status", {"jobs": FIVE_PLUS}).json()
    assert body["count"] == 5
    assert [item["id"] for item in body["results"]] == FIVE_PLUS[:5]


def test_the_other_spelling_of_page_req_is_not_read(start: Start) -> None:
    body = call(start(known(*FIVE_PLUS)), "batch-status", {"jobs": FIVE_PLUS, "pageReq": {"per_page": 0}}).json()
    assert body["count"] == 5


@pytest.mark.parametrize(
    ("page_req", "expected"),
    [
        ({}, FIVE_PLUS[:5]),
        ({"cur_page": 3}, FIVE_PLUS[10:]),
        ({"per_page": 0}, FIVE_PLUS),
        ({"cur_page": 0, "per_page": 0}, FIVE_PLUS),
        ({"cur_page": 1, "per_page": 100}, FIVE_PLUS),
        ({"cur_page": 2, "per_page": 7}, FIVE_PLUS[7:]),
    ],
)
def test_a_page(start: Start, page_req: dict[str, int], expected: list[str]) -> None:
    body = call(start(known(*FIVE_PLUS)), "batch-status", {"jobs": FIVE_PLUS, "page_req": page_req}).json()
    assert [item["id"] for item in body["results"]] == expected
    assert body["count"] == len(expected)


@pytest.mark.parametrize(
    "page_req",
    [
        {"cur_page": 0},
        {"cur_page": 4},
        {"cur_page": 2, "per_page": 0},
        {"cur_page": 2, "per_page": 100},
        {"per_page": -1},
        {"per_page": 101},
        {"per_page": "10"},
        {"per_page": True},
        {"cur_page": "1"},
        [],
    ],
)
def test_a_page_that_is_refused(start: Start, page_req: object) -> None:
    answered = call(start(known(*FIVE_PLUS)), "batch-status", {"jobs": FIVE_PLUS, "page_req": page_req})
    assert (answered.status_code, answered.json()["error_code"]) == (400, "DRS.M00202")


@pytest.mark.parametrize("body", [{}, [], None, {"jobs": []}, {"jobs": "x"}, {"jobs": [1]}, {"jobs": [""]}])
@pytest.mark.parametrize("operation", ["batch-status", "batch-progress"])
def test_jobs_must_be_strings_in_a_list(start: Start, operation: str, body: object) -> None:
    answered = call(start(), operation, body)
    assert (answered.status_code, answered.json()["error_code"]) == (400, "DRS.M00202")


@pytest.mark.parametrize("operation", ["batch-status", "batch-progress"])
def test_duplicates_are_refused(start: Start, operation: str) -> None:
    answered = call(start(), operation, {"jobs": [JOB, OTHER_JOB, JOB]})
    assert (answered.status_code, answered.json()["error_code"]) == (400, "DRS.M00301")


def test_progress_knows_no_pages(start: Start) -> None:
    assert progress_of(start(known(*FIVE_PLUS)), *FIVE_PLUS).json()["count"] == 12


def test_more_jobs_than_the_scenario_allows_are_refused(start: Start) -> None:
    simulator = start({**known(*FIVE_PLUS), "max_jobs": 10})
    assert progress_of(simulator, *FIVE_PLUS).status_code == 400
    assert progress_of(simulator, *FIVE_PLUS[:10]).status_code == 202


@pytest.mark.parametrize(
    ("way", "status", "expected"),
    [
        ("left_out", 200, {"results": [{"id": JOB, "status": "CONFIGURATION"}], "count": 1}),
        (
            "refused",
            400,
            {
                "count": 1,
                "results": [{"id": "nobody", "error_code": "DRS.M00289", "error_msg": "The job is non-existent."}],
            },
        ),
        (
            "item_error",
            200,
            {
                "results": [
                    {"id": JOB, "status": "CONFIGURATION"},
                    {"id": "nobody", "error_code": "DRS.M00289", "error_message": "The job is non-existent."},
                ],
                "count": 2,
            },
        ),
        (
            "refused_without_list",
            400,
            {"error_code": "DRS.M05004", "error_msg": "The task has been deleted or released."},
        ),
    ],
)
def test_an_unknown_job(start: Start, way: str, status: int, expected: object) -> None:
    answered = status_of(start({**known(JOB), "unknown_jobs": way}), JOB, "nobody")
    assert (answered.status_code, answered.json()) == (status, expected)


def test_a_job_can_be_known_to_one_operation_only(start: Start) -> None:
    simulator = start({"jobs": [{"id": JOB, "status": "DELETED", "answer": {"batch-progress": "left_out"}}]})
    assert status_of(simulator).json()["count"] == 1
    assert progress_of(simulator).json()["count"] == 0


def test_shuffled_results_never_come_in_the_order_asked(start: Start) -> None:
    simulator = start({**known(JOB, OTHER_JOB), "shuffle": True})
    for _try in range(5):
        assert [item["id"] for item in status_of(simulator, JOB, OTHER_JOB).json()["results"]] == [OTHER_JOB, JOB]


def test_the_other_provider_answers_progress_with_200_and_more_fields(start: Start) -> None:
    simulator = start({"huawei": True, "jobs": [{"id": JOB, "status": "INCRE_TRANSFER_STARTED", "delay": 1.5}]})
    answered = progress_of(simulator)
    assert answered.status_code == 200
    item = answered.json()["results"][0]
    assert (item["incre_trans_delay"], item["incre_trans_delay_millis"]) == ("2", "1500")
    assert item["apply_rows_rate"] == 120


def test_malformed_items_come_as_the_scenario_writes_them(start: Start) -> None:
    job = {
        "id": JOB,
        "status": "INCRE_TRANSFER_STARTED",
        "transfer_status": "FULL_TRANSFER_STARTED",
        "struct": 94,
        "raw_status": {"status": None},
        "raw_progress": {"progress": 7, "surprise": [1]},
        "omit": ["task_mode"],
    }
    simulator = start({"progress_map": "array", "jobs": [job]})
    assert status_of(simulator).json()["results"] == [{"id": JOB, "status": None}]
    item = progress_of(simulator).json()["results"][0]
    assert item["transfer_status"] == "FULL_TRANSFER_STARTED"
    assert item["progress"] == 7
    assert item["surprise"] == [1]
    assert "task_mode" not in item
    assert item["progress_map"] == [{"completed": "94%", "remaining_time": None}]


def test_paths_of_no_operation_are_the_gateways_404(start: Start) -> None:
    simulator = start({"prefix": "/drs"})
    assert simulator.endpoint.endswith("/drs")
    url = f"{simulator.endpoint.removesuffix('/drs')}/v3/{PROJECT}/jobs/batch-status"
    without_prefix = requests.post(url, json={"jobs": [JOB]}, timeout=10)
    assert without_prefix.status_code == 404
    assert without_prefix.json()["error_code"] == "APIGW.0101"
    assert without_prefix.json()["request_id"] == without_prefix.headers["X-Request-Id"]
    assert status_of(simulator).status_code == 200


def test_the_log_tells_what_was_sent(start: Start) -> None:
    simulator = start()
    call(simulator, "batch-status", {"jobs": [JOB]}, headers={"X-Language": "zh-cn"})
    (entry,) = simulator.requests
    assert entry["operation"] == "batch-status"
    assert entry["headers"]["x-language"] == "zh-cn"
    assert entry["headers"]["x-auth-token"] == "simulated-token"
    assert (entry["body"], entry["status"], entry["fault"]) == ({"jobs": [JOB]}, 200, None)
