# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comparisons say: only a whole, new, finished one of which every entry is equal is consistent."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.cutover.drs.plugins.module_utils._job.comparisons import (
    CompareKind,
    CompareVerdict,
    Page,
    parse_overview,
    parse_tasks,
)
from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError, Kind
from ansible_collections.cutover.drs.plugins.module_utils._service.http.responses import RefusedJobsError
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.comparisons import (
    Compared,
    compared,
    kinds_of,
    started_after_of,
)

BODIES = Path(__file__).resolve().parents[3] / "simulator" / "bodies"
JOB = "c6e65e6a-de99-4112-9697-7c1923ajb201"
FROZEN = 1795521600.0
OLD, NEW = "1795521599000", "1795521660000"
ROWS_ID, VALUES_ID, OBJECTS_ID = "rows-new", "values-new", "objects-new"
# In every place of an answer where a row, a key or SQL text of the user may stand, and in texts of the service.
CANARY = "canary-4711"

Body = dict[str, Any]


def task(task_id: str, kind: str, status: str = "SUCCESSFUL", began: Any = NEW) -> Body:
    entry = {"compare_task_id": task_id, "compare_type": kind, "compare_task_status": status, "end_time": NEW}
    return entry if began is None else {**entry, "create_time": began}


def database(result: Any = "CONSISTENT", name: str = "shop", kind: str = "line") -> Body:
    return {"source_db_name": name, "target_db_name": name, f"{kind}_compare_result": result}


def service() -> Body:
    """What the service knows: after the freeze, everything was compared and is equal; before it, it was different."""
    diffs = [{"content_compare_diff": [{"target_key_value": [CANARY], "target_select_sql": f"select '{CANARY}'"}]}]
    return {
        "job_id": JOB,
        "tasks": [
            task("rows-old", "lines", began=OLD),
            task(ROWS_ID, "lines"),
            task(VALUES_ID, "contents"),
            task(OBJECTS_ID, "object_comparison"),
            task("accounts", "account", "FAILED"),
        ],
        "line": {"id": ROWS_ID, "overview": [database(), database(name="crm")], "details": []},
        "content": {
            "id": VALUES_ID,
            "overview": [database(kind="content"), database(name="crm", kind="content")],
            "details": [{"source_db_name": "shop", "content_uncompare_detail_count": 0}],
            "content_compare_diffs": diffs,
        },
        "object_level": {
            "id": OBJECTS_ID,
            "overview": [
                {"object_type": "TABLE", "object_compare_result": "CONSISTENT", "source_count": 6, "target_count": 6}
                | {"diff_count": 0}
            ],
            "details": {"TABLE": [{"source_db_value": CANARY}]},
        },
    }


class Told:
    """Answers like the service, page by page, from what a test says that it knows; ``largest`` is its page size."""

    def __init__(self, known: Body, largest: int = 100, change: Callable[[Body, Body], None] | None = None) -> None:
        self.known, self.largest, self.change = known, largest, change
        self.asked: list[Body] = []

    def compare_result(
        self, job_id: str, fields: Mapping[str, Any], parse: Callable[[object], Page], until: float | None = None
    ) -> Page:
        self.asked.append({"job_id": job_id, **fields})
        body: Body = {"job_id": self.known["job_id"]}
        tasks = self.known["tasks"]
        body["compare_task_list_results"] = {
            "compare_task_list": self._page(tasks, fields),
            "compare_task_list_count": len(tasks),
        }
        for part in ("line", "content", "object_level"):
            if f"{part}_compare_id" not in fields:
                continue
            known = dict(self.known[part])
            name = "object" if part == "object_level" else part
            overview = known.pop("overview")
            body[f"{part}_compare_results"] = {
                "compare_task_id": known.pop("id"),
                f"{name}_compare_overview": self._page(overview, fields),
                f"{name}_compare_details": known.pop("details"),
                **({} if part == "object_level" else {f"{name}_compare_overview_count": len(overview)}),
                **known,
            }
        if self.change:
            self.change(body, dict(fields))
        # As JSON, as it comes.
        return parse(json.loads(json.dumps(body)))

    def _page(self, entries: list[Any], fields: Mapping[str, Any]) -> list[Any]:
        size = min(fields["per_page"], self.largest)
        first = (fields["current_page"] - 1) * size
        return entries[first : first + size]


