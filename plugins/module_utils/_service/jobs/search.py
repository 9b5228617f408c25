# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which list requests find the jobs asked for, and what one run has learned about the service on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from ..._job.errors import DrsError, Kind
from ..http.responses import RefusedJobsError
from ..options import JOB_TYPES
from .lists import (
    LIST_V3,
    LIST_V5,
    InconsistentListError,
    ListedJob,
    ListOperation,
    Page,
    Pages,
    every,
    merged,
)

# A list that changes while it is read is read again; one that still contradicts itself is wrong.
_TRIES = 3
# The number of readings without the filter, after it found none of the jobs that the whole list has.
_WITHOUT_FILTER = 20
# "Invalid page number" and the like. The page after the last one is asked for to know that it was the last.
_NO_SUCH_PAGE = ("DRS.M00210", "DRS.M00211")

Found = dict[str, ListedJob]
# Sends one request for the page of a list that comes after these, repeated as often as makes sense: the operation, the
# type of jobs, the pages, the ids that the filter takes, and until when it is tried again.
Call = Callable[[ListOperation, str, Pages, Sequence[str], "float | None"], Page]


class Listing:
    """Lists jobs by v3, by v5 once v3 turned out to be withdrawn."""

    def __init__(
        self,
        call: Call,
        together: Callable[[Sequence[Callable[[], Found]]], list[Found]],
        late: Callable[[float | None], bool],
    ) -> None:
        """``together`` calls functions at once and returns what they return, in their order; ``late`` says if time is up."""
        self._call = call
        self._late = late
        self._together = together
        self._operation = LIST_V3
        # Open Telekom Cloud does not document that the filter takes ids.
        self._without_filter = 0
        self.unread = False
        self._type_of: dict[str, str] = {}

    def jobs(self, ids: Sequence[str] | None, types: Sequence[str] | None, until: float | None) -> Found:
        """The jobs with these ids, subtasks too, as far as they are listed; without ids all jobs of these types, or of all."""
        ids = None if ids is None else list(dict.fromkeys(ids))
        types = list(dict.fromkeys(types or JOB_TYPES))
        try:
            return self._jobs(ids, types, until)
        except DrsError as error:
            if not error.withdrawn or self._operation is not LIST_V3:
                raise
        self._operation = LIST_V5
        try:
            return self._jobs(ids, types, until)
        except DrsError:
            # One answer does not say that v3 is withdrawn: v5 must be there. Not every cloud has it.
            self._operation = LIST_V3
            raise

    def _jobs(self, ids: Sequence[str] | None, types: Sequence[str], until: float | None) -> Found:
        if ids is None:
            return merged(self._together([partial(self._list, job_type, (), until) for job_type in types]))
        self._without_filter = max(0, self._without_filter - 1)
        filtered = not self._without_filter
        found = self._by_filter(ids, types, until) if filtered else {}
        by_filter = len(found)
        for job_type in types:
            missing = [job_id for job_id in ids if job_id not in found]
            if not missing:
                break
            self._refuse_if_late(until, filtered or job_type != types[0])
            listed = every(self._list(job_type, (), until))
            found.update({job_id: listed[job_id] for job_id in missing if job_id in listed})
        if found and filtered and not by_filter:
            # Not for ever: one answer may be that of a replica that lags.
            self._without_filter = _WITHOUT_FILTER + 1
        return found

    def _by_filter(self, ids: Sequence[str], types: Sequence[str], until: float | None) -> Found:
        """The jobs that the filter by id finds: first where they were found before, then type by type."""
        known = dict(self._type_of)
        before = {job_type: [job_id for job_id in ids if known.get(job_id) == job_type] for job_type in types}
        found: Found = {}
        try:
            self._find(found, before, until)
            for job_type in types:
                missing = [job_id for job_id in ids if job_id not in found and known.get(job_id) != job_type]
                if missing:
                    self._refuse_if_late(until, any(before.values()) or job_type != types[0])
                self._find(found, {job_type: missing}, until)
        except DrsError as error:
            if error.kind is not Kind.INVALID_REQUEST or error.withdrawn:
                raise
            # The filter was refused, for its length or for a job that does not exist: the whole list tells.
        return found

    def _find(self, found: Found, wanted: dict[str, list[str]], until: float | None) -> None:
        size = self._operation.ids_at_once
        reads = [
            partial(self._list, job_type, ids[start : start + size], until)
            for job_type, ids in wanted.items()
            for start in range(0, len(ids), size)
        ]
        asked = {job_id: job_type for job_type, ids in wanted.items() for job_id in ids}
        for listed in self._together(reads) if reads else ():
            for job_id, job in listed.items():
                if job_id in asked:
                    found[job_id] = job
                    self._type_of[job_id] = asked[job_id]

    def _refuse_if_late(self, until: float | None, further: bool) -> None:
        """Raise :class:`DrsError` for a further request when time is up; the first may still be sent."""
        if further and self._late(until):
            raise DrsError(Kind.NETWORK, f"Time was up before the {self._operation.name} was read completely.")

    def _list(self, job_type: str, ids: Sequence[str], until: float | None) -> Found:
        """All pages of one list."""
        attempt = 1
        while True:
            try:
                return self._pages(job_type, ids, until)
            except InconsistentListError as error:
                if attempt == _TRIES or self._late(until):
                    where = f"{self._operation.name} of type {job_type}"
                    raise DrsError(Kind.PROTOCOL, f"The {where} cannot be used: {error}", attempts=attempt) from None
                attempt += 1

    def _pages(self, job_type: str, ids: Sequence[str], until: float | None) -> Found:
        pages, more = Pages(by_id=bool(ids)), True
        while more:
            self._refuse_if_late(until, pages.number > 0)
            try:
                page = self._call(self._operation, job_type, pages, ids, until)
            except DrsError as error:
                if not _is_empty(error, pages):
                    raise
                page = Page((), pages.read)
            more = pages.add(page)
        self.unread = self.unread or bool(pages.unread)
        return pages.jobs


def _is_empty(error: DrsError, pages: Pages) -> bool:
    """Whether a refusal says that there are no jobs, or no more of them."""
    if isinstance(error, RefusedJobsError):
        return error.empty and not pages.read
    return error.error_code in _NO_SUCH_PAGE and pages.complete
