# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the comparisons of a job say: answers of ``query-compare-result`` in, one verdict for each kind out.

Source: the page "Querying Data Comparison Results" of both clouds. Only numbers, ids, times and words of closed lists are
taken out of an answer: it also holds rows, keys and SQL text of the user's data, which nothing may show or keep.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import Enum
from typing import Any

from .errors import is_error_code, protocol_error
from .text import iso

# A time in milliseconds from 2001 to 2100: what is written in seconds or microseconds is none.
_EARLIEST_MS, _LATEST_MS = 10**12, 4102444800000
_MILLISECONDS = re.compile(r"[0-9]{13}", re.ASCII)
_ID = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)
_WORD = re.compile(r"[A-Za-z_]{1,40}", re.ASCII)
_CODE = re.compile(r"[0-9A-Za-z._-]{1,40}", re.ASCII)


class CompareKind(str, Enum):
    """What was compared."""

    OBJECTS = "objects"
    ROWS = "rows"
    VALUES = "values"


class CompareVerdict(str, Enum):
    """What the newest comparison of a kind says; only ``consistent`` is evidence that both sides are equal."""

    CONSISTENT = "consistent"
    INCONSISTENT = "inconsistent"
    UNFINISHED = "unfinished"
    FAILED = "failed"
    INCOMPLETE = "incomplete"
    STALE = "stale"
    MISSING = "missing"
    UNKNOWN = "unknown"


# By the API's compare_type. Accounts and random samples compare something else, and so does what is not listed.
_KINDS = {
    "object_comparison": CompareKind.OBJECTS,
    "object": CompareKind.OBJECTS,
    "lines": CompareKind.ROWS,
    "contents": CompareKind.VALUES,
}
# What a status of a comparison means, unless it is SUCCESSFUL, which means finished, whatever the result.
_FINISHED = "SUCCESSFUL"
_OF_STATUS = {
    **dict.fromkeys(("WAITING_FOR_RUNNING", "RUNNING", "FULL_DOING", "INCRE_DOING"), CompareVerdict.UNFINISHED),
    **dict.fromkeys(("FAILED", "CANCELLED", "TIMEOUT_INTERRUPT"), CompareVerdict.FAILED),
}
# Results of a database, an object type or a table, as whole words: CONSISTENT is a part of INCONSISTENT.
_OF_RESULT = {
    "CONSISTENT": CompareVerdict.CONSISTENT,
    "INCONSISTENT": CompareVerdict.INCONSISTENT,
    # Without its database the target lacks everything in it. V3 spells it EXIT, v5 EXIST.
    "TARGET_DB_NOT_EXIT": CompareVerdict.INCONSISTENT,
    "TARGET_DB_NOT_EXIST": CompareVerdict.INCONSISTENT,
    "COMPARING": CompareVerdict.UNFINISHED,
    "WAITING_FOR_COMPARISON": CompareVerdict.UNFINISHED,
    "FAILED_TO_COMPARE": CompareVerdict.FAILED,
    "CAN_NOT_COMPARE": CompareVerdict.INCOMPLETE,
}
# Of several results the first of these counts.
_WORST_FIRST = (
    CompareVerdict.INCONSISTENT,
    CompareVerdict.UNKNOWN,
    CompareVerdict.FAILED,
    CompareVerdict.INCOMPLETE,
    CompareVerdict.UNFINISHED,
    CompareVerdict.CONSISTENT,
)


# How the fields about a kind begin: the part of an answer and the option that asks for it, and what is inside the part.
_BEGINNINGS = {
    CompareKind.OBJECTS: ("object_level", "object"),
    CompareKind.ROWS: ("line", "line"),
    CompareKind.VALUES: ("content", "content"),
}