class Answers:
    """Answers each request with this body."""

    def __init__(self, body: Any) -> None:
        self.body = body

    def compare_result(self, _job: str, _fields: Any, parse: Callable[[object], Page], _until: Any = None) -> Page:
        return parse(copy.deepcopy(self.body))


ALL = tuple(CompareKind)


def told(known: Body, kinds: tuple[CompareKind, ...] = ALL, after: float | None = FROZEN, **how: Any) -> Compared:
    return compared(Told(known, **how), JOB, kinds, after)


def verdicts(found: Compared) -> dict[str, str]:
    return {kind.value: comparison.verdict.value for kind, comparison in found.by_kind.items()}


@pytest.mark.parametrize("largest", [1, 2, 3, 100])
def test_what_was_compared_after_the_freeze_and_is_equal_is_consistent_whatever_the_size_of_a_page(
    largest: int,
) -> None:
    found = told(service(), (CompareKind.ROWS, CompareKind.VALUES), largest=largest)
    assert verdicts(found) == {"rows": "consistent", "values": "consistent"}
    assert found.consistent
    assert found.by_kind[CompareKind.ROWS].as_dict() == {
        "verdict": "consistent",
        "id": ROWS_ID,
        "status": "SUCCESSFUL",
        "started_at": "2026-11-24T12:01:00Z",
        "ended_at": "2026-11-24T12:01:00Z",
        "databases": 2,
        "different": 0,
        "error_code": None,
        "error_message": None,
    }


def test_objects_are_consistent_if_as_many_are_on_both_sides() -> None:
    assert verdicts(told(service(), (CompareKind.OBJECTS,))) == {"objects": "consistent"}


def part(name: str, **fields: Any) -> Callable[[Body], None]:
    def change(known: Body) -> None:
        known[name].update(fields)

    return change


def result(word: Any) -> Callable[[Body], None]:
    return part("line", overview=[database(), database(word, "crm")])


def tasks(*entries: Body) -> Callable[[Body], None]:
    def change(known: Body) -> None:
        known["tasks"] = [*entries, task(VALUES_ID, "contents"), task(OBJECTS_ID, "object_comparison")]

    return change


