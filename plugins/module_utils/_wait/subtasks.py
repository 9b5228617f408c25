# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs with their subtasks: which ids belong to which job, and one sample of all of them.

A parent's status and delay say nothing about its subtasks: tables added to a running synchronisation are
copied by a subtask with an id of its own, while the parent says ``INCRE_TRANSFER_STARTED`` with delay 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import TypeAlias

from .._gate.rules import WITHOUT_SUBTASKS, Goal, ListEntry, Reading, Rule, Rules, Subtasks, finished, judge_job
from .._job.errors import DrsError, Kind
from .._job.records import ProgressRecord, StatusRecord
from .._job.status_table import FINISHED, State, meaning
from .._job.text import listed as first_ones
from .._job.text import printable
from .._service.jobs.client import Client
from .._service.jobs.lists import ListedJob
from .._service.jobs.names import Asked, resolve_names

_Records: TypeAlias = tuple[StatusRecord, ProgressRecord]

# Of jobs that have none, which are most: the same for all, in each sample.
_NO_SUBTASKS = {listed: Subtasks(listed=listed) for listed in (False, True)}

_NO_ENTRY = ListEntry()

# What a subtask passes through on its normal way out, once its copy is complete; or after somebody gave it up.
_RELEASED = ("RELEASE_CHILD_TRANSFER_STARTED", "RELEASE_CHILD_TRANSFER_COMPLETE")
# The number of subtasks that a sentence names.
_NAMED = 3

