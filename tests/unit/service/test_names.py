# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs by name: exactly one job for each name, or an error that shows what there is instead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs import names as names_module
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.client import Client
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.info import jobs_info
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.names import (
    Asked,
    asked_jobs,
    ids_of,
)
from ansible_collections.cutover.drs.plugins.module_utils._service.options import INFO_OPTIONS
from ansible_collections.cutover.drs.tests.unit.service.support import BY_TOKEN, JOBS, ByHand, waited
from drs_simulator import Simulator

ClientFor = Callable[..., Client]
Start = Callable[..., Simulator]

RUNNING = {"status": "INCRE_TRANSFER_STARTED"}
NAMED = [
    {"id": "a", "name": "orders", **RUNNING},
    {"id": "b", "name": "orders-archive", "status": "CREATING"},
    {"id": "c", "name": "Customers", "type": "sync", **RUNNING},
]


def looked_up(client: Client, names: list[str]) -> list[str]:
    return ids_of(client, Asked((), tuple(names), None))


def test_names_become_ids_in_their_order(start: Start, client_for: ClientFor) -> None:
    assert looked_up(client_for(start(jobs=NAMED)), ["Customers", "orders"]) == ["c", "a"]


@pytest.mark.parametrize("withdrawn", [[], ["list-v3"]], ids=["v3", "v5"])
def test_a_name_on_a_later_page_is_found(start: Start, client_for: ClientFor, withdrawn: list[str]) -> None:
    simulator = start(generate={"count": 150, **RUNNING}, jobs=[], withdrawn=withdrawn)
    simulator.set_job("z", name="orders", **RUNNING)
    assert looked_up(client_for(simulator), ["orders"]) == ["z"]


@pytest.mark.parametrize("withdrawn", [[], ["list-v3"]], ids=["v3", "v5"])
def test_one_of_two_jobs_is_not_hidden_by_a_job_that_is_deleted_between_two_pages(
    start: Start, client_for: ClientFor, withdrawn: list[str]
) -> None:
    simulator = start(generate={"count": 120, **RUNNING}, jobs=[], withdrawn=withdrawn)
    for job_id in ("first", "zlast"):
        simulator.set_job(job_id, name="orders", **RUNNING)
    # The first page before a job was deleted: with that, "orders" moved up to a place that was read.
    version, total = ("list-v5", "total_count") if withdrawn else ("list-v3", "total_record")
    before = [{"id": "deleted"}, *({"id": job_id} for job_id in simulator.job_ids if job_id != "first")][:100]
    simulator.add_fault(operation=version, kind="status", http_status=200, body={"jobs": before, total: 123}, on=1)
    with pytest.raises(DrsError, match="2 jobs are named 'orders'"):
        looked_up(client_for(simulator), ["orders"])


def test_a_name_is_not_that_of_the_one_job_whose_entry_can_be_read(simulator: Simulator, client_for: ClientFor) -> None:
    entries = [{"id": "new", "name": "orders", "engine_type": 5}, {"id": "old", "name": "orders"}, {"id": "other"}]
    body = {"jobs": entries, "total_record": 3}
    simulator.add_fault(operation="list-v3", kind="status", http_status=200, body=body)
    client = client_for(simulator)
    with pytest.raises(
        DrsError, match=r"2 jobs are named 'orders': orders \(new, migration\), orders \(old, migration\)\."
    ):
        looked_up(client, ["orders"])
    with pytest.raises(
        DrsError, match=r"The project has: orders \(new, migration\), .*, without a name \(other, migration\)"
    ):
        looked_up(client, ["customers"])


