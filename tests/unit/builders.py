# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values for the tests of the gate: a job has caught up unless a test says otherwise, and no clock waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._gate.gate import (
    Decision,
    FailedPoll,
    Observation,
    Sample,
    Standing,
    judge,
)
from ansible_collections.cutover.drs.plugins.module_utils._gate.rules import Goal, ListEntry, Reading, Rules, Subtasks
from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError, Kind
from ansible_collections.cutover.drs.plugins.module_utils._job.records import ProgressRecord, StatusRecord
from ansible_collections.cutover.drs.plugins.module_utils._service import lazy
from ansible_collections.cutover.drs.plugins.module_utils._service.http.clock import Clock
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.lists import ListedJob
from ansible_collections.cutover.drs.plugins.module_utils._service.options import CONNECTION_OPTIONS
from ansible_collections.cutover.drs.plugins.module_utils._wait import loop
from ansible_collections.cutover.drs.plugins.module_utils._wait.options import WAIT_OPTIONS

A = "9a470239-2308-4bb5-a6bc-1040402fjb21"
B = "dc67695a-ee3e-49b8-a022-a099bd81jb21"
C = "24834eb6-be30-464e-a299-f7aa730jb101"

# 2026-11-24T12:00:00Z, the time of day in the examples of the design.
NOON = 1795521600.0

CAUGHT_UP = "INCRE_TRANSFER_STARTED"


def reading(job_id: str = A, status: str | None = CAUGHT_UP, **fields: Any) -> Reading:
    """What both operations say of a job; fields of the progress record by name.

    ``transfer_status`` is what batch-progress says where it says something else, ``error`` an
    error (code, message) in batch-status, ``found`` whether batch-status and batch-progress know the job,
    ``subtasks`` what is known of its subtasks: that it has none, unless a test says otherwise, ``entry`` what the
    list says of the job.
    """
    both = fields.pop("transfer_status", status)
    code, message = fields.pop("error", (None, None))
    subtasks, name = fields.pop("subtasks", Subtasks(listed=True)), fields.pop("name", None)
    in_list = fields.pop("entry", ListEntry())
    in_status, in_progress = fields.pop("found", (True, True))
    known: dict[str, Any] = {"task_mode": "FULL_INCR_TRANS", "progress": 100, "delay": 0, **fields}
    progress = ProgressRecord(job_id, True, both, **known)
    return Reading(
        StatusRecord(job_id, True, status, code, message) if in_status else StatusRecord(job_id),
        progress if in_progress else ProgressRecord(job_id),
        name,
        subtasks,
        in_list,
    )


def sample(ended: float, *readings: Reading, held: bool = False, took: float = 0.0) -> Sample:
    """A sample that ended this number of seconds into the wait; of a job that has caught up by default."""
    return Sample(ended - took, ended, NOON + ended, readings or (reading(),), held)


def failed_poll(ended: float, message: str = "It broke.", *, final: bool = False) -> FailedPoll:
    """A poll that gave nothing."""
    return FailedPoll(ended, ended, NOON + ended, message, DrsError(Kind.NETWORK, message).failure(), final)


def judged(rules: Rules, *seen: Observation) -> list[Decision]:
    """The decision after each observation; the wait must not be over before the last of them."""
    decisions: list[Decision] = []
    standing = Standing()
    for number, observation in enumerate(seen, start=1):
        decisions.append(judge(standing, observation, rules))
        standing = decisions[-1].standing
        assert decisions[-1].verdict is None or number == len(seen), decisions[-1].reason
    return decisions


def caught_up(**options: Any) -> Rules:
    """Rules of goal caught_up, for samples that are 30 s apart during a streak too."""
    return Rules(**{"goal": Goal.CAUGHT_UP, "near_interval": 30, **options})


class HandClock:
    """Time that passes only when something sleeps, or takes time by ``pass_by``."""

    def __init__(self, *, chance: Sequence[float] = (1.0,), boot: float = 1000.0) -> None:
        self.time = boot
        self.boot = boot
        self.sleeps: list[float] = []
        self.asked: list[tuple[float, float]] = []
        self._chance = chance

    @property
    def waited(self) -> float:
        """Seconds since the clock was made."""
        return self.time - self.boot

    def pass_by(self, seconds: float) -> None:
        self.time += seconds

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.sleeps.append(seconds)
        self.pass_by(seconds)

    def uniform(self, least: float, most: float) -> float:
        self.asked.append((least, most))
        return self._chance[(len(self.asked) - 1) % len(self._chance)]

    def clock(self) -> Clock:
        return Clock(lambda: self.time, lambda: NOON + self.waited, self.sleep, self.uniform)


