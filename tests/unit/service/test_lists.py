# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists of jobs: which requests find them, all pages of them, and nothing less than all of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.client import Client
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.lists import LIST_V3, LIST_V5, ListedJob, Pages
from ansible_collections.cutover.drs.tests.unit.service.support import BY_KEYS, BY_PASSWORD, JOBS, ByHand
from drs_simulator import Simulator

ClientFor = Callable[..., Client]
Start = Callable[..., Simulator]

STRANGER = "00000000-0000-4000-8000-00000000jb99"
CHILD = "cccccccc-0000-4000-8000-00000000jb21"
RUNNING = {"status": "INCRE_TRANSFER_STARTED"}
PARENT = {"id": JOBS[0], **RUNNING, "children": [CHILD]}
FAMILY = [PARENT, {"id": JOBS[1], **RUNNING}, {"id": CHILD, "status": "CHILD_TRANSFER_STARTED", "name": "added tables"}]

# Without v3, as one day at Huawei Cloud; it takes a request more to find out.
VERSIONS = pytest.mark.parametrize("withdrawn", [[], ["list-v3"]], ids=["v3", "v5"])


def lists_of(simulator: Simulator) -> list[str]:
    return [entry["operation"] for entry in simulator.requests if entry["operation"].startswith("list")]


@VERSIONS
def test_a_job_and_its_subtasks_come_with_all_that_a_list_says(
    start: Start, client_for: ClientFor, withdrawn: list[str]
) -> None:
    simulator = start(jobs=FAMILY, withdrawn=withdrawn)
    (job,) = client_for(simulator).list_jobs(ids=[JOBS[0]])
    common = {"type": "migration", "engine": "mysql", "created_at": "2026-06-26T17:08:57Z"}
    assert job == ListedJob(
        id=JOBS[0],
        name="DRS-9a470239",
        status="INCRE_TRANSFER_STARTED",
        task_mode="FULL_INCR_TRANS",
        children=(
            ListedJob(CHILD, "added tables", status="CHILD_TRANSFER_STARTED", task_mode="FULL_INCR_TRANS", **common),
        ),
        **common,
    )


@VERSIONS
@pytest.mark.parametrize("login", [{}, BY_PASSWORD, BY_KEYS], ids=["token", "password", "keys"])
def test_every_login_lists_jobs(
    start: Start, client_for: ClientFor, withdrawn: list[str], login: dict[str, Any]
) -> None:
    client = client_for(start(jobs=FAMILY, withdrawn=withdrawn), **login)
    assert {job.id for job in client.list_jobs()} == set(JOBS)


@VERSIONS
@pytest.mark.parametrize("jobs", [0, 1, 99, 100, 101, 250])
def test_all_pages_of_all_types_are_read(start: Start, client_for: ClientFor, jobs: int, withdrawn: list[str]) -> None:
    several = [
        {"prefix": prefix, "type": job_type, "count": jobs, **RUNNING}
        for prefix, job_type in (("a", "migration"), ("b", "sync"), ("c", "cloudDataGuard"))
        if jobs
    ]
    simulator = start(generate=several, withdrawn=withdrawn)
    listed = client_for(simulator).list_jobs()
    assert sorted(job.id for job in listed) == sorted(simulator.job_ids)
    assert {job.type for job in listed} == ({"migration", "sync", "cloudDataGuard"} if jobs else set())


def test_every_engine_is_listed(start: Start, client_for: ClientFor) -> None:
    simulator = start(jobs=[{"id": JOBS[0], "engine": "oracle-to-gaussdbv5", **RUNNING}])
    assert [job.engine for job in client_for(simulator).list_jobs()] == ["oracle-to-gaussdbv5"]


def test_v5_takes_the_place_of_v3_if_that_is_withdrawn_and_is_remembered(start: Start, client_for: ClientFor) -> None:
    simulator = start(withdrawn=["list-v3"])
    client = client_for(simulator)
    client.list_jobs(ids=JOBS[:1])
    assert lists_of(simulator) == ["list-v3", "list-v5"]
    client.list_jobs(ids=JOBS[:1])
    assert lists_of(simulator) == ["list-v3", "list-v5", "list-v5"]