_PERMISSION = "Reading the list of jobs needs the permission drs:migrationJob:list."


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
        # Whether a source is quiet takes several samples to know: it does not decide what else is to be read.
        self._rules_of_one_sample = replace(rules, require_quiet=False)
        self._children: dict[str, tuple[str, ...]] = {}
        # What the latest list did not tell, or that it told all, of each job for which one was read.
        self._problems: dict[str, str] = {}
        self._ends = _Ends(rules.goal)
        # The number of consecutive lists in which a subtask that was seen running is in no answer.
        self._absent: dict[str, int] = {}
        # Of the list that was read for the sample under way, if one was.
        self._entries: dict[str, ListEntry] = {}

    def read(
        self, client: Client, until: float, held: Callable[[], bool], *, with_list: bool = False
    ) -> tuple[Reading, ...]:
        """One reading of each job, with its subtasks.

        ``held`` tells whether the hold file exists, ``with_list`` to read the list in any case. Raises
        :class:`DrsError` when the jobs themselves cannot be read, of kind ``configuration`` for a name without exactly
        one job.
        """
        if not self.ids:
            self.ids = tuple(resolve_names(client.list_jobs(until=until), self._given))
            self._names.update(zip(self.ids, map(printable, self._given), strict=True))
        self._entries = {}
        known = [child for job_id in self.ids for child in self._children.get(job_id, ())]
        asked = list(dict.fromkeys([*self.ids, *known]))
        found = _both(client, asked, until)
        self._ends.read(self._children, found)
        self._seen(child for child in known if any(record.found for record in found[child]))
        listed: frozenset[str] = frozenset()
        if self._rules.check_subtasks and (with_list or not self._problems or self._nothing_else(found, held)):
            there = [job_id for job_id in self.ids if Reading(*found[job_id]).found]
            if there:
                self._list(client, there, found, until)
                listed = frozenset(there)
        return tuple(self._reading(job_id, found, job_id in listed) for job_id in self.ids)

    def _nothing_else(self, found: Mapping[str, _Records], held: Callable[[], bool]) -> bool:
        for job_id in self.ids:
            job = judge_job(self._reading(job_id, found, False), self._rules_of_one_sample, False)
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
            by_id: dict[str, list[ListedJob]] = {}
            for job in client.list_jobs(ids=ids, until=until):
                for entry in (job, *_descendants(job)):
                    by_id.setdefault(entry.id, []).append(entry)
            self._children = dict(before)
            for job_id in ids:
                self._take_in(job_id, by_id.get(job_id, ()), before.get(job_id, ()), found)
            more = [child for children in self._children.values() for child in children if child not in found]
            if more:
                found.update(_both(client, list(dict.fromkeys(more)), until))
            # Once more, and after the list, which may lag.
            self._ends.read({**before, **self._children}, found)
            for job_id in ids:
                self._problems[job_id] = self._problem(job_id, by_id.get(job_id, ()), found[job_id][0])
            self._entries = {
                job_id: _said(entries, found[job_id]) for job_id, entries in by_id.items() if job_id in found
            }
        except DrsError as error:
            self._children = before
            self._problems.update(dict.fromkeys(ids, _unknown(error)))

    def _take_in(
        self, job_id: str, entries: Sequence[ListedJob], before: Sequence[str], found: Mapping[str, _Records]
    ) -> None:
        for entry in entries:
            if entry.name:
                self._names[job_id] = printable(entry.name)
        children = [child for entry in entries for child in _descendants(entry)]
        self._names.update({child.id: printable(child.name) for child in children if child.id and child.name})
        for child in children:
            self._ends.listed(job_id, child)
        in_list = {child.id for child in children}
        self._seen(in_list)
        deleted = found[job_id][0].status == "DELETED"
        # What the list no longer has, or calls finished, runs on as long as one of the operations says so.
        running = [
            child
            for child in before
            if (_runs(found[child]) if child in in_list else not self._gone(child, found[child], entries, deleted))
        ]
        running += [child.id for child in children if child.status not in FINISHED]
        # Of entries that contradict each other, the one that says a subtask is running counts.
        self._children[job_id] = tuple(dict.fromkeys(child for child in running if child and child != job_id))

    def _seen(self, children: Iterable[str]) -> None:
        """Note that these subtasks are in an answer."""
        for child in children:
            self._absent.pop(child, None)

    def _gone(self, child: str, records: _Records, entries: Sequence[ListedJob], deleted: bool) -> bool:
        """Whether nobody has to wait any more for a subtask that the list does not have.

        ``entries`` are those of its parent, ``deleted`` says that the parent is.
        """
        if any(record.found for record in records):
            return not _runs(records)
        if not entries:
            # Of a job that was deleted nothing runs. Else the list does not tell, which is a hold of its own.
            return deleted
        # One answer without it may be that of a replica which lags: what is in no answer is not known.
        self._absent[child] = self._absent.get(child, 0) + 1
        return self._absent[child] > max(1, self._rules.max_missing)

    def _problem(self, job_id: str, entries: Sequence[ListedJob], status: StatusRecord) -> str:
        """Why the list does not tell what this job's subtasks are, or that they succeeded; nothing if it does."""
        # A deleted job is in no list, and nothing of it runs.
        if not entries and status.status != "DELETED":
            why = "the list of jobs has no entry for this job"
        elif not all(entry.readable for entry in entries):
            why = "the list of jobs has an entry for this job that cannot be read"
        elif not all(child.id for entry in entries for child in _descendants(entry)):
            why = "the list of jobs has a subtask without an id"
        elif any(_holds_itself(entry) for entry in entries):
            why = "the list of jobs has a subtask with the id of its own parent"
        else:
            return self._stopped(job_id)
        return f"Subtasks not known: {why}. {WITHOUT_SUBTASKS}"

    def _stopped(self, job_id: str) -> str:
        """What to say of the subtasks that ended, but did not succeed as far as anybody saw."""
        stopped = {child: status for child, status in self._ends.stopped(job_id).items() if child not in self.ids}
        if not stopped:
            return ""
        shown = first_ones([f"{self._names.get(child, child)} {status}" for child, status in stopped.items()], _NAMED)
        which = "1 subtask has" if len(stopped) == 1 else f"{len(stopped)} subtasks have"
        return f"{which} ended without being seen complete: {shown}. Check what was copied. {WITHOUT_SUBTASKS}"

    def _reading(self, job_id: str, found: Mapping[str, _Records], listed: bool) -> Reading:
        status, progress = found[job_id]
        # What the latest list could not tell stays unknown until there is another.
        problem = self._problems.get(job_id) or None
        children = tuple(
            Reading(*found[child], name=self._names.get(child), entry=self._entry(child))
            for child in self._children.get(job_id, ())
        )
        subtasks = Subtasks(children, listed and not problem, problem) if children or problem else _NO_SUBTASKS[listed]
        return Reading(status, progress, self._names.get(job_id), subtasks, self._entry(job_id))

    def _entry(self, job_id: str) -> ListEntry:
        return self._entries.get(job_id, _NO_ENTRY)