Answers = tuple[Sequence[StatusRecord], Sequence[ProgressRecord]]


def answers(*readings: Reading) -> Answers:
    """Both answers that give these readings."""
    return [each.status for each in readings], [each.progress for each in readings]


Step = Answers | DrsError | Callable[[], Answers]


def entry(
    job_id: str, name: str | None = None, status: str | None = CAUGHT_UP, children: tuple[ListedJob, ...] = ()
) -> ListedJob:
    """A job in a list of jobs."""
    return ListedJob(job_id, name, status=status, children=children)


Listed = Callable[[Sequence[str] | None], Sequence[ListedJob]]


def _without_subtasks(ids: Sequence[str] | None) -> Sequence[ListedJob]:
    # It says nothing of a status, so it contradicts no script.
    return [entry(job_id, status=None) for job_id in ids or ()]


class Script:
    """Stands in for the client of a wait: answers what the script has next, and its last step for ever.

    A job that a step does not have has caught up, and no job has subtasks.
    """

    requests_sent = 0
    logins = 1
    warnings: ClassVar[list[str]] = []
    about: ClassVar[dict[str, str | None]] = {
        "endpoint": "https://drs.example.com",
        "region": "eu-de",
        "project_id": "054b",
        "user": "demo",
    }

    def __init__(self, *steps: Step, clock: HandClock, takes: float = 0.0) -> None:
        self._steps = steps
        self._clock = clock
        self._takes = takes
        # When each poll began, in seconds since the wait began, and until when it could be tried again.
        self.began: list[float] = []
        self.until: list[float] = []
        self.closed = False
        self.listed: Listed = _without_subtasks

    def shown(self, value: Any, _known: object = ()) -> Any:
        """There are no secrets."""
        return value

    def both(self, ids: Sequence[str], until: float) -> Answers:
        step = self._steps[min(len(self.began), len(self._steps) - 1)]
        self.began.append(self._clock.waited)
        self.until.append(until - self._clock.boot)
        self.requests_sent += 2
        self._clock.pass_by(self._takes)
        answer = step() if callable(step) else step
        if isinstance(answer, DrsError):
            raise answer
        statuses, progress = ({record.id: record for record in records} for records in answer)
        others = {job_id: reading(job_id) for job_id in ids}
        return (
            [statuses.get(job_id, others[job_id].status) for job_id in ids],
            [progress.get(job_id, others[job_id].progress) for job_id in ids],
        )

    def list_jobs(self, *, ids: Sequence[str] | None = None, until: float | None = None) -> Sequence[ListedJob]:
        self.requests_sent += 1
        return self.listed(ids)

    def close(self) -> None:
        self.closed = True


class Waiting:
    """Runs whole waits against scripts, and keeps what they said and when they slept."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.clock = HandClock()
        self.lines: list[str] = []
        self._listed: Listed = _without_subtasks

    def lists(self, listed: Listed) -> None:
        """What the list of jobs has from now on."""
        self._listed = listed

    def __call__(
        self,
        *steps: Step,
        takes: float = 0.0,
        chance: Sequence[float] = (1.0,),
        login: DrsError | None = None,
        check_mode: bool = False,
        folder: str = "",
        limit: float | None = None,
        named: Callable[[str], str] = str,
        **options: Any,
    ) -> dict[str, Any]:
        """The result of a wait for job A, unless ``jobs`` says otherwise, by goal caught_up."""
        self.clock = HandClock(chance=chance)
        self.script = Script(*steps, clock=self.clock, takes=takes)
        self.script.listed = self._listed

        def connect(*_arguments: Any, **_timing: Any) -> Script:
            if login:
                raise login
            return self.script

        self._monkeypatch.setattr(lazy, "connect", connect)
        defaults = {name: spec.get("default") for name, spec in {**CONNECTION_OPTIONS, **WAIT_OPTIONS}.items()}
        chosen = {**defaults, "jobs": [A], "goal": "caught_up", "series": True, **options}
        return loop.run(
            chosen,
            {},
            one_sample=check_mode,
            say=self.lines.append,
            clock=self.clock.clock(),
            folder=folder,
            limit=limit,
            named=named,
        )

    @property
    def sleeps(self) -> list[float]:
        return self.clock.sleeps


def without_raw(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A record without the API's own object."""
    return {name: value for name, value in fields.items() if name != "raw"}