@VERSIONS
@pytest.mark.parametrize("ids_filter", [True, False])
def test_an_id_that_is_in_no_list_is_left_out(
    start: Start, client_for: ClientFor, ids_filter: bool, withdrawn: list[str]
) -> None:
    simulator = start(jobs=FAMILY, ids_filter=ids_filter, withdrawn=withdrawn)
    client = client_for(simulator)
    for _time in range(2):
        listed = client.list_jobs(ids=[*JOBS, STRANGER, CHILD, JOBS[0]])
        assert sorted(job.id for job in listed) == sorted([*JOBS, CHILD])


def test_a_filter_that_is_refused_is_done_without(start: Start, client_for: ClientFor) -> None:
    simulator = start(jobs=FAMILY)
    simulator.add_fault(kind="status", http_status=400, body={"error_code": "DRS.M00202", "error_msg": "name"}, on=1)
    client = client_for(simulator)
    assert [job.id for job in client.list_jobs(ids=JOBS[:1])] == [JOBS[0]]
    assert lists_of(simulator) == ["list-v3"] * 2


def test_jobs_are_chosen_by_exact_name_status_and_type(start: Start, client_for: ClientFor) -> None:
    named = [
        {"id": "a", "name": "orders", "status": "CREATING"},
        {"id": "b", "name": "orders-2", **RUNNING},
        {"id": "c", "name": "orders", "type": "sync", **RUNNING},
    ]
    client = client_for(start(jobs=named))
    assert [job.id for job in client.list_jobs(names=["orders"])] == ["a", "c"]
    assert [job.id for job in client.list_jobs(statuses=["CREATING"])] == ["a"]
    assert [job.id for job in client.list_jobs(types=["sync"])] == ["c"]
    assert client.list_jobs(names=["ORDERS"]) == ()


def test_an_empty_query_result_is_an_empty_list(simulator: Simulator, client_for: ClientFor) -> None:
    simulator.add_fault(kind="status", documented=10)
    assert client_for(simulator).list_jobs() == ()


def test_a_last_page_that_is_full_may_be_followed_by_a_refusal(start: Start, client_for: ClientFor) -> None:
    simulator = start(generate={"count": 100, **RUNNING})
    refusal = {"error_code": "DRS.M00210", "error_msg": "The value of cur_page is invalid."}
    simulator.add_fault(kind="status", http_status=400, body=refusal, on=2)
    assert len(client_for(simulator).list_jobs(types=["migration"])) == 100


# A fault, where it strikes first, and what is said of it.
SPOILT: list[tuple[dict[str, Any], str]] = [
    ({"kind": "first_page"}, "twice, the second time on page 2"),
    ({"kind": "listed_twice"}, "twice, the second time on page 1"),
    ({"kind": "wrong_total"}, "is said to have 157 jobs, but 150 came"),
    ({"kind": "wrong_total", "total": 3}, "is said to have 3 jobs, but 100 came"),
    ({"kind": "wrong_total", "total": 100}, "is said to have 100 jobs, but 150 came"),
    ({"kind": "wrong_total", "total": 0}, "is said to have 0 jobs, but 100 came"),
]


@VERSIONS
@pytest.mark.parametrize(("fault", "said"), SPOILT, ids=[str(number) for number in range(len(SPOILT))])
def test_a_list_that_contradicts_itself_is_never_taken_for_the_whole(
    start: Start, client_for: ClientFor, fault: dict[str, Any], said: str, withdrawn: list[str]
) -> None:
    simulator = start(generate={"count": 150, **RUNNING}, withdrawn=withdrawn)
    version = "list-v5" if withdrawn else "list-v3"
    simulator.add_fault(operation=version, **fault)
    with pytest.raises(DrsError, match=said) as caught:
        client_for(simulator).list_jobs(types=["migration"])
    assert (caught.value.kind.value, caught.value.final, caught.value.attempts) == ("protocol", False, 3)
    assert 3 <= lists_of(simulator).count(version) <= 9


def test_a_list_that_changed_while_it_was_read_is_read_again(start: Start, client_for: ClientFor) -> None:
    simulator = start(generate={"count": 150, **RUNNING})
    simulator.add_fault(kind="first_page", on=2)
    assert len(client_for(simulator).list_jobs(types=["migration"])) == 150