@dataclass(frozen=True, slots=True)
class CompareTask:
    """One comparison in the list. ``started_at`` is epoch seconds, None if it cannot be read."""

    id: str
    kind: CompareKind | None
    status: str
    started_at: float | None
    ended_at: float | None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list or of an overview, or all of them together.

    ``count`` is the number of entries on all pages, None if the service does not say, ``details`` the worst that the
    tables on the page say. ``problem`` says why it cannot be used, ``error_code`` is what the service says in place of it.
    """

    entries: tuple[Any, ...] = ()
    count: int | None = None
    details: CompareVerdict = CompareVerdict.CONSISTENT
    problem: str = ""
    error_code: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """The result for a database or an object type; by its ``id`` it is counted once, as a comparison in the list is."""

    id: tuple[str, ...]
    verdict: CompareVerdict


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the newest comparison of one kind says of one job. Times are epoch seconds."""

    verdict: CompareVerdict
    id: str | None = None
    status: str | None = None
    started_at: float | None = None
    ended_at: float | None = None
    databases: int | None = None
    different: int | None = None
    error_code: str | None = None
    error_message: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it as an entry of a result's ``comparisons``."""
        times = {"started_at": self.started_at, "ended_at": self.ended_at}
        shown = {name: None if at is None else iso(at) for name, at in times.items()}
        return {**asdict(self), "verdict": self.verdict.value, **shown}


def asked_with(kind: CompareKind, task_id: str) -> dict[str, str]:
    """Return the field of a request that asks for the overview of this comparison."""
    return {f"{_BEGINNINGS[kind][0]}_compare_id": task_id}


def parse_tasks(body: object, job_id: str) -> Page:
    """Return one page of the list of comparisons. Raises :class:`DrsError` for a body of another kind."""
    part = _part(body, job_id, "compare_task_list_results", {}, "The list of comparisons is not an object.")
    if isinstance(part, Page):
        return part
    entries, count = part.get("compare_task_list", []), part.get("compare_task_list_count", 0)
    if not isinstance(entries, list) or not _whole(count):
        return Page(problem="The list of comparisons cannot be read.")
    tasks = [_task(entry) for entry in entries]
    read = tuple(task for task in tasks if task)
    if len(read) < len(tasks):
        return Page(problem="An entry in the list of comparisons cannot be read.")
    return Page(read, count)


def parse_overview(body: object, job_id: str, kind: CompareKind, task_id: str) -> Page:
    """Return one page of the overview of a comparison. Raises :class:`DrsError` for a body of another kind."""
    beginning, name = _BEGINNINGS[kind]
    problem = "The response has no overview of this comparison."
    part = _part(body, job_id, f"{beginning}_compare_results", None, problem)
    if isinstance(part, Page):
        return part
    if part.get("compare_task_id") != task_id:
        return Page(problem="The overview is that of another comparison.")
    # That of objects has neither pages nor tables.
    paged = kind is not CompareKind.OBJECTS
    entries = part.get(f"{name}_compare_overview")
    count = part.get(f"{name}_compare_overview_count") if paged else None
    if not isinstance(entries, list) or (paged and not _whole(count)):
        return Page(problem="The overview of this comparison cannot be read.")
    found = [_entry(entry, name, kind) for entry in entries]
    read = tuple(entry for entry in found if entry)
    if len(read) < len(found):
        return Page(problem="An entry in the overview of this comparison cannot be read.")
    details = _of_details(part.get(f"{name}_compare_details"), name) if paged else ()
    return Page(read, count, _worst([CompareVerdict.CONSISTENT, *details]))


def together(pages: Sequence[Page]) -> Page:
    """Return the pages of one list or overview as one, or why they are not the whole of it."""
    for page in pages:
        if page.problem or page.error_code:
            return page
    entries = tuple(entry for page in pages for entry in page.entries)
    promised = pages[0].count
    if len({page.count for page in pages}) > 1:
        return Page(problem="The number of entries changed while the pages were read.")
    if len({entry.id for entry in entries}) < len(entries):
        return Page(problem="An entry came twice, so another one may be missing.")
    if promised is not None and promised != len(entries):
        return Page(problem=f"{promised} entries are promised, but {len(entries)} came.")
    return Page(entries, promised, _worst([page.details for page in pages]))


