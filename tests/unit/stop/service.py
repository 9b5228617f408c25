# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service for the tests of a stop: jobs that stop as a test says, and requests that fail as a test says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError, Kind
from ansible_collections.cutover.drs.plugins.module_utils._job.records import ProgressRecord, StatusRecord
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.lists import ListedJob
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.stop_request import Reply, StopAnswer
from ansible_collections.cutover.drs.plugins.module_utils._stop.decide import StopRules
from ansible_collections.cutover.drs.plugins.module_utils._stop.loop import Stopping
from ansible_collections.cutover.drs.tests.unit.builders import CAUGHT_UP, A, HandClock

BUSY = StopAnswer(Reply.BUSY, "DRS.M01504", "Another operation is being performed.")
WRONG_STATE = StopAnswer(Reply.REFUSED, "DRS.M00304", "API cannot be invoked by a task in the current state.")
DENIED = StopAnswer(Reply.REFUSED, "DRS.M00100", "Denied.")
UNCLEAR = StopAnswer(Reply.UNCLEAR)
ACCEPTED = StopAnswer(Reply.ACCEPTED)
RESET = DrsError(Kind.NETWORK, "The connection was reset.", repeatable=True)
FORBIDDEN = DrsError(Kind.PERMISSION, "HTTP 403 DRS.M00102 No permission.", http_status=403, error_code="DRS.M00102")


@dataclass
class Task:
    """A job. ``answers`` is what the service says to its stops, one after the other; then it accepts them.

    Whether a stop is carried out depends on ``works``: whatever is answered, an ``ACCEPTED`` one of a task that does
    not work changes nothing. ``lag`` is how many seconds the status says nothing of a stop that was carried out.
    """

    status: str | None = CAUGHT_UP
    delay: int | None = 0
    mode: str = "FULL_INCR_TRANS"
    answers: list[StopAnswer] = field(default_factory=list)
    works: bool = True
    lag: float = 0
    takes: float = 10
    end: str = "RELEASE_RESOURCE_COMPLETE"
    stopped_at: float | None = None

    def at(self, now: float) -> str | None:
        if self.stopped_at is None or now < self.stopped_at + self.lag:
            return self.status
        return "RELEASE_RESOURCE_STARTED" if now < self.stopped_at + self.lag + self.takes else self.end


@dataclass
class Service:
    """The client's part in a stop. ``reads`` and ``stops`` are the errors of requests, by their number from 1.

    A stop of a number in ``lost`` is carried out, and then fails.
    """

    tasks: Mapping[str, Task]
    clock: HandClock
    reads: Mapping[int, DrsError] = field(default_factory=dict)
    stops: Mapping[int, DrsError] = field(default_factory=dict)
    lost: frozenset[int] = frozenset()
    batch_size: int = 100
    takes: float = 0.0
    children: tuple[ListedJob, ...] = ()
    others: Mapping[str, Task] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    sent: list[tuple[tuple[str, ...], bool]] = field(default_factory=list)

    def statuses(self, ids: Sequence[str], until: float | None = None) -> list[StatusRecord]:
        return self._read("statuses", ids)

    def both(self, ids: Sequence[str], until: float | None = None) -> tuple[list[StatusRecord], list[ProgressRecord]]:
        statuses = self._read("both", ids)
        return statuses, [self._progress(record) for record in statuses]

    def list_jobs(self, *, ids: Sequence[str] | None = None, until: float | None = None) -> list[ListedJob]:
        return [ListedJob(job_id, status=self.tasks[job_id].status, children=self.children) for job_id in ids or ()]

    def stop(self, ids: Sequence[str], *, force: bool = False, until: float | None = None) -> dict[str, StopAnswer]:
        self.sent.append((tuple(ids), force))
        number = len(self.sent)
        if number in self.stops and number not in self.lost:
            raise self.stops[number]
        answers = {job_id: self._stop(self.tasks[job_id]) for job_id in ids}
        if number in self.stops:
            raise self.stops[number]
        return answers

    def _read(self, how: str, ids: Sequence[str]) -> list[StatusRecord]:
        self.asked.append(how)
        self.clock.pass_by(self.takes)
        if len(self.asked) in self.reads:
            raise self.reads[len(self.asked)]
        return [self._status(job_id) for job_id in ids]

    def _status(self, job_id: str) -> StatusRecord:
        status = {**self.others, **self.tasks}[job_id].at(self.clock.time)
        return StatusRecord(job_id) if status is None else StatusRecord(job_id, True, status)

    def _progress(self, record: StatusRecord) -> ProgressRecord:
        task = {**self.others, **self.tasks}[record.id]
        return ProgressRecord(record.id, record.found, record.status, task_mode=task.mode, delay=task.delay)

    def _stop(self, task: Task) -> StopAnswer:
        answer = task.answers.pop(0) if task.answers else ACCEPTED
        live = task.at(self.clock.time) == task.status
        if answer.reply is Reply.ACCEPTED and task.stopped_at is not None and live:
            return WRONG_STATE
        if answer.reply is Reply.ACCEPTED and task.works and task.stopped_at is None:
            task.stopped_at = self.clock.time
        return answer


@dataclass
class Stopped:
    """What a stop did: its result, its lines, and the service and the clock it was done with."""

    result: dict[str, Any]
    lines: list[str]
    service: Service

    @property
    def sent(self) -> list[tuple[str, ...]]:
        """The ids of each request that stops jobs."""
        return [ids for ids, _force in self.service.sent]


def stopped(
    *tasks: Task,
    ids: Sequence[str] = (),
    check_mode: bool = False,
    until: float | None = None,
    kind: type[Service] = Service,
    service: Mapping[str, Any] | None = None,
    **rules: Any,
) -> Stopped:
    """Stop these tasks; one that is ready by default. ``service`` has more fields of :class:`Service`."""
    tasks = tasks or (Task(),)
    names = list(ids) or [A, *(f"{number:08d}-0000-4000-8000-00000000jb21" for number in range(1, len(tasks)))]
    clock, lines = HandClock(), list[str]()
    played = kind(dict(zip(names, tasks, strict=True)), clock, **(service or {}))
    stop_rules = StopRules(**rules)
    until = until or clock.time + stop_rules.timeout
    stopping: Any = Stopping(played, names, stop_rules, until, lines.append, clock.clock(), None)
    return Stopped(stopping.outcome(check_mode), lines, played)