# What may be wrong with the comparison of rows, and its verdict.
REFUSED: dict[str, tuple[Callable[[Body], None], str]] = {
    "a newer different one beside an older equal one": (
        tasks(task("rows-old", "lines", began=OLD), task(ROWS_ID, "lines", "RUNNING")),
        "unfinished",
    ),
    "an older one alone": (tasks(task(ROWS_ID, "lines", began=OLD)), "stale"),
    "no start": (tasks(task(ROWS_ID, "lines", began=None)), "stale"),
    "a newer one without a start beside an equal one": (
        tasks(task(ROWS_ID, "lines"), task("rows-x", "lines", began=None)),
        "stale",
    ),
    "a start in seconds": (tasks(task(ROWS_ID, "lines", began="1795521660")), "stale"),
    "a start in microseconds": (tasks(task(ROWS_ID, "lines", began="1795521660000000")), "stale"),
    "a start as a date": (tasks(task(ROWS_ID, "lines", began="2026-11-24T12:01:00Z")), "stale"),
    "two that began together": (tasks(task(ROWS_ID, "lines"), task("rows-x", "lines")), "unknown"),
    "none of the kind": (tasks(), "missing"),
    "the same one twice": (tasks(task(ROWS_ID, "lines"), task(ROWS_ID, "lines")), "unknown"),
    "an entry that is none": (tasks(task(ROWS_ID, "lines"), {}), "unknown"),
    **{
        f"the status {status}": (tasks(task(ROWS_ID, "lines", status)), verdict)
        for verdict, statuses in {
            "unfinished": ("WAITING_FOR_RUNNING", "RUNNING", "FULL_DOING", "INCRE_DOING"),
            "failed": ("FAILED", "CANCELLED", "TIMEOUT_INTERRUPT"),
            "unknown": ("DONE", "", "SUCCESSFUL_WITH_ERRORS", "UNSUCCESSFUL", CANARY),
        }.items()
        for status in statuses
    },
    "different": (result("INCONSISTENT"), "inconsistent"),
    "different in lower case": (result("inconsistent"), "inconsistent"),
    "no database on the target": (result("TARGET_DB_NOT_EXIT"), "inconsistent"),
    "no database on the target, as v5 says": (result("TARGET_DB_NOT_EXIST"), "inconsistent"),
    "still comparing": (result("COMPARING"), "unfinished"),
    "not yet compared": (result("WAITING_FOR_COMPARISON"), "unfinished"),
    "failed to compare": (result("FAILED_TO_COMPARE"), "failed"),
    "cannot be compared": (result("CAN_NOT_COMPARE"), "incomplete"),
    **{
        f"the result {word!r}": (result(word), "unknown")
        for word in (0, 1, 2, 10, 23, "0", "2", True, None, "", "EQUAL", "NOT CONSISTENT", ["CONSISTENT"], CANARY)
    },
    "no entries": (part("line", overview=[]), "incomplete"),
    "an overview of another comparison": (part("line", id="rows-old"), "unknown"),
    "an overview of no comparison": (part("line", id=None), "unknown"),
    "a database twice": (part("line", overview=[database(), database()]), "unknown"),
    "an entry without a database": (part("line", overview=[{"line_compare_result": "CONSISTENT"}]), "unknown"),
    "an error in place of the result": (part("line", error_code="DRS.M05066", error_msg=CANARY), "unknown"),
    "a table that differs in an equal database": (
        part("line", details=[{"line_compare_detail": [{"line_compare_result": "INCONSISTENT", "diff_row_num": 1}]}]),
        "inconsistent",
    ),
    "rows that differ in an equal table": (
        part("line", details=[{"line_compare_detail": [{"line_compare_result": "CONSISTENT", "diff_row_num": 3}]}]),
        "inconsistent",
    ),
    "another job": (lambda known: known.update(job_id="another-jb21"), "unknown"),
}


@pytest.mark.parametrize(("change", "verdict"), REFUSED.values(), ids=list(REFUSED))
def test_what_is_not_equal_new_and_whole_beyond_doubt_is_not_consistent(
    change: Callable[[Body], None], verdict: str
) -> None:
    known = service()
    change(known)
    found = told(known, (CompareKind.ROWS,))
    assert verdicts(found) == {"rows": verdict}
    assert not found.consistent
    said = found.by_kind[CompareKind.ROWS].as_dict()
    assert said["error_message"]
    assert CANARY not in json.dumps(said)


def test_the_result_in_another_case_and_with_blanks_is_the_same_word() -> None:
    known = service()
    result(" consistent ")(known)
    assert told(known, (CompareKind.ROWS,)).consistent


def test_a_comparison_that_began_a_second_before_the_freeze_is_stale_and_one_at_the_freeze_is_not() -> None:
    known = service()
    known["tasks"] = [task(ROWS_ID, "lines", began=OLD)]
    assert verdicts(told(known, (CompareKind.ROWS,))) == {"rows": "stale"}
    assert verdicts(told(known, (CompareKind.ROWS,), after=FROZEN - 1)) == {"rows": "consistent"}
    assert verdicts(told(known, (CompareKind.ROWS,), after=None)) == {"rows": "consistent"}


@pytest.mark.parametrize("count", ["8", 8, -1, None, True])
def test_a_list_whose_number_of_entries_is_wrong_tells_nothing(count: Any) -> None:
    def change(body: Body, _fields: Body) -> None:
        body["compare_task_list_results"]["compare_task_list_count"] = count

    assert verdicts(told(service(), (CompareKind.ROWS,), change=change)) == {"rows": "unknown"}