def newest(tasks: Page, kind: CompareKind) -> CompareTask | Comparison:
    """Return the newest comparison of a kind, or the verdict if none can be chosen."""
    if tasks.problem or tasks.error_code:
        return _unknown(tasks)
    of_kind: list[CompareTask] = [task for task in tasks.entries if task.kind is kind]
    if not of_kind:
        return Comparison(CompareVerdict.MISSING, error_message="There is no comparison of this kind.")
    undated = next((task for task in of_kind if task.started_at is None), None)
    if undated:
        # It may be the newest.
        return _of(undated, CompareVerdict.STALE, "It is not known when this comparison began.")
    latest = max(task.started_at or 0.0 for task in of_kind)
    chosen = [task for task in of_kind if task.started_at == latest]
    if len(chosen) > 1:
        return _of(chosen[0], CompareVerdict.UNKNOWN, "Several comparisons of this kind began at the same time.")
    return chosen[0]


def before_its_overview(task: CompareTask, started_after: float | None) -> Comparison | None:
    """Return the verdict of a comparison that needs no look at its overview; None if its overview decides."""
    if started_after is not None and (task.started_at is None or task.started_at < started_after):
        return _of(task, CompareVerdict.STALE, f"It began before {iso(started_after)}.")
    if task.status == _FINISHED:
        return None
    verdict = _OF_STATUS.get(task.status, CompareVerdict.UNKNOWN)
    said = {
        CompareVerdict.UNFINISHED: "It has not finished.",
        CompareVerdict.FAILED: "It did not finish; start it again.",
    }
    return _of(task, verdict, said.get(verdict, "Its status is unknown to this version."))


def judged(task: CompareTask, overview: Page) -> Comparison:
    """Return the verdict of a finished comparison by its whole overview."""
    if overview.problem or overview.error_code:
        found = _unknown(overview)
        verdict = CompareVerdict.INCOMPLETE if "promised" in overview.problem else found.verdict
        return replace(_of(task, verdict, found.error_message or ""), error_code=found.error_code)
    verdicts = [entry.verdict for entry in overview.entries]
    if not verdicts:
        return _of(task, CompareVerdict.INCOMPLETE, "Its overview has no entry, so nothing was compared.")
    different = sum(verdict is CompareVerdict.INCONSISTENT for verdict in verdicts)
    # A table that differs contradicts a database that does not: the worse of both counts.
    worst = _worst([*verdicts, overview.details])
    said = {
        CompareVerdict.INCONSISTENT: "Source and target differ.",
        CompareVerdict.UNKNOWN: "A result in its overview is unknown to this version.",
        CompareVerdict.FAILED: "Something could not be compared.",
        CompareVerdict.INCOMPLETE: "Not everything was compared.",
        CompareVerdict.UNFINISHED: "It is still comparing.",
    }
    found = _of(task, worst, said.get(worst, ""))
    return replace(found, databases=len(verdicts), different=different)


def beside_rows(values: Comparison, rows: Comparison) -> Comparison:
    """Return the verdict of a comparison of values, which does not see additional rows of the target."""
    if values.verdict is not CompareVerdict.CONSISTENT or rows.verdict is CompareVerdict.CONSISTENT:
        return values
    text = f"It does not see additional rows of the target, and the comparison of rows is {rows.verdict.value}."
    return replace(values, verdict=CompareVerdict.INCOMPLETE, error_message=text)


def refused(code: str | None, *, empty: bool, in_success: bool) -> Comparison:
    """Return the verdict when the service refuses to tell about a job."""
    if in_success:
        return Comparison(CompareVerdict.UNKNOWN, error_code=_code(code), error_message="The service reports an error.")
    text = "The service has no comparisons of this job." if empty else "The service refuses to tell the comparisons."
    return Comparison(CompareVerdict.MISSING, error_code=_code(code), error_message=text)


def _of(task: CompareTask, verdict: CompareVerdict, why: str) -> Comparison:
    status = task.status if _WORD.fullmatch(task.status) else None
    return Comparison(verdict, task.id, status, task.started_at, task.ended_at, error_message=why or None)


def _unknown(page: Page) -> Comparison:
    text = page.problem or "The service reports an error in place of the result."
    return Comparison(CompareVerdict.UNKNOWN, error_code=_code(page.error_code), error_message=text)


