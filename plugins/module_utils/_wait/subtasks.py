# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs with their subtasks: which ids belong to which job, and one sample of all of them.

A parent's status and delay say nothing about its subtasks: tables added to a running synchronisation are
copied by a subtask with an id of its own, while the parent says ``INCRE_TRANSFER_STARTED`` with delay 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol, TypeAlias

from .._gate.rules import WITHOUT_SUBTASKS, Reading, Rule, Rules, Subtasks, finished, judge_job
from .._job.errors import DrsError, Kind
from .._job.records import ProgressRecord, StatusRecord
from .._job.status_table import FINISHED
from .._service.jobs.lists import ListedJob
from .._service.jobs.names import Asked, resolve_names

_Records: TypeAlias = tuple[StatusRecord, ProgressRecord]

# Of jobs that have none, which are most: the same for all, in each sample.
_NO_SUBTASKS = {listed: Subtasks(listed=listed) for listed in (False, True)}

_PERMISSION = "Reading the list of jobs needs the permission drs:migrationJob:list."


class Client(Protocol):
    """What reads jobs. ``until`` is in monotonic seconds; see :class:`.client.Client`."""

    def both(self, ids: Sequence[str], until: float) -> tuple[Sequence[StatusRecord], Sequence[ProgressRecord]]:
        """Return both records of each job."""

    def list_jobs(self, *, ids: Sequence[str] | None = None, until: float | None = None) -> Sequence[ListedJob]:
        """Return the jobs of the project, or those with these ids."""


class Jobs:
    """The jobs of one wait, read sample by sample.

    It lists their subtasks in the first sample, and in each in which nothing else holds any job: a list request
    that cannot matter is not sent.
    """

    def __init__(self, asked: Asked, rules: Rules) -> None:
        """``asked`` has ids or names; of names the ids are looked up by the first read."""
        self.ids = asked.ids
        self._given = asked.names
        self._names: dict[str, str] = {}
        self._rules = rules
        self._children: dict[str, tuple[str, ...]] = {}
        self._problems: dict[str, str] = {}
        self._first = True

    def read(self, client: Client, until: float, held: Callable[[], bool]) -> tuple[Reading, ...]:
        """One reading of each job, with its subtasks.

        ``held`` tells whether the hold file exists. Raises :class:`DrsError` when the jobs themselves cannot be read,
        of kind ``configuration`` for a name without exactly one job.
        """
        if not self.ids:
            self.ids = tuple(resolve_names(client, self._given, until))
            self._names.update(zip(self.ids, self._given, strict=True))
        known = [child for job_id in self.ids for child in self._children.get(job_id, ())]
        asked = list(dict.fromkeys([*self.ids, *known]))
        found = _both(client, asked, until)
        listed: frozenset[str] = frozenset()
        if self._rules.check_subtasks and (self._first or self._nothing_else(found, held)):
            there = [job_id for job_id in self.ids if Reading(*found[job_id]).found]
            if there:
                self._list(client, there, found, until)
                self._first, listed = False, frozenset(there)
        return tuple(self._reading(job_id, found, job_id in listed) for job_id in self.ids)

    def _nothing_else(self, found: Mapping[str, _Records], held: Callable[[], bool]) -> bool:
        for job_id in self.ids:
            job = judge_job(self._reading(job_id, found, False, with_problem=False), self._rules, held=False)
            if any(hold.rule is not Rule.SUBTASKS for hold in job.holds):
                return False
            # A subtask that is not found any more may be over: only the list can tell.
            if any(not (child.ready or finished(child.reading)) and child.reading.found for child in job.subtasks):
                return False
        return not held()

    def _list(self, client: Client, ids: Sequence[str], found: dict[str, _Records], until: float) -> None:
        """Take in the list, and read the subtasks that are new in it."""
        before = self._children
        try:
            listed: dict[str, list[ListedJob]] = {}
            for job in client.list_jobs(ids=ids, until=until):
                for entry in (job, *_descendants(job)):
                    listed.setdefault(entry.id, []).append(entry)
            self._children = dict(before)
            for job_id in ids:
                self._problems.pop(job_id, None)
                self._take_in(job_id, listed.get(job_id, ()), before.get(job_id, ()), found)
            more = [child for children in self._children.values() for child in children if child not in found]
            if more:
                found.update(_both(client, list(dict.fromkeys(more)), until))
        except DrsError as error:
            self._children = before
            self._problems.update(dict.fromkeys(ids, _unknown(error)))

    def _take_in(
        self, job_id: str, entries: Sequence[ListedJob], before: Sequence[str], found: Mapping[str, _Records]
    ) -> None:
        for entry in entries:
            if entry.name:
                self._names[job_id] = entry.name
        children = [child for entry in entries for child in _descendants(entry)]
        self._names.update({child.id: child.name for child in children if child.id and child.name})
        ids = [child.id for child in children]
        # A subtask that is in the list no longer runs on if both operations still say so.
        running = [child for child in before if child not in ids and _runs(found[child])]
        running += [child.id for child in children if child.status not in FINISHED]
        # Of entries that contradict each other, the one that says a subtask is running counts.
        self._children[job_id] = tuple(dict.fromkeys(child for child in running if child and child != job_id))
        if not entries and found[job_id][0].status != "DELETED":
            # A deleted job is in no list, and nothing of it runs.
            self._problems[job_id] = (
                f"Subtasks not known: the list of jobs has no entry for this job. {WITHOUT_SUBTASKS}"
            )
        elif not all(ids):
            self._problems[job_id] = (
                f"Subtasks not known: the list of jobs has a subtask without an id. {WITHOUT_SUBTASKS}"
            )

    def _reading(
        self, job_id: str, found: Mapping[str, _Records], listed: bool, *, with_problem: bool = True
    ) -> Reading:
        status, progress = found[job_id]
        # What the latest list could not tell stays unknown until there is another.
        problem = self._problems.get(job_id) if with_problem else None
        children = tuple(
            Reading(*found[child], name=self._names.get(child))
            for child in self._children.get(job_id, ())
            if child in found
        )
        subtasks = Subtasks(children, listed and not problem, problem) if children or problem else _NO_SUBTASKS[listed]
        return Reading(status, progress, self._names.get(job_id), subtasks)


def _both(client: Client, ids: Sequence[str], until: float) -> dict[str, _Records]:
    return dict(zip(ids, zip(*client.both(ids, until), strict=True), strict=True))


def _runs(records: _Records) -> bool:
    reading = Reading(*records)
    return reading.found and not finished(reading)


def _descendants(entry: ListedJob) -> Iterator[ListedJob]:
    """The subtasks of a job, and theirs."""
    for child in entry.children:
        yield child
        yield from _descendants(child)


def _unknown(error: DrsError) -> str:
    why = f"Subtasks not known: {str(error).rstrip('.')}."
    permission = f" {_PERMISSION}" if error.kind is Kind.PERMISSION else ""
    return f"{why}{permission} {WITHOUT_SUBTASKS}"