@pytest.mark.parametrize(
    ("count", "verdict"), [(3, "incomplete"), (1, "incomplete"), ("2", "unknown"), (None, "unknown")]
)
def test_an_overview_whose_number_of_entries_is_wrong_is_not_whole(count: Any, verdict: str) -> None:
    def change(body: Body, fields: Body) -> None:
        if "line_compare_id" in fields:
            body["line_compare_results"]["line_compare_overview_count"] = count

    assert verdicts(told(service(), (CompareKind.ROWS,), change=change)) == {"rows": verdict}


def test_a_page_that_is_missing_or_comes_twice_is_noticed() -> None:
    def missing(body: Body, fields: Body) -> None:
        if "line_compare_id" in fields and fields["current_page"] == 2:
            body["line_compare_results"]["line_compare_overview"] = []

    def first_again(body: Body, fields: Body) -> None:
        if "line_compare_id" in fields:
            body["line_compare_results"]["line_compare_overview"] = [database()]

    assert verdicts(told(service(), (CompareKind.ROWS,), largest=1, change=missing)) == {"rows": "incomplete"}
    assert verdicts(told(service(), (CompareKind.ROWS,), largest=1, change=first_again)) == {"rows": "unknown"}


def test_a_newer_comparison_on_a_later_page_of_the_list_counts() -> None:
    known = service()
    known["tasks"] = [task(f"old-{number}", "lines", began=OLD) for number in range(5)] + [
        task(ROWS_ID, "lines", "FAILED")
    ]
    assert verdicts(told(known, (CompareKind.ROWS,), largest=2)) == {"rows": "failed"}


@pytest.mark.parametrize(
    ("fields", "verdict"),
    [
        ({"diff_count": 1}, "inconsistent"),
        ({"target_count": 7}, "inconsistent"),
        ({"object_compare_result": "INCONSISTENT"}, "inconsistent"),
        ({"diff_count": None}, "unknown"),
        ({"diff_count": "0"}, "unknown"),
        ({"object_type": None}, "unknown"),
    ],
)
def test_objects_that_are_not_equal_in_number_are_not_consistent(fields: Body, verdict: str) -> None:
    known = service()
    known["object_level"]["overview"][0].update(fields)
    assert verdicts(told(known, (CompareKind.OBJECTS,))) == {"objects": verdict}


def test_values_without_rows_beside_them_are_incomplete() -> None:
    known = service()
    known["tasks"] = [task(VALUES_ID, "contents"), task("rows-old", "lines", began=OLD)]
    found = told(known, (CompareKind.VALUES,))
    assert verdicts(found) == {"values": "incomplete"}
    assert "additional rows" in str(found.by_kind[CompareKind.VALUES].error_message)
    assert verdicts(told(service(), (CompareKind.VALUES,))) == {"values": "consistent"}


@pytest.mark.parametrize("left", [1, "0", None, True])
def test_values_of_which_a_table_could_not_be_compared_are_incomplete(left: Any) -> None:
    known = service()
    known["content"]["details"] = [{"content_uncompare_detail_count": left}]
    assert verdicts(told(known, (CompareKind.VALUES,))) == {"values": "incomplete"}


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body.pop("compare_task_list_results"),
        lambda body: body["compare_task_list_results"].clear(),
    ],
)
def test_a_job_without_comparisons_has_none(change: Callable[[Body], Any]) -> None:
    found = told(service(), change=lambda body, _fields: change(body))
    assert set(verdicts(found).values()) == {"missing"}


@pytest.mark.parametrize(
    ("status", "code", "verdict"),
    [(422, "DRS.M00002", "missing"), (400, "DRS.M00289", "missing"), (200, "DRS.M05066", "unknown")],
)
def test_a_refusal_about_the_job_is_its_verdict(status: int, code: str, verdict: str) -> None:
    class Refuses:
        def compare_result(self, *_arguments: Any, **_named: Any) -> Page:
            raise RefusedJobsError({}, CANARY, http_status=status, error_code=code, error_message=CANARY)

    found = compared(Refuses(), JOB, ALL, None)
    assert set(verdicts(found).values()) == {verdict}
    assert {comparison.error_code for comparison in found.by_kind.values()} == {code}
    assert CANARY not in json.dumps(found.as_dict())