def _part(body: object, job_id: str, name: str, absent: object, problem: str) -> Mapping[str, Any] | Page:
    """A part of an answer, ``absent`` if there is none; a page with the problem if it is no object."""
    if not isinstance(body, dict):
        raise protocol_error("The response is not a JSON object.")
    if is_error_code(body.get("error_code")):
        raise protocol_error("The response is an error.")
    if body.get("job_id") not in (None, job_id):
        return Page(problem="The response is about another job.")
    part = absent if body.get(name) is None else body[name]
    if not isinstance(part, dict):
        return Page(problem=problem)
    if is_error_code(part.get("error_code")):
        return Page(error_code=_code(part["error_code"]) or "unreadable")
    return part


def _code(value: object) -> str | None:
    """A code of the service. Its text is not taken: nobody promises that it holds nothing of the user's data."""
    return value if isinstance(value, str) and _CODE.fullmatch(value) else None


def _task(entry: object) -> CompareTask | None:
    if not isinstance(entry, dict):
        return None
    task_id, kind, status = (entry.get(name) for name in ("compare_task_id", "compare_type", "compare_task_status"))
    if not isinstance(task_id, str) or not _ID.fullmatch(task_id) or not isinstance(kind, str):
        return None
    known = status.strip().upper() if isinstance(status, str) else ""
    return CompareTask(
        task_id, _KINDS.get(kind.strip().lower()), known, _time(entry.get("create_time")), _time(entry.get("end_time"))
    )


def _entry(entry: object, name: str, kind: CompareKind) -> Entry | None:
    if not isinstance(entry, dict):
        return None
    verdict = _result(entry.get(f"{name}_compare_result"))
    if kind is CompareKind.OBJECTS:
        numbers = [entry.get(field) for field in ("source_count", "target_count", "diff_count")]
        if not all(map(_whole, numbers)):
            verdict = _worst((verdict, CompareVerdict.UNKNOWN))
        elif numbers[0] != numbers[1] or numbers[2]:
            verdict = CompareVerdict.INCONSISTENT
        named: tuple[str, ...] = ("object_type",)
    else:
        named = ("source_db_name", "target_db_name")
    key = [part for field in named if isinstance(part := entry.get(field), str)]
    return Entry(tuple(key), verdict) if len(key) == len(named) else None


def _of_details(details: object, name: str) -> Iterator[CompareVerdict]:
    """Verdicts that the tables of a page give: there need be none, but those that are there must not contradict."""
    if details is None:
        return
    if not isinstance(details, list):
        yield CompareVerdict.UNKNOWN
        return
    for database in details:
        if not isinstance(database, dict):
            yield CompareVerdict.UNKNOWN
            continue
        left_out = database.get("content_uncompare_detail_count", 0)
        if left_out != 0 or isinstance(left_out, bool) or database.get("content_uncompare_detail"):
            yield CompareVerdict.INCOMPLETE
        tables = database.get(f"{name}_compare_detail", [])
        for table in tables if isinstance(tables, list) else [None]:
            yield from _of_table(table, name)


def _of_table(table: object, name: str) -> Iterator[CompareVerdict]:
    if not isinstance(table, dict):
        yield CompareVerdict.UNKNOWN
        return
    yield _result(table.get(f"{name}_compare_result"))
    if table.get("diff_row_num", 0) != 0:
        yield CompareVerdict.INCONSISTENT


def _result(word: object) -> CompareVerdict:
    """A number is no word: in other operations of the service, 0 is inconsistent and 2 consistent."""
    if not isinstance(word, str):
        return CompareVerdict.UNKNOWN
    return _OF_RESULT.get(word.strip().upper(), CompareVerdict.UNKNOWN)


def _worst(verdicts: Iterable[CompareVerdict]) -> CompareVerdict:
    return min(verdicts, key=_WORST_FIRST.index)


def _time(value: object) -> float | None:
    """Epoch seconds from milliseconds; None for what is not, or is in another unit."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not _MILLISECONDS.fullmatch(value):
        return None
    return int(value) / 1000 if _EARLIEST_MS <= int(value) < _LATEST_MS else None


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
