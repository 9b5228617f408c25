# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can be wrong with a list of jobs, and a whole wait that meets it: never ready, always with a reason."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.cutover.drs.tests.unit.service.support import JOBS, ByHand
from ansible_collections.cutover.drs.tests.unit.service.support import waited as wait
from drs_simulator import Simulator

RUNNING = {"status": "INCRE_TRANSFER_STARTED", "delay": 0}
CHILD = "cccccccc-0000-4000-8000-00000000jb21"
VERSIONS = pytest.mark.parametrize("version", ["list-v3", "list-v5"])


def waited(simulator: Simulator, clock: ByHand, **options: Any) -> dict[str, Any]:
    """The result of a wait for all jobs of the simulator but subtasks, with one minute of time."""
    rules = {"goal": "caught_up", "stable_for": 10, "timeout": 60, "request_retries": 0, "jobs": list(JOBS)}
    return wait(simulator, clock, **{**rules, **options})


def played(simulator: Simulator, version: str, **job: Any) -> None:
    """Two jobs that have caught up, the first with what is given; without v3 if v5 is to answer."""
    withdrawn = [] if version == "list-v3" else ["list-v3"]
    first = {"id": JOBS[0], **RUNNING, **job}
    simulator.load({"jobs": [first, {"id": JOBS[1], **RUNNING}], "withdrawn": withdrawn})


def page(version: str, jobs: list[Any], total: int) -> dict[str, Any]:
    return {"jobs": jobs, "total_record" if version == "list-v3" else "total_count": total}


# A fault of the list, and what the reason says of it.
FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "refused": ({"kind": "status", "documented": 7}, "DRS.M00102 No permission"),
    "another project": ({"kind": "status", "documented": 8}, "DRS.M00261"),
    "busy in a success": (
        {"kind": "status", "http_status": 200, "body": {"error_code": "DRS.M01504", "error_msg": "Busy."}},
        "DRS.M01504 Busy",
    ),
    "a fault of the service": ({"kind": "status", "http_status": 503}, "HTTP 503"),
    "reset": ({"kind": "reset"}, "No connection"),
    "a total that lies, too high": ({"kind": "wrong_total"}, "is said to have"),
    "a total that lies, too low": ({"kind": "wrong_total", "total": 1}, "is said to have 1 jobs, but 2 came"),
    "listed twice": ({"kind": "listed_twice"}, "twice"),
    "echo": ({"kind": "echo"}, "Subtasks not known"),
}


@VERSIONS
@pytest.mark.parametrize(("fault", "said"), FAULTS.values(), ids=list(FAULTS))
def test_a_list_that_is_spoilt_keeps_the_gate_shut_and_says_why(
    simulator: Simulator, by_hand: ByHand, version: str, fault: dict[str, Any], said: str
) -> None:
    played(simulator, version)
    simulator.add_fault(operation=version, **fault)
    result = waited(simulator, by_hand)
    assert (result["verdict"], result["ready"]) == ("timeout", False)
    for job in result["jobs"]:
        (hold,) = job["holds"]
        assert hold["rule"] == "subtasks"
        assert said in hold["text"]
        assert "check_subtasks: false" in hold["text"]
    assert "simulated-token" not in str(result)


@VERSIONS
@pytest.mark.parametrize(
    ("children", "said"),
    [
        ([{"status": "CHILD_TRANSFER_STARTED"}], "without an id"),
        ([{"id": "", "status": "DELETED"}], "without an id"),
        ([{"id": 7}], "without an id"),
        ([CHILD], "CHILD_TRANSFER_STARTED"),
        ([{"id": "nobody-knows-it", "status": "CHILD_TRANSFER_STARTED"}], "nobody-knows-it"),
    ],
    ids=["no id", "empty id", "a number for an id", "running", "unknown"],
)
def test_a_subtask_that_is_not_known_to_be_over_keeps_the_gate_shut(
    simulator: Simulator, by_hand: ByHand, version: str, children: list[Any], said: str
) -> None:
    played(simulator, version, children=children)
    simulator.set_job(CHILD, status="CHILD_TRANSFER_STARTED")
    if CHILD not in children:
        simulator.set_job(CHILD, listed=False)
    result = waited(simulator, by_hand)
    assert (result["verdict"], result["ready"]) == ("timeout", False)
    held = result["jobs"][0]
    assert [hold["rule"] for hold in held["holds"]] == ["subtasks"]
    assert said in held["holds"][0]["text"]


# What the list may say of a job that both operations show as caught up, and the hold that it makes.
CONTRADICTIONS = [
    *(
        ({"status": status}, "disagreement")
        for status in ("INCRE_TRANSFER_FAILED", "PAUSING", "RELEASE_RESOURCE_STARTED", "DELETED")
    ),
    ({"task_type": "FULL_TRANS"}, "disagreement"),
    ({"error_msg": "The disk is full."}, "error_reported"),
    ({"job_action": {"current_action": "SWITCH_OVER"}}, "action"),
]


@VERSIONS
@pytest.mark.parametrize(("said", "rule"), CONTRADICTIONS, ids=str)
def test_what_the_list_says_against_a_job_keeps_the_gate_shut(
    simulator: Simulator, by_hand: ByHand, version: str, said: dict[str, Any], rule: str
) -> None:
    played(simulator, version, raw_list=said)
    result = waited(simulator, by_hand)
    assert (result["verdict"], [[hold["rule"] for hold in job["holds"]] for job in result["jobs"]]) == (
        *("timeout", [[rule], []]),
    )
    assert "the list of jobs" in result["jobs"][0]["holds"][0]["text"].lower()