# The jobs of the project, the names that are asked for, and what is said of them.
REFUSED: list[tuple[list[dict[str, Any]], list[str], str]] = [
    ([], ["orders"], "job_names: No job is named 'orders'; the project has no jobs. Check the project."),
    (
        NAMED,
        ["order"],
        (
            "job_names: No job is named 'order'. Similar: orders (a, migration, INCRE_TRANSFER_STARTED), "
            "orders-archive (b, migration, CREATING)."
        ),
    ),
    (
        NAMED,
        ["customers"],
        "job_names: No job is named 'customers'. Similar: Customers (c, sync, INCRE_TRANSFER_STARTED).",
    ),
    (
        NAMED[2:],
        ["xyz"],
        "job_names: No job is named 'xyz'. The project has: Customers (c, sync, INCRE_TRANSFER_STARTED).",
    ),
    (
        [*NAMED, {"id": "d", "name": "orders", "type": "sync", "status": "RELEASE_RESOURCE_COMPLETE"}],
        ["orders"],
        (
            "job_names: 2 jobs are named 'orders': orders (a, migration, INCRE_TRANSFER_STARTED), "
            "orders (d, sync, RELEASE_RESOURCE_COMPLETE). Set jobs to the id of the right one."
        ),
    ),
    (
        [{"id": f"{n}", "name": f"orders-{n}", **RUNNING} for n in range(7)],
        ["orders"],
        "job_names: No job is named 'orders'. Similar: "
        + ", ".join(f"orders-{n} ({n}, migration, INCRE_TRANSFER_STARTED)" for n in range(5))
        + " and 2 more.",
    ),
]


@pytest.mark.parametrize(("jobs", "names", "said"), REFUSED, ids=[str(number) for number in range(len(REFUSED))])
def test_a_name_of_no_job_or_of_several_is_a_final_error_with_candidates(
    start: Start, client_for: ClientFor, jobs: list[dict[str, Any]], names: list[str], said: str
) -> None:
    with pytest.raises(DrsError) as caught:
        looked_up(client_for(start(jobs=jobs)), names)
    assert str(caught.value) == said
    assert (caught.value.kind.value, caught.value.final) == ("configuration", True)


def test_an_error_of_many_names_has_a_bound(
    start: Start, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str] = []

    def close_matches(name: str, *_others: Any) -> list[str]:
        compared.append(name)
        return []

    monkeypatch.setattr(names_module, "get_close_matches", close_matches)
    with pytest.raises(DrsError, match=r" And 195 more names\.$") as caught:
        looked_up(client_for(start(jobs=NAMED)), [f"job {n}" for n in range(200)])
    assert len(str(caught.value)) < 2000
    # Of 500 names among 1,000 jobs it took 4 s.
    assert compared == [f"job {n}" for n in range(5)]


def test_a_list_that_cannot_be_read_is_not_an_error_of_the_names(start: Start, client_for: ClientFor) -> None:
    simulator = start(jobs=NAMED)
    simulator.add_fault(kind="status", documented=7)
    with pytest.raises(DrsError, match="No permission") as caught:
        looked_up(client_for(simulator), ["orders"])
    assert caught.value.kind.value == "permission"


# Options, and the jobs they ask for or what is wrong with them.
ASKED: list[tuple[dict[str, Any], Asked | str]] = [
    (
        {"jobs": ["b", "a", "b", "c", "a", "b"]},
        Asked(("b", "a", "c"), (), "jobs names b, a more than once; each job is asked for once."),
    ),
    ({"jobs": ["a"], "job_names": None}, Asked(("a",), (), None)),
    ({"jobs": ["a"], "job_names": []}, Asked(("a",), (), None)),
    ({"jobs": None, "job_names": ["x y"]}, Asked((), ("x y",), None)),
    ({"jobs": [], "job_names": ["x"]}, Asked((), ("x",), None)),
    (
        {"job_names": ["x", "x"]},
        Asked((), ("x",), "job_names names x more than once; each job is asked for once."),
    ),
    ({"job_names": ['["x"', ' "y"]']}, Asked((), ("x", "y"), None)),
    ({"jobs": ["a"], "job_names": ["x"]}, "jobs and job_names are both set. Set only one."),
    ({}, "No jobs specified. Set jobs (ids) or job_names (names as shown in the console)."),
    (
        {"jobs": None, "job_names": None},
        "No jobs specified. Set jobs (ids) or job_names (names as shown in the console).",
    ),
    ({"jobs": []}, "jobs is empty. Give the id of at least one DRS job."),
    ({"jobs": [], "job_names": []}, "jobs is empty. Give the id of at least one DRS job."),
    ({"job_names": []}, "job_names is empty. Give the name of at least one DRS job."),
    ({"job_names": ["x", " "]}, "job_names: entry 2 is empty. Give the name of a DRS job."),
]