@pytest.mark.parametrize("body", [[], "x", None, {"error_code": "DRS.M05066", "error_msg": "no"}])
def test_a_body_that_is_no_answer_is_an_error(body: Any) -> None:
    with pytest.raises(DrsError):
        compared(Answers(body), JOB, ALL, None)


def test_no_row_key_or_sql_text_of_the_user_is_kept() -> None:
    found = told(service())
    assert CANARY not in repr(found)
    assert "shop" not in json.dumps(found.as_dict())


def test_the_published_answer_is_read() -> None:
    body = json.loads((BODIES / "compare-result-v3-documented.json").read_text("utf-8"))
    # Its page has two of eight comparisons, and not the two whose overviews it shows.
    entries = [
        task(body["line_compare_results"]["compare_task_id"], "lines"),
        task(body["content_compare_results"]["compare_task_id"], "contents"),
        task(body["object_level_compare_results"]["compare_task_id"], "object_comparison"),
    ]
    body["compare_task_list_results"] = {"compare_task_list": entries, "compare_task_list_count": 3}

    found = compared(Answers(body), JOB, ALL, None)
    assert verdicts(found) == {"objects": "consistent", "rows": "inconsistent", "values": "inconsistent"}
    assert found.by_kind[CompareKind.OBJECTS].databases == 3


def test_the_published_list_is_not_whole() -> None:
    body = json.loads((BODIES / "compare-result-v3-documented.json").read_text("utf-8"))

    assert set(verdicts(compared(Answers(body), JOB, ALL, None)).values()) == {CompareVerdict.UNKNOWN.value}


@pytest.mark.parametrize("text", ["soon", "2026-11-24", "2026-11-24T12:00:00", "1795521600"])
def test_a_time_that_is_not_certain_is_refused(text: str) -> None:
    with pytest.raises(DrsError, match=r"started_after: .* is not an ISO 8601 time with a time zone"):
        started_after_of(text)


@pytest.mark.parametrize("text", ["2026-11-24T12:00:00Z", "2026-11-24T13:00:00+01:00", "2026-11-24T12:00:00.000000Z"])
def test_a_time_with_its_zone_is_read(text: str) -> None:
    assert started_after_of(text) == FROZEN


def test_no_kind_at_all_is_refused() -> None:
    with pytest.raises(DrsError, match="kinds is empty"):
        kinds_of([])
    assert started_after_of("") is None


_NAMES = """
job_id compare_task_list_results compare_task_list compare_task_list_count compare_task_id compare_type
compare_task_status create_time line_compare_results line_compare_overview line_compare_overview_count
line_compare_result line_compare_details line_compare_detail source_db_name target_db_name error_code
"""
_WORDS = st.sampled_from(_NAMES.split())
_ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from([JOB, ROWS_ID, NEW]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=5),
)


def _page_or_kind(parse: Callable[[object], Page], body: Any) -> Page | Kind:
    try:
        return parse(body)
    except DrsError as error:
        return error.kind


@given(body=_ANY)
@example(body={"job_id": JOB, "compare_task_list_results": {"error_code": "DRS.M05066"}})
@example(body={"job_id": JOB, "line_compare_overview": {"error_code": "DRS.M05066"}})
def test_any_json_gives_a_page_or_a_protocol_error(body: Any) -> None:
    for parse in (
        lambda body: parse_tasks(body, JOB),
        lambda body: parse_overview(body, JOB, CompareKind.ROWS, ROWS_ID),
    ):
        found = _page_or_kind(parse, body)
        assert found is Kind.PROTOCOL or isinstance(found, Page)


@given(body=_ANY)
def test_no_other_answer_opens_what_waits_for_a_comparison(body: Any) -> None:
    with suppress(DrsError):
        found = compared(Answers(body), JOB, [CompareKind.ROWS], FROZEN)
        json.dumps(found.as_dict())
        assert not found.consistent