class _Ends:
    """How subtasks ended, as far as the samples of this wait show it: what has ended need not have succeeded."""

    def __init__(self, goal: Goal) -> None:
        self._goal = goal
        # Whether a subtask was seen complete; False for one that was seen failed, and not complete.
        self._succeeded: dict[str, bool] = {}
        # By parent: the status with which each subtask ended.
        self._ended: dict[str, dict[str, str]] = {}

    def read(self, children: Mapping[str, Sequence[str]], found: Mapping[str, _Records]) -> None:
        """Take in what both operations say of the subtasks of each job."""
        for parent, ids in children.items():
            for child in ids:
                self._read(parent, child, found[child])

    def _read(self, parent: str, child: str, records: _Records) -> None:
        said = {record.status for record in records if record.found and record.status}
        for status in said:
            # That something went wrong, one of them may say; that it went well, both must.
            if meaning(status).state is State.FAILED or len(said) == 1:
                self._note(parent, child, status, records[1].task_mode)
        if len(said) > 1 and said <= FINISHED:
            self._ended.setdefault(parent, {})[child] = " and ".join(sorted(said))

    def listed(self, parent: str, child: ListedJob) -> None:
        """Take in what the list says of a subtask."""
        if child.id and child.status:
            self._note(parent, child.id, child.status, child.task_mode)

    def _note(self, parent: str, child: str, status: str, mode: str | None) -> None:
        if self._is_complete(status, mode) and (self._succeeded.get(child, True) or status not in _RELEASED):
            self._succeeded[child] = True
        elif meaning(status).state is State.FAILED:
            self._succeeded.setdefault(child, False)
        if status in FINISHED:
            self._ended.setdefault(parent, {})[child] = status
        else:
            self._ended.get(parent, {}).pop(child, None)

    def _is_complete(self, status: str, mode: str | None) -> bool:
        if status == "FULL_TRANSFER_COMPLETE":
            # Others pass through it.
            return mode == "FULL_TRANS" or self._goal is Goal.FULL_COMPLETE
        return status == "CHILD_TRANSFER_COMPLETE" or status in _RELEASED

    def stopped(self, parent: str) -> dict[str, str]:
        """The subtasks of a job that ended without being seen complete, each with its status."""
        return {
            child: status
            for child, status in self._ended.get(parent, {}).items()
            if not self._succeeded.get(child) and self._goal is not Goal.STOPPED
        }


def _both(client: Client, ids: Sequence[str], until: float) -> dict[str, _Records]:
    return dict(zip(ids, zip(*client.both(ids, until), strict=True), strict=True))


def _runs(records: _Records) -> bool:
    """Whether one of the operations says so."""
    return any(record.found and record.status not in FINISHED for record in records)


def _said(entries: Sequence[ListedJob], records: _Records) -> ListEntry:
    """What the list says of a job; of several entries, what contradicts the two operations."""
    status, progress = records

    def said(name: str, other: str | None) -> str | None:
        values = [value for entry in entries if (value := getattr(entry, name))]
        return next((value for value in values if value != other), values[0] if values else None)

    of_operations = {"status": status.status, "task_mode": progress.task_mode}
    return ListEntry(**{each.name: said(each.name, of_operations.get(each.name)) for each in fields(ListEntry)})


def _descendants(entry: ListedJob) -> Iterator[ListedJob]:
    """The subtasks of a job, and theirs."""
    for child in entry.children:
        yield child
        yield from _descendants(child)


def _holds_itself(entry: ListedJob, above: frozenset[str] = frozenset()) -> bool:
    above |= {entry.id}
    return any((child.id and child.id in above) or _holds_itself(child, above) for child in entry.children)


def _unknown(error: DrsError) -> str:
    why = f"Subtasks not known: {str(error).rstrip('.')}."
    permission = f" {_PERMISSION}" if error.kind is Kind.PERMISSION else ""
    return f"{why}{permission} {WITHOUT_SUBTASKS}"