@pytest.mark.parametrize(("options", "expected"), ASKED, ids=[str(number) for number in range(len(ASKED))])
def test_jobs_are_asked_for_by_ids_or_by_names(options: dict[str, Any], expected: Asked | str) -> None:
    if isinstance(expected, Asked):
        assert asked_jobs(options) == expected
        return
    with pytest.raises(DrsError) as caught:
        asked_jobs(options)
    assert str(caught.value) == expected
    assert caught.value.kind.value == "configuration"


INFO = {option: spec.get("default") for option, spec in INFO_OPTIONS.items()}


def test_info_shows_the_jobs_of_the_project_with_their_subtasks(start: Start, client_for: ClientFor) -> None:
    child = {"id": "child", "name": "added", "status": "CHILD_TRANSFER_STARTED"}
    client = client_for(start(jobs=[{**NAMED[0], "children": ["child"]}, NAMED[1], NAMED[2], child]))
    result = jobs_info(client, INFO, pytest.fail)
    assert [job["id"] for job in result["jobs"]] == ["a", "b", "c"]
    assert list(result["jobs"][0]) == [
        *("id", "name", "type", "engine", "engine_family", "status", "phase", "state", "terminal", "task_mode"),
        *("created_at", "subtasks"),
    ]
    (subtask,) = result["jobs"][0]["subtasks"]
    assert (subtask["id"], subtask["name"], subtask["phase"], subtask["state"]) == (
        "child",
        "added",
        "child",
        "in_progress",
    )
    assert result["summary"] == "3 jobs: 3 in_progress"
    assert result["counts"] == {
        "total": 3,
        "by_type": {"migration": 2, "sync": 1},
        "by_state": {"in_progress": 3},
        "by_status": {"INCRE_TRANSFER_STARTED": 2, "CREATING": 1},
    }


# What is chosen, by which options, and what is missing.
CHOSEN: list[tuple[dict[str, Any], list[str], list[str]]] = [
    ({"ids": ["c", "x", "a", "c"]}, ["c", "a"], ["x"]),
    ({"names": ["orders", "y"]}, ["a"], ["y"]),
    ({"types": ["sync"]}, ["c"], []),
    ({"statuses": ["CREATING", "DELETED"]}, ["b"], []),
    ({"ids": ["a", "b"], "statuses": ["CREATING"]}, ["b"], ["a"]),
    ({"ids": [], "names": [], "types": [], "statuses": []}, ["a", "b", "c"], []),
]


@pytest.mark.parametrize(("options", "expected", "missing"), CHOSEN, ids=[str(n) for n in range(len(CHOSEN))])
def test_info_chooses_by_all_of_its_options(
    start: Start, client_for: ClientFor, options: dict[str, Any], expected: list[str], missing: list[str]
) -> None:
    result = jobs_info(client_for(start(jobs=NAMED)), {**INFO, **options}, pytest.fail)
    assert [job["id"] for job in result["jobs"]] == expected
    assert result["missing"] == missing


def test_info_with_details_says_which_targets_are_read_only(start: Start, client_for: ClientFor) -> None:
    jobs = [{"id": JOBS[0], **RUNNING, "target_readonly": True}, {"id": JOBS[1], **RUNNING}]
    result = jobs_info(client_for(start(jobs=jobs)), {**INFO, "details": True}, pytest.fail)
    assert [job["target_readonly"] for job in result["jobs"]] == [True, False]


def test_info_warns_if_details_are_refused(start: Start, client_for: ClientFor) -> None:
    simulator = start(jobs=NAMED)
    simulator.add_fault(operation="batch-detail", kind="status", documented=7)
    warnings: list[str] = []
    result = jobs_info(client_for(simulator), {**INFO, "details": True}, warnings.append)
    assert [job["target_readonly"] for job in result["jobs"]] == [None] * 3
    assert len(warnings) == 1
    assert "No permission" in warnings[0]


