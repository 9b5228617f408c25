# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists of jobs in the two versions of the API: requests, pages, and the jobs they hold. Knows no HTTP.

Sources: the pages "Querying the Task List" (v3, both clouds) and "Querying Tasks" (v5, Huawei Cloud only). The
vendor's SDK marks v3 as deprecated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from ..._job.engines import family
from ..._job.errors import LONGEST_WORD, DrsError, Kind, cut, is_error_code, protocol_error
from ..._job.records import StatusRecord, error_fields, text_field, timestamp
from ..._job.status_table import Meaning, meaning
from ..._job.text import printable

_PER_PAGE = 100
# 20,000 jobs of one type: no project has that many, and no service may keep a client busy for ever.
_MOST_PAGES = 200
_LONGEST_TOTAL = 9
# The console takes 50 characters.
_LONGEST_NAME = 500


@dataclass(frozen=True, slots=True)
class ListedJob:
    """A job as a list shows it. A subtask whose ``id`` the list does not say has an empty one."""

    id: str
    name: str | None = None
    type: str | None = None
    engine: str | None = None
    status: str | None = None
    task_mode: str | None = None
    created_at: str | None = None
    children: tuple[ListedJob, ...] = ()
    error_code: str | None = None
    error_message: str | None = None
    # What the service is doing with the job, such as SWITCH_OVER.
    action: str | None = None
    # False if all that can be read of the entry is its id, and perhaps its name.
    readable: bool = True

    @property
    def meaning(self) -> Meaning:
        """Phase and state of the status."""
        return meaning(self.status)

    def as_dict(self) -> dict[str, Any]:
        """The job as an entry of the result of ``drs_job_info``."""
        return {
            "id": self.id or None,
            "name": self.name and printable(self.name),
            "type": self.type,
            "engine": self.engine,
            "engine_family": family(self.engine).value,
            "status": self.status,
            **self.meaning.as_dict(),
            "task_mode": self.task_mode,
            "created_at": self.created_at,
            "subtasks": [child.as_dict() for child in self.children],
        }


class InconsistentListError(DrsError):
    """Pages that contradict each other. The list may have changed between them, so it may be read again."""

    def __init__(self, message: str) -> None:
        super().__init__(Kind.PROTOCOL, message)


@dataclass(frozen=True)
class Page:
    """One page of a list: its jobs, and how many jobs the service says there are on all pages.

    ``unread`` is the number of entries of which not even the id can be read.
    """

    jobs: tuple[ListedJob, ...]
    total: int
    unread: int = 0


@dataclass(frozen=True)
class ListOperation:
    """One way to list jobs. A read, so it may be sent again."""

    name: str
    version: str
    method: str
    total_field: str
    # How many ids, with commas between them, its filter takes.
    ids_at_once: int

    def request(
        self, job_type: str, number: int, read: int, ids: Sequence[str] = ()
    ) -> tuple[str, dict[str, Any] | None]:
        """The query and the body of the request for the page with this number, from 1, which comes after ``read`` jobs."""
        name = {"name": ",".join(ids)} if ids else {}
        if self.version == "v3":
            # Without an engine_type the service lists MySQL alone.
            return "", {"cur_page": number, "per_page": _PER_PAGE, "db_use_type": job_type, "engine_type": "", **name}
        return "?" + urlencode({"job_type": job_type, "offset": read, "limit": _PER_PAGE, **name}), None

    def parse(self, body: object, job_type: str) -> Page:
        """One page. Raises :class:`DrsError` of kind ``protocol`` for a body that is none."""
        if not isinstance(body, dict):
            raise protocol_error("The response is not a JSON object.")
        entries, total = body.get("jobs"), body.get(self.total_field)
        if not isinstance(entries, list) or is_error_code(body.get("error_code")):
            raise protocol_error("The response has no list 'jobs'.")
        number = _total(total)
        if number is None:
            raise protocol_error(f"The response has no number '{self.total_field}'.")
        jobs = tuple(job for entry in entries if (job := _job(entry, job_type)))
        return Page(jobs, number, len(entries) - len(jobs))


LIST_V3 = ListOperation("list of jobs (v3)", "v3", "POST", "total_record", ids_at_once=100)
LIST_V5 = ListOperation("list of jobs (v5)", "v5", "GET", "total_count", ids_at_once=10)