@VERSIONS
def test_what_may_pass_is_tried_again(
    start: Start, client_for: ClientFor, by_hand: ByHand, withdrawn: list[str]
) -> None:
    simulator = start(jobs=FAMILY, withdrawn=withdrawn)
    simulator.add_fault(operation="list-v5" if withdrawn else "list-v3", kind="throttled", to=4)
    assert [job.id for job in client_for(simulator).list_jobs(ids=JOBS[:1])] == [JOBS[0]]
    assert len(by_hand.slept) == 4


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"kind": "status", "documented": 7}, "permission"),
        ({"kind": "unauthorized"}, "authentication"),
        ({"kind": "echo"}, "invalid_request"),
    ],
    ids=str,
)
def test_what_will_not_pass_is_tried_once_and_says_of_which_request(
    simulator: Simulator, client_for: ClientFor, fault: dict[str, Any], kind: str
) -> None:
    simulator.add_fault(**fault)
    with pytest.raises(DrsError, match=r"^The list of jobs \(v3\) at 127\.0\.0\.1:\d+ failed: ") as caught:
        client_for(simulator).list_jobs(types=["sync"])
    assert (caught.value.kind.value, caught.value.attempts) == (kind, 1)
    assert "simulated-token" not in str(caught.value)
    assert len(simulator.requests) == 1


# What stands for a child, and what is known of it.
CHILDREN: list[tuple[Any, tuple[ListedJob, ...]]] = [
    (None, ()),
    ([], ()),
    ("two", (ListedJob(""),)),
    ({"id": CHILD}, (ListedJob(""),)),
    ([{"status": "CHILD_TRANSFER_STARTED"}], (ListedJob("", type="sync", status="CHILD_TRANSFER_STARTED"),)),
    ([{"id": ""}], (ListedJob("", type="sync"),)),
    ([{"id": 7}], (ListedJob("", type="sync"),)),
    *(([{"id": job_id}], (ListedJob("", type="sync"),)) for job_id in ("x" * 5_000_000, "a\nb", "a\u200bb", " ")),
    ([{"id": CHILD, "status": ["DELETED"]}], (ListedJob(""),)),
    ([None], (ListedJob(""),)),
    ([{"id": CHILD}], (ListedJob(CHILD, type="sync"),)),
    (
        [{"id": CHILD, "children": [{"id": STRANGER}]}],
        (ListedJob(CHILD, type="sync", children=(ListedJob(STRANGER, type="sync"),)),),
    ),
]


@pytest.mark.parametrize(("children", "expected"), CHILDREN, ids=[str(number) for number in range(len(CHILDREN))])
@pytest.mark.parametrize("operation", [LIST_V3, LIST_V5], ids=["v3", "v5"])
def test_a_child_that_cannot_be_read_shows_as_a_child_without_an_id(
    operation: Any, children: Any, expected: tuple[ListedJob, ...]
) -> None:
    body = {"jobs": [{"id": JOBS[0], "children": children}], operation.total_field: 1}
    (job,) = operation.parse(body, "sync").jobs
    assert job.children == expected


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([], "not a JSON object"),
        ({"total_record": 0}, "no list 'jobs'"),
        ({"jobs": None, "total_record": 0}, "no list 'jobs'"),
        ({"jobs": []}, "no number 'total_record'"),
        ({"jobs": [], "total_record": True}, "no number 'total_record'"),
        ({"jobs": [], "total_record": -1}, "no number 'total_record'"),
        *(
            ({"jobs": [], "total_record": total}, "no number 'total_record'")
            for total in ("", "-1", "0.0", "1,000", "\u0663", "1" * 5000, [1], None)
        ),
    ],
)
def test_a_body_that_is_no_list_is_an_error(body: object, said: str) -> None:
    with pytest.raises(DrsError, match=said) as caught:
        LIST_V3.parse(body, "migration")
    assert caught.value.kind.value == "protocol"


@pytest.mark.parametrize("operation", [LIST_V3, LIST_V5], ids=["v3", "v5"])
def test_a_total_may_be_written_as_text(operation: Any) -> None:
    assert operation.parse({"jobs": [{"id": "a"}], operation.total_field: "150"}, "sync").total == 150


# Entries that cannot be read, and what is left of each.
UNREAD: list[tuple[Any, tuple[ListedJob, ...]]] = [
    (7, ()),
    (None, ()),
    ({"name": "orders"}, ()),
    ({"id": 1}, ()),
    ({"id": " "}, ()),
    ({"id": "b", "status": 1}, (ListedJob("b", type="migration", readable=False),)),
    ({"id": "b", "name": "orders", "status": 1}, (ListedJob("b", "orders", "migration", readable=False),)),
    ({"id": "b", "name": ["orders"]}, (ListedJob("b", type="migration", readable=False),)),
]