CAUGHT_UP: dict[str, Any] = {"goal": "caught_up", "stable_for": 10}


def test_a_wait_looks_names_up_once_and_shows_them(simulator: Simulator, by_hand: ByHand) -> None:
    simulator.load({"jobs": NAMED[:1] + NAMED[2:]})
    lines: list[str] = []
    result = waited(simulator, by_hand, lines=lines, job_names=["Customers", "orders"], **CAUGHT_UP)
    assert result["verdict"] == "ready"
    assert [(job["id"], job["name"]) for job in result["jobs"]] == [("c", "Customers"), ("a", "orders")]
    assert "START jobs=2" in lines[0]
    whole = [
        entry for entry in simulator.requests if entry["body"].get("name") is None and "list" in entry["operation"]
    ]
    # All types once, to look the names up.
    assert len(whole) == 3


def test_a_name_of_no_job_ends_the_wait_with_an_error(simulator: Simulator, by_hand: ByHand) -> None:
    result = waited(simulator, by_hand, job_names=["orders"], **CAUGHT_UP)
    assert (result["verdict"], result["ready"], result["jobs"]) == ("error", False, [])
    assert result["failure"]["kind"] == "configuration"
    assert result["reason"].startswith("job_names: No job is named 'orders'. The project has: ")
    assert by_hand.slept == []


def test_a_list_that_fails_for_a_while_is_a_failed_poll(simulator: Simulator, by_hand: ByHand) -> None:
    simulator.load({"jobs": NAMED})
    simulator.add_fault(operation="list-v3", kind="status", http_status=503, last=2)
    result = waited(simulator, by_hand, job_names=["orders"], request_retries=0, parallel=1, **CAUGHT_UP)
    assert result["verdict"] == "ready"
    assert result["errors"] in (1, 2)


def test_a_recording_of_named_jobs_can_be_judged_again(simulator: Simulator, by_hand: ByHand, tmp_path: Path) -> None:
    simulator.load({"jobs": NAMED})
    simulator.add_fault(operation="list-v3", kind="status", http_status=503, on=1)
    record = str(tmp_path / "record.jsonl")
    options = {"request_retries": 0, "parallel": 1}
    live = waited(simulator, by_hand, job_names=["orders"], record=record, **CAUGHT_UP, **options)
    again = waited(simulator, by_hand, replay=record, **CAUGHT_UP)
    assert (again["verdict"], again["polls"]) == (live["verdict"], live["polls"]) == ("ready", live["polls"])
    assert [job["id"] for job in again["jobs"]] == ["a"]
    by_name = waited(simulator, by_hand, replay=record, job_names=["orders"], **CAUGHT_UP)
    assert by_name["verdict"] == "ready"


def test_a_wait_says_that_the_statuses_come_from_the_list(simulator: Simulator, by_hand: ByHand) -> None:
    simulator.load({"jobs": NAMED, "withdrawn": ["batch-status"]})
    result = waited(simulator, by_hand, jobs=["a"], timeout=0, **CAUGHT_UP)
    assert result["verdict"] == "ready"
    assert [warning[:41] for warning in result["warnings"]] == ["The service has withdrawn batch-status (4"]
    simulator.load({"jobs": NAMED, "withdrawn": ["batch-status", "list-v3", "list-v5"]})
    result = waited(simulator, by_hand, jobs=["a"], **CAUGHT_UP)
    assert (result["verdict"], result["polls"]) == ("error", 1)
    assert "The list of jobs cannot take its place." in result["reason"]


def test_a_name_that_holds_a_secret_is_not_shown_when_another_one_is_looked_up(
    start: Start, client_for: ClientFor
) -> None:
    jobs = [{"id": "a", "name": f"orders {BY_TOKEN['auth_token']}", **RUNNING}]
    with pytest.raises(DrsError, match="No job is named 'nothing'") as wrong:
        looked_up(client_for(start(jobs=jobs)), ["nothing"])
    assert "orders" in str(wrong.value)
    assert BY_TOKEN["auth_token"] not in str(wrong.value)