@VERSIONS
def test_what_the_list_says_against_a_subtask_keeps_the_gate_shut(
    simulator: Simulator, by_hand: ByHand, version: str
) -> None:
    played(simulator, version, children=[CHILD])
    simulator.set_job(CHILD, **RUNNING, raw_list={"status": "INCRE_TRANSFER_FAILED"})
    result = waited(simulator, by_hand)
    assert result["verdict"] == "timeout"
    (hold,) = result["jobs"][0]["holds"]
    assert hold["text"].startswith("1 subtask is not ready: ")
    assert hold["text"].endswith(" INCRE_TRANSFER_STARTED [disagreement].")


@VERSIONS
def test_a_list_that_lags_only_delays_the_gate(simulator: Simulator, by_hand: ByHand, version: str) -> None:
    played(simulator, version)
    total = page(version, [{"id": job, "status": "FULL_TRANSFER_COMPLETE"} for job in JOBS], 2)
    simulator.add_fault(operation=version, kind="status", http_status=200, body=total, to=2)
    result = waited(simulator, by_hand)
    assert (result["verdict"], result["polls"]) == ("ready", 5)


@VERSIONS
@pytest.mark.parametrize("entry", [{"name": "orders"}, 7, {"id": 7}, {"id": ""}, {"id": "x", "status": []}], ids=str)
def test_an_entry_of_another_job_that_cannot_be_read_holds_nothing(
    simulator: Simulator, by_hand: ByHand, version: str, entry: object
) -> None:
    played(simulator, version)
    listed = [{"id": job} for job in JOBS]
    simulator.add_fault(operation=version, kind="status", http_status=200, body=page(version, [*listed, entry], 3))
    assert waited(simulator, by_hand)["verdict"] == "ready"


@VERSIONS
def test_an_entry_of_which_only_the_id_can_be_read_holds_its_job_alone(
    simulator: Simulator, by_hand: ByHand, version: str
) -> None:
    played(simulator, version)
    listed = [{"id": JOBS[0], "children": [], "status": ["INCRE_TRANSFER_STARTED"]}, {"id": JOBS[1]}]
    simulator.add_fault(operation=version, kind="status", http_status=200, body=page(version, listed, 2))
    result = waited(simulator, by_hand)
    assert result["verdict"] == "timeout"
    (hold,), nothing = (job["holds"] for job in result["jobs"])
    assert hold["text"] == (
        "Subtasks not known: the list of jobs has an entry for this job that cannot be read. "
        "To wait without them, set check_subtasks: false."
    )
    assert nothing == []


@VERSIONS
def test_a_job_that_is_in_no_list_keeps_the_gate_shut(simulator: Simulator, by_hand: ByHand, version: str) -> None:
    played(simulator, version, listed=False)
    result = waited(simulator, by_hand)
    assert (result["verdict"], result["ready"]) == ("timeout", False)
    assert "has no entry for this job" in result["jobs"][0]["holds"][0]["text"]


@VERSIONS
def test_a_fault_that_passes_only_delays_the_gate(simulator: Simulator, by_hand: ByHand, version: str) -> None:
    played(simulator, version)
    simulator.add_fault(operation=version, kind="html", to=2)
    assert waited(simulator, by_hand)["verdict"] == "ready"


def test_without_the_list_the_wait_is_as_it_was(simulator: Simulator, by_hand: ByHand) -> None:
    played(simulator, "list-v3")
    simulator.add_fault(operation="list-v3", kind="status", documented=7)
    assert waited(simulator, by_hand, check_subtasks=False)["verdict"] == "ready"
    assert not [entry for entry in simulator.requests if entry["operation"].startswith("list")]


# For 251 jobs of which 60 have a subtask: the lists in a sample, by version and by whether the filter takes ids.
COSTS = [
    ("migration", {}, 3, 3),
    ("sync", {}, 6, 3),
    ("migration", {"ids_filter": False}, 9 + 3, 3),
    ("migration", {"withdrawn": ["list-v3"]}, 26, 26),
]


@pytest.mark.parametrize(("kind", "scenario", "first", "later"), COSTS, ids=["v3", "v3 sync", "v3 without ids", "v5"])
def test_the_number_of_requests_for_251_jobs_with_subtasks(
    simulator: Simulator, by_hand: ByHand, kind: str, scenario: dict[str, Any], first: int, later: int
) -> None:
    """The guide to gating says these numbers."""
    ids = [f"{number:08d}-0000-4000-8000-00000000jb21" for number in range(251)]
    parents = [
        {"id": job, "type": kind, **RUNNING, **({"children": [f"c{job[1:]}"]} if number < 60 else {})}
        for number, job in enumerate(ids)
    ]
    children = [{"id": f"c{job[1:]}", "type": kind, **RUNNING} for job in ids[:60]]
    simulator.load({"jobs": [*parents, *children], **scenario})
    result = waited(simulator, by_hand, jobs=ids)
    assert (result["verdict"], result["polls"]) == ("ready", 3)
    operations = [entry["operation"] for entry in simulator.requests]
    # Up to three requests find out that v3 is withdrawn.
    lists = operations.count("list-v5" if scenario.get("withdrawn") else "list-v3")
    # The first sample reads the jobs, the list, and then the 60 subtasks; each later one all 311 and the list.
    assert lists == first + later * 2
    assert operations.count("batch-status") == operations.count("batch-progress") == (3 + 1) + 2 * 4
    assert result["requests"] == len(operations)
