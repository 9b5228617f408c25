# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the comparisons of jobs: the list of them, and the overview of the newest of each kind, over all pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ..._job.comparisons import (
    CompareKind,
    CompareTask,
    CompareVerdict,
    Comparison,
    Page,
    asked_with,
    before_its_overview,
    beside_rows,
    judged,
    newest,
    parse_overview,
    parse_tasks,
    refused,
    together,
)
from ..._job.errors import DrsError, Kind, configuration_error
from ..._job.text import counted
from ..http.responses import RefusedJobsError
from ..options import COMPARE_KINDS
from .client import Client

# How many entries a page may have is not published; other lists have at most 100.
_PER_PAGE = 100
_MOST_PAGES = 100
# A list that changes while it is read is read again.
_TRIES = 3


@dataclass(frozen=True)
class Compared:
    """The comparisons of one job: of each kind asked for, of each that was read beside them, and the ids of all.

    A comparison of values needs one of rows, which is in ``all_read`` though nobody may have asked for it.
    """

    id: str
    by_kind: Mapping[CompareKind, Comparison]
    all_read: Mapping[CompareKind, Comparison] = field(default_factory=dict)
    listed: frozenset[str] = frozenset()

    @property
    def consistent(self) -> bool:
        """Whether all kinds that were asked for are consistent."""
        return bool(self.by_kind) and all(found.verdict is CompareVerdict.CONSISTENT for found in self.by_kind.values())

    def as_dict(self) -> dict[str, Any]:
        """Return them as an entry of a result's ``jobs``."""
        comparisons = {kind.value: found.as_dict() for kind, found in self.by_kind.items()}
        return {"id": self.id, "consistent": self.consistent, "comparisons": comparisons}


def compared(
    client: Client,
    job_id: str,
    kinds: Sequence[CompareKind],
    started_after: float | None,
    until: float | None = None,
    known: frozenset[str] = frozenset(),
) -> Compared:
    """Return what the newest comparison of each kind says. Nothing is tried again after ``until`` (monotonic seconds).

    Those whose ids are ``known`` began before, and do not count.

    Raises :class:`DrsError` if the service cannot be asked; what it says of the job is a verdict.
    """
    try:
        tasks = _tasks(client, job_id, until)
        tasks = replace(tasks, entries=tuple(task for task in tasks.entries if task.id not in known))
        found: dict[CompareKind, Comparison] = {}
        # Values say little without rows.
        for kind in (CompareKind.OBJECTS, CompareKind.ROWS, CompareKind.VALUES):
            if kind in kinds or (kind is CompareKind.ROWS and CompareKind.VALUES in kinds):
                found[kind] = _comparison(client, job_id, kind, tasks, started_after, until)
    except RefusedJobsError as error:
        in_success = error.http_status in (200, 202)
        comparison = refused(error.error_code, empty=error.empty, in_success=in_success)
        return Compared(job_id, dict.fromkeys(kinds, comparison), dict.fromkeys(kinds, comparison))
    if CompareKind.VALUES in kinds:
        found[CompareKind.VALUES] = beside_rows(found[CompareKind.VALUES], found[CompareKind.ROWS])
    by_kind = {kind: found[kind] for kind in kinds}
    return Compared(job_id, by_kind, found, frozenset(task.id for task in tasks.entries))


def comparison_ids(client: Client, job_id: str, until: float | None = None) -> frozenset[str]:
    """Return the ids of all comparisons that a job has. Raises :class:`DrsError` if they are not known."""
    try:
        tasks = _tasks(client, job_id, until)
    except RefusedJobsError as error:
        if error.empty:
            return frozenset()
        raise
    if tasks.problem or tasks.error_code:
        why = tasks.problem or f"The service reports {tasks.error_code}."
        raise DrsError(Kind.PROTOCOL, f"The list of comparisons of job {job_id} cannot be used. {why}")
    return frozenset(task.id for task in tasks.entries)


def shown(jobs: Sequence[Compared], kinds: Sequence[CompareKind]) -> dict[str, Any]:
    """Return the comparisons of these kinds as a result has them."""
    consistent = sum(job.consistent for job in jobs)
    return {
        "jobs": [job.as_dict() for job in jobs],
        "consistent": consistent == len(jobs),
        "summary": f"{consistent} of {counted(len(jobs))} consistent ({', '.join(kind.value for kind in kinds)})",
    }


def kinds_of(kinds: Sequence[str]) -> tuple[CompareKind, ...]:
    """Return these kinds, each once. Raises :class:`DrsError` of kind ``configuration`` if there are none."""
    known = tuple(dict.fromkeys(CompareKind(kind) for kind in kinds))
    if not known:
        raise configuration_error(f"kinds is empty. Set at least one of {', '.join(COMPARE_KINDS)}.")
    return known


def started_after_of(text: str | None) -> float | None:
    """Return an ISO 8601 time as epoch seconds; raise :class:`DrsError` of kind ``configuration`` if it is none."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
        if at.tzinfo is not None:
            return at.timestamp()
    except (ValueError, OverflowError):
        pass
    raise configuration_error(
        f"started_after: {text!r} is not an ISO 8601 time with a time zone, such as 2026-11-24T12:00:00Z."
    )


def _comparison(
    client: Client,
    job_id: str,
    kind: CompareKind,
    tasks: Page,
    started_after: float | None,
    until: float | None,
) -> Comparison:
    task = newest(tasks, kind)
    if not isinstance(task, CompareTask):
        return task
    early = before_its_overview(task, started_after)
    if early:
        return early
    fields = asked_with(kind, task.id)
    return judged(task, _read(client, job_id, fields, lambda body: parse_overview(body, job_id, kind, task.id), until))


def _tasks(client: Client, job_id: str, until: float | None) -> Page:
    return _read(client, job_id, {}, lambda body: parse_tasks(body, job_id), until)


def _read(
    client: Client, job_id: str, fields: Mapping[str, Any], parse: Callable[[object], Page], until: float | None
) -> Page:
    """All pages as one; read again if they contradict each other."""

    def page(number: int, size: int) -> Page:
        return client.compare_result(job_id, {"current_page": number, "per_page": size, **fields}, parse, until)

    for _attempt in range(_TRIES):
        whole = together(_pages(page))
        if not whole.problem:
            break
    return whole


def _pages(call: Callable[[int, int], Page]) -> list[Page]:
    size = _PER_PAGE
    pages = [call(1, size)]
    came, promised = len(pages[0].entries), pages[0].count
    if promised is not None and 0 < came < min(promised, size):
        # The service has smaller pages, and the next one of the size asked for would leave some out.
        size = came
        pages = [call(1, size)]
    while len(pages) < _MOST_PAGES and _goes_on(pages, size):
        pages.append(call(len(pages) + 1, size))
    return pages


def _goes_on(pages: Sequence[Page], size: int) -> bool:
    latest = pages[-1]
    if latest.problem or latest.error_code or not latest.entries:
        return False
    if latest.count is None:
        return len(latest.entries) >= size
    return sum(len(page.entries) for page in pages) < latest.count