@pytest.mark.parametrize(("entry", "left"), UNREAD, ids=[str(number) for number in range(len(UNREAD))])
def test_an_entry_that_cannot_be_read_hides_no_other_job(entry: object, left: tuple[ListedJob, ...]) -> None:
    page = LIST_V3.parse({"jobs": [{"id": "a"}, entry, {"id": "c"}], "total_record": 3}, "migration")
    assert page.jobs == (ListedJob("a", type="migration"), *left, ListedJob("c", type="migration"))
    pages = Pages()
    assert not pages.add(page)
    assert pages.complete


def test_every_text_of_an_entry_is_printable_and_cut_but_the_name_and_the_id_that_are_compared() -> None:
    for text in ("orders\u200b\n##vso[task.complete]", "x" * 5_000_000):
        fields = dict.fromkeys(("status", "task_type", "engine_type", "db_use_type", "create_time", "error_msg"), text)
        entry = {"id": "a", "name": text, **fields, "job_action": {"current_action": text}}
        (job,) = LIST_V3.parse({"jobs": [entry], "total_record": 1}, "sync").jobs
        assert job.name == text[:500]
        said = (job.status, job.task_mode, job.engine, job.type, job.created_at, job.error_message, job.action)
        assert all(value and value.isprintable() and len(value) < 2100 for value in said)
        assert all(
            value.isprintable() and len(value) < 2100 for value in job.as_dict().values() if value.__class__ is str
        )


@pytest.mark.parametrize("job_id", ["x" * 5_000_000, "a\nb", "a\u202eb"], ids=["long", "line end", "direction"])
def test_what_cannot_be_an_id_is_none(job_id: str) -> None:
    page = LIST_V3.parse({"jobs": [{"id": job_id}, {"id": "c"}], "total_record": 2}, "migration")
    assert ([job.id for job in page.jobs], page.unread) == (["c"], 1)


@VERSIONS
def test_entries_without_an_id_are_left_out_and_a_warning_says_so(
    simulator: Simulator, client_for: ClientFor, withdrawn: list[str]
) -> None:
    total = "total_count" if withdrawn else "total_record"
    simulator.load({"jobs": FAMILY, "withdrawn": withdrawn})
    body = {"jobs": [{"name": "orders"}, {"id": JOBS[1]}], total: 2}
    simulator.add_fault(operation="list-v5" if withdrawn else "list-v3", kind="status", http_status=200, body=body)
    client = client_for(simulator)
    assert [job.id for job in client.list_jobs(types=["sync"])] == [JOBS[1]]
    unread = "The list of jobs has entries without an id that can be read. Of these jobs nothing is known."
    assert client.warnings == [unread]


@VERSIONS
def test_a_job_that_is_deleted_between_two_pages_makes_the_list_be_read_again(
    start: Start, client_for: ClientFor, withdrawn: list[str]
) -> None:
    simulator = start(generate={"count": 149, **RUNNING}, withdrawn=withdrawn)
    version, total = ("list-v5", "total_count") if withdrawn else ("list-v3", "total_record")
    # Before the first of 150 was deleted: what came after it moves up by one, and number 101 is on neither page.
    before = [{"id": "deleted"}, *({"id": job_id} for job_id in simulator.job_ids[:99])]
    simulator.add_fault(operation=version, kind="status", http_status=200, body={"jobs": before, total: 150}, on=1)
    listed = client_for(simulator).list_jobs(types=["migration"])
    assert sorted(job.id for job in listed) == sorted(simulator.job_ids)


def test_a_filter_that_finds_nothing_once_is_asked_again_later(start: Start, client_for: ClientFor) -> None:
    simulator = start(jobs=FAMILY)
    simulator.add_fault(operation="list-v3", kind="status", http_status=200, body={"jobs": [], "total_record": 0}, to=3)
    client = client_for(simulator)
    filtered = []
    for _reading in range(25):
        simulator.requests.clear()
        assert [job.id for job in client.list_jobs(ids=JOBS[:1])] == [JOBS[0]]
        filtered.append(any(JOBS[0] in str(entry["body"]) for entry in simulator.requests))
    assert filtered == [True, *[False] * 20, *[True] * 4]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2020-12-21 10:57:49", "2020-12-21T10:57:49"),
        ("2026-06-26T17:08:57Z", "2026-06-26T17:08:57Z"),
        ("1608519469412", "2020-12-21T02:57:49Z"),
        ("yesterday", "yesterday"),
        ("", None),
        (None, None),
        (["2020"], None),
    ],
)
def test_times_are_iso_8601_as_far_as_they_can_be(written: object, expected: str | None) -> None:
    body = {"jobs": [{"id": "a", "create_time": written}], "total_record": 1}
    assert LIST_V3.parse(body, "sync").jobs[0].created_at == expected


