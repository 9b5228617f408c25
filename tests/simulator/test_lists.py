# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two lists of jobs: what is asked, which page comes, and what a control request changes."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from calls import JOB, OTHER_JOB, PROJECT, Start

from drs_simulator import Simulator

CHILD = "cccccccc-0000-4000-8000-00000000jb21"
RUNNING = {"status": "INCRE_TRANSFER_STARTED"}
JOBS = [
    {"id": JOB, "name": "orders", **RUNNING, "children": [CHILD]},
    {"id": OTHER_JOB, "name": "orders-2", "engine": "postgresql", "type": "sync", **RUNNING},
    {"id": CHILD, "name": "added", "status": "CHILD_TRANSFER_STARTED"},
    {"id": "deleted", "status": "DELETED"},
    {"id": "hidden", "listed": False, **RUNNING},
]
TOKEN = {"X-Auth-Token": "simulated-token"}


def by_v3(simulator: Simulator, **asked: Any) -> requests.Response:
    body = {"db_use_type": "migration", "engine_type": "", **asked}
    url = f"{simulator.endpoint}/v3/{PROJECT}/jobs"
    return requests.post(
        url, json={name: value for name, value in body.items() if value is not ...}, headers=TOKEN, timeout=10
    )


def by_v5(simulator: Simulator, **asked: Any) -> requests.Response:
    return requests.get(f"{simulator.endpoint}/v5/{PROJECT}/jobs", params=asked, headers=TOKEN, timeout=10)


def ids_of(response: requests.Response) -> list[str]:
    return [job["id"] for job in response.json()["jobs"]]


def test_a_list_has_parents_with_their_children_and_nothing_that_is_gone(start: Start) -> None:
    simulator = start({"jobs": JOBS})
    answer = by_v3(simulator).json()
    assert (answer["total_record"], [job["id"] for job in answer["jobs"]]) == (1, [JOB])
    (child,) = answer["jobs"][0]["children"]
    assert (child["id"], child["name"], child["status"]) == (CHILD, "added", "CHILD_TRANSFER_STARTED")
    assert answer["jobs"][0]["db_use_type"] == "migration"
    answer = by_v5(simulator).json()
    assert (answer["total_count"], [job["id"] for job in answer["jobs"]]) == (2, [JOB, OTHER_JOB])
    assert [(job["job_type"], job["job_mode_role"]) for job in answer["jobs"]] == [
        ("migration", "parent"),
        ("sync", "master"),
    ]


def test_filters_are_as_the_pages_say(start: Start) -> None:
    simulator = start({"jobs": JOBS})
    assert ids_of(by_v3(simulator, db_use_type="sync", engine_type=...)) == []  # mysql, if nothing is said
    assert ids_of(by_v3(simulator, db_use_type="sync")) == [OTHER_JOB]
    assert ids_of(by_v5(simulator, name="orders")) == [JOB, OTHER_JOB]  # a part of a name is enough
    assert ids_of(by_v5(simulator, name=f"{OTHER_JOB},{JOB}")) == [JOB, OTHER_JOB]
    simulator.load({"jobs": JOBS, "ids_filter": False})
    assert ids_of(by_v5(simulator, name=f"{OTHER_JOB},{JOB}")) == []


def test_pages_come_as_they_are_asked_for(start: Start) -> None:
    simulator = start({"generate": {"count": 23, **RUNNING}})
    assert ids_of(by_v3(simulator)) == simulator.job_ids[:10]
    assert ids_of(by_v3(simulator, cur_page=3)) == simulator.job_ids[20:]
    assert ids_of(by_v3(simulator, cur_page=4)) == []
    assert ids_of(by_v3(simulator, per_page=0)) == simulator.job_ids
    assert ids_of(by_v5(simulator, offset=20, limit=2)) == simulator.job_ids[20:22]


@pytest.mark.parametrize(
    "asked",
    [
        {"db_use_type": ...},
        {"db_use_type": "backup"},
        {"cur_page": 0},
        {"per_page": 101},
        {"per_page": "10"},
        {"name": 7},
        {"name": ",".join(["id"] * 101)},
    ],
    ids=str,
)
def test_a_request_that_breaks_a_rule_of_v3_is_refused(start: Start, asked: dict[str, Any]) -> None:
    assert by_v3(start({"jobs": JOBS}), **asked).status_code == 400


@pytest.mark.parametrize(
    "asked",
    [{"job_type": "backup"}, {"limit": 0}, {"limit": 101}, {"offset": -1}, {"name": ",".join(["id"] * 11)}],
    ids=str,
)
def test_a_request_that_breaks_a_rule_of_v5_is_refused(start: Start, asked: dict[str, Any]) -> None:
    assert by_v5(start({"jobs": JOBS}), **asked).status_code == 400


def test_children_can_be_changed_while_it_runs(start: Start) -> None:
    simulator = start({"jobs": JOBS})
    url = f"{simulator.control}/jobs/{JOB}"
    assert requests.patch(url, json={"children": [{"status": "CHILD_TRANSFER_STARTED"}]}, timeout=10).status_code == 204
    entry = by_v3(simulator).json()["jobs"][0]
    assert entry["children"] == [{"status": "CHILD_TRANSFER_STARTED"}]
    simulator.set_job(JOB, children=None)
    assert "children" not in by_v3(simulator).json()["jobs"][0]


def test_lists_can_be_withdrawn_and_spoilt(start: Start) -> None:
    simulator = start({"generate": {"count": 12, **RUNNING}, "withdrawn": ["list-v5"]})
    assert by_v5(simulator).json()["error_code"] == "APIGW.0101"
    for kind, expected in (("first_page", (12, simulator.job_ids[:10])), ("wrong_total", (19, simulator.job_ids[10:]))):
        simulator.add_fault(operation="list-v3", kind=kind, times=1)
        answer = by_v3(simulator, cur_page=2).json()
        assert (answer["total_record"], [job["id"] for job in answer["jobs"]]) == expected
    simulator.add_fault(operation="list-v3", kind="listed_twice")
    assert ids_of(by_v3(simulator, cur_page=2)) == [job for job in simulator.job_ids[10:] for _time in range(2)]


def test_another_project_or_no_login_is_refused(start: Start) -> None:
    simulator = start({"jobs": JOBS})
    url = f"{simulator.endpoint}/v5/{'0' * 32}/jobs"
    assert requests.get(url, headers=TOKEN, timeout=10).status_code == 403
    assert requests.get(url, timeout=10).status_code == 401
