# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a wait ended, as the result of a task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from .._gate.gate import Decision, Verdict
from .._gate.quiet import Quiet
from .._gate.reasons import badness
from .._gate.rules import Hold, JudgedJob, Reading, Rule, Rules, finished
from .._job.records import ProgressRecord, StatusRecord
from .._job.status_table import State
from .._job.text import iso
from .history import History

# Of one job, and of all; a result names them so that people can look, the gate judges all.
_MOST_SUBTASKS_OF_A_JOB = 10
_MOST_SUBTASKS = 500
# Ansible prints all of a result that failed: of more jobs than this it has a few.
_MANY_JOBS = 10
_FEW_JOBS = 3


@dataclass(frozen=True)
class Ending:
    """How a wait ended: the last decision, and what led to it."""

    decision: Decision
    history: History
    started_at: float
    finished_at: float
    elapsed: float
    valid_until: float | None
    warnings: tuple[str, ...]


def result(
    ending: Ending, ids: Sequence[str], rules: Rules, *, requests: int, logins: int, full: bool = False
) -> dict[str, Any]:
    """Return the wait as the result of a task, with the same keys for every verdict; ``series`` only if ``full``.

    Unless ``full``, the result of many jobs that are not ready has the worst of them only: a callback shows all of what
    failed, and that of 1,000 jobs is a megabyte.
    """
    decision, history = ending.decision, ending.history
    verdict = decision.verdict or Verdict.ERROR
    jobs = decision.standing.jobs or tuple(_never_read(job_id, rules) for job_id in ids)
    unread = {} if decision.standing.jobs else {"state": State.UNREAD.value}
    quiets = decision.standing.quiets
    ready = verdict is Verdict.READY
    short = len(jobs) > _MANY_JOBS and not full and not ready
    worst = {job.reading.id for job in sorted(jobs, key=badness, reverse=True)[: _FEW_JOBS if short else None]}
    left_out = len(history.transitions) if short else 0
    return {
        "verdict": verdict.value,
        "ready": ready,
        "reason": decision.reason,
        "msg": decision.reason,
        "goal": rules.goal.value,
        "rules": rules.as_dict(),
        "jobs": [
            {**_job(job, history, len(jobs), quiets.get(job.reading.id)), **unread}
            for job in jobs
            if job.reading.id in worst
        ],
        "jobs_left_out": len(jobs) - len(worst),
        "transitions": [] if short else history.transitions,
        "transitions_left_out": history.transitions_left_out + left_out,
        **({"series": history.series} if full else {}),
        "polls": history.polls,
        "requests": requests,
        "logins": logins,
        "errors": history.errors,
        "started_at": iso(ending.started_at),
        "finished_at": iso(ending.finished_at),
        "elapsed": round(ending.elapsed, 1),
        "valid_until": None if ending.valid_until is None else iso(ending.valid_until),
        "failure": None if history.failure is None else dict(history.failure),
    }


def _never_read(job_id: str, rules: Rules) -> JudgedJob:
    """Return a job of which no poll said anything; it may be there all the same."""
    hold = Hold(Rule.UNREAD, "No poll succeeded, so nothing is known of this job.")
    return JudgedJob(Reading(StatusRecord(job_id), ProgressRecord(job_id)), rules.goal, (hold,))


def holds_of(job: JudgedJob) -> list[dict[str, str]]:
    """Why a job is not ready, as its entry has it."""
    return [{"rule": hold.rule.value, "text": hold.text} for hold in job.holds]


def subtasks_of(job: JudgedJob, jobs: int) -> dict[str, Any]:
    """The subtasks of a job, those that hold it first, and how many more there are; ``jobs`` is the number of jobs."""
    most = max(1, min(_MOST_SUBTASKS_OF_A_JOB, _MOST_SUBTASKS // max(1, jobs)))
    shown = sorted(job.subtasks, key=lambda subtask: subtask.ready or finished(subtask.reading))
    return {
        "subtasks": [_subtask(subtask) for subtask in shown[:most]],
        "subtasks_left_out": max(0, len(shown) - most),
    }


def _subtask(subtask: JudgedJob) -> dict[str, Any]:
    reading = subtask.reading
    means = reading.status.meaning
    return {
        "id": reading.id,
        "name": reading.name,
        "found": reading.found,
        "status": reading.status.status,
        "phase": means.phase.value,
        "state": reading.state.value,
        "progress": reading.progress.progress,
        "delay": reading.progress.delay,
        "ready": subtask.ready or finished(reading),
        "holds": [] if finished(reading) else holds_of(subtask),
    }


def _job(job: JudgedJob, history: History, jobs: int, quiet: Quiet | None) -> dict[str, Any]:
    status, progress = job.reading.status, job.reading.progress
    record = replace(
        progress,
        found=job.reading.found,
        status=status.status,
        error_code=status.error_code or progress.error_code,
        error_message=status.error_message or progress.error_message,
    ).as_dict()
    # The API's own object is what drs_job_progress is for; of 1,000 jobs it would be a megabyte.
    del record["raw"]
    # Of a wait, the hold says it.
    del record["rows_applied"]
    trend = history.trend(job)
    return {
        "id": job.reading.id,
        "name": job.reading.name,
        **record,
        "transfer_status": progress.status,
        "quiet": quiet.as_dict() if quiet and quiet.position else None,
        "goal": job.goal.value,
        "ready": job.ready,
        "holds": holds_of(job),
        **subtasks_of(job, jobs),
        "trend": None if trend is None else trend.direction,
        "eta_seconds": None if trend is None else trend.seconds_left,
    }