# What an entry may hold of an error and of an action, and what is read of it: code, message, action.
SAID: list[tuple[dict[str, Any], tuple[str | None, str | None, str | None]]] = [
    ({}, (None, None, None)),
    ({"error_msg": "", "error_code": "DRS.00000000", "job_action": None}, (None, None, None)),
    ({"error_msg": "Full."}, (None, "Full.", None)),
    ({"error_code": "DRS.M05011", "error_message": "Full."}, ("DRS.M05011", "Full.", None)),
    ({"job_action": {"available_actions": []}}, (None, None, None)),
    *(({"job_action": {"current_action": said}}, (None, None, None)) for said in (None, "", " ", "null")),
    ({"job_action": {"current_action": "SWITCH_OVER"}}, (None, None, "SWITCH_OVER")),
]


@pytest.mark.parametrize(("fields", "expected"), SAID, ids=[str(number) for number in range(len(SAID))])
@pytest.mark.parametrize("operation", [LIST_V3, LIST_V5], ids=["v3", "v5"])
def test_an_entry_says_of_errors_and_actions(operation: Any, fields: dict[str, Any], expected: Any) -> None:
    (job,) = operation.parse({"jobs": [{"id": "a", **fields}], operation.total_field: 1}, "sync").jobs
    assert (job.error_code, job.error_message, job.action) == expected


@pytest.mark.parametrize(
    "action", ["SWITCH_OVER", [], 7, {"current_action": 7}, {"current_action": ["STOP"]}], ids=repr
)
def test_an_action_that_cannot_be_read_makes_its_entry_unreadable(action: object) -> None:
    (job,) = LIST_V3.parse({"jobs": [{"id": "a", "job_action": action}], "total_record": 1}, "sync").jobs
    assert not job.readable


BODIES = Path(__file__).resolve().parents[3] / "simulator" / "bodies"


def response_of(name: str) -> Any:
    """A body that was published, or seen in a public transcript."""
    return json.loads((BODIES / name).read_text(encoding="utf-8"))["response"]


def test_the_published_and_the_seen_lists_give_their_jobs() -> None:
    published = LIST_V3.parse(response_of("job-list-v3-documented.json"), "migration")
    # A page of five; the list has two more.
    assert (len(published.jobs), published.total) == (5, 7)
    first = published.jobs[0]
    assert (first.name, first.status, first.created_at) == (
        "DRS-3999-user1",
        "INCRE_TRANSFER_FAILED",
        "2020-12-21T10:57:49",
    )
    assert (first.error_message or "").startswith("service LOGMANAGER failed")
    (seen,) = LIST_V3.parse(response_of("job-list-v3-seen.json"), "migration").jobs
    assert (seen.name, seen.status, seen.task_mode, seen.created_at) == (
        *("drs-mysql-migration", "STARTJOBING"),
        *("FULL_INCR_TRANS", "2026-06-26T17:08:57Z"),
    )
    (v5,) = LIST_V5.parse(response_of("job-list-v5-documented.json"), "sync").jobs
    # It says no type, so it is the one that was asked for.
    assert (v5.name, v5.engine, v5.type, v5.children) == ("DRS-1234", "oracle-to-gaussdbv5", "sync", ())


def test_a_progress_that_was_seen_is_read_without_inventing_anything(
    simulator: Simulator, client_for: ClientFor
) -> None:
    body = response_of("progress-seen-full-started.json")
    simulator.add_fault(kind="status", http_status=200, body=body)
    (record,) = client_for(simulator).progress([body["results"][0]["job_id"]])
    # The service wrote -1, "null" and "N/A".
    assert (record.delay, record.delay_ms, record.processed_at, record.dst_offset) == (None, None, None, None)
    assert (record.status, record.progress, record.src_offset) == (
        *("FULL_TRANSFER_STARTED", 0),
        "mysql-bin-changelog.001731:544",
    )