@dataclass
class Pages:
    """The pages of one list so far. It never asks for a page too many, and notices when one is missing."""

    # A list of given ids: whether all came, the ids tell.
    by_id: bool = False
    jobs: dict[str, ListedJob] = field(default_factory=dict)
    number: int = 0
    # How many entries cannot be read. They count, so that they hide no other job.
    unread: int = 0
    # How many jobs the first page said there are.
    total: int | None = None
    # Whether there are as many jobs as the service said.
    complete: bool = False

    @property
    def read(self) -> int:
        """How many entries came so far."""
        return len(self.jobs) + self.unread

    def add(self, page: Page) -> bool:
        """Take in the next page; whether there is another.

        Raises :class:`InconsistentListError` for what cannot be the whole list, each job once.
        """
        self.number += 1
        for job in page.jobs:
            if job.id in self.jobs:
                raise InconsistentListError(
                    f"The list holds job {job.id} twice, the second time on page {self.number}."
                )
            self.jobs[job.id] = job
        self.unread += page.unread
        if self.total not in (None, page.total):
            # A job that is deleted between two pages moves up all after it, and one of them is on neither page.
            raise InconsistentListError(
                f"The list is said to have {self.total} jobs, and {page.total} on page {self.number}."
            )
        self.total = page.total
        read, promised, came = self.read, page.total, len(page.jobs) + page.unread
        if read > promised or (read < promised and not came):
            raise InconsistentListError(f"The list is said to have {promised} jobs, but {read} came.")
        if self.number >= _MOST_PAGES:
            raise InconsistentListError(f"The list has more than {_MOST_PAGES} pages.")
        self.complete = read == promised
        # Batch-status says how many jobs are on the page, not how many there are: a full page may not be the last.
        return not self.complete or (came >= _PER_PAGE and not self.by_id)


def status_of(job: ListedJob) -> StatusRecord:
    """What a list says in place of batch-status."""
    return StatusRecord(job.id, True, job.status, job.error_code, job.error_message)


def merged(lists: Sequence[Mapping[str, ListedJob]]) -> dict[str, ListedJob]:
    """The jobs of several lists. Raises :class:`InconsistentListError` for a job of which two say different things."""
    found: dict[str, ListedJob] = {}
    for jobs in lists:
        for job in jobs.values():
            known = found.setdefault(job.id, job)
            if known is not job and replace(known, type=None) != replace(job, type=None):
                raise InconsistentListError(f"Two lists hold job {job.id} with different content.")
    return found


def every(jobs: Mapping[str, ListedJob]) -> dict[str, ListedJob]:
    """Jobs and their subtasks by id. A job that has an entry of its own counts as that entry says."""
    found: dict[str, ListedJob] = {}
    for job in jobs.values():
        found.update({**every({child.id: child for child in job.children if child.id}), **found})
    return {**found, **jobs}


def _total(value: object) -> int | None:
    """A number of jobs, which some gateways write as text; None for what is none."""
    if isinstance(value, str) and len(value) <= _LONGEST_TOTAL and value.isascii() and value.isdigit():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _job(entry: Any, job_type: str) -> ListedJob | None:
    """The job of an entry: only its id and name if the rest cannot be read, None if there is not even an id."""
    job_id = _id(entry)
    if job_id is None:
        return None
    try:
        return ListedJob(id=job_id, **_fields(entry, job_type))
    except DrsError:
        # Without its name, another job of that name would be taken for the only one.
        name = entry.get("name")
        return ListedJob(job_id, _name(entry) if isinstance(name, str) else None, job_type, readable=False)


def _fields(entry: Mapping[str, Any], job_type: str | None) -> dict[str, Any]:
    error_code, error_message = error_fields(entry)
    return {
        "name": _name(entry),
        "type": text_field(entry, "db_use_type") or text_field(entry, "job_type") or job_type,
        "engine": text_field(entry, "engine_type"),
        "status": text_field(entry, "status"),
        "task_mode": text_field(entry, "task_type"),
        "created_at": _created_at(entry.get("create_time")),
        "children": _children(entry.get("children"), job_type),
        "error_code": error_code,
        "error_message": error_message,
        "action": _action(entry.get("job_action")),
    }


def _action(value: object) -> str | None:
    """What the service is doing with a job. Huawei Cloud says it; the word is not always there."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise protocol_error("The field 'job_action' of a job in the response is not an object.")
    action = text_field(value, "current_action")
    return None if action == "null" else action


def _children(value: object, job_type: str | None) -> tuple[ListedJob, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        # There may be subtasks, but which is not said: as with a subtask without an id.
        return (ListedJob(id=""),)
    return tuple(_child(child, job_type) for child in value)


def _child(entry: object, job_type: str | None) -> ListedJob:
    """A subtask; one that cannot be read has no id, so that whoever reads its parent sees that something is there."""
    try:
        if isinstance(entry, dict):
            return ListedJob(id=_id(entry) or "", **_fields(entry, job_type))
    except DrsError:
        pass
    return ListedJob(id="")


def _name(entry: Mapping[str, Any]) -> str | None:
    """The name as it came, for it is compared; whoever shows it makes it printable."""
    name = entry.get("name")
    if not isinstance(name, str):
        return text_field(entry, "name")
    return name[:_LONGEST_NAME] if name.strip() else None


def _id(entry: object) -> str | None:
    """The id, with which the job is asked for and compared; None for what cannot be one."""
    job_id = entry.get("id") if isinstance(entry, dict) else None
    readable = isinstance(job_id, str) and len(job_id) <= LONGEST_WORD and job_id.isprintable() and job_id.strip()
    return job_id if readable else None


def _created_at(value: object) -> str | None:
    """ISO 8601 where the service says a time: as such, with a blank and no zone, or in milliseconds; else as it came."""
    in_milliseconds = timestamp(value)
    if in_milliseconds or not isinstance(value, str) or not value.strip():
        return in_milliseconds
    without_zone = re.fullmatch(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)", value.strip(), re.ASCII)
    return "T".join(without_zone.groups()) if without_zone else cut(value, LONGEST_WORD)
