# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate once more, written from the design's tables and not from the code, to compare the two.

It is slow and plain on purpose: it keeps no state from one observation to the next, but looks at
everything seen so far each time. Where the design leaves room, the reading is in a comment.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ansible_collections.cutover.drs.tests.unit.job.test_status_table import ROWS

MEANING = {row[0]: (row[1], row[2]) for row in ROWS}
GOAL_OF_MODE = {"FULL_TRANS": "full_complete", "INCR_TRANS": "caught_up", "FULL_INCR_TRANS": "caught_up"}


@dataclass(frozen=True)
class Job:
    """What both operations said of one job."""

    status: str = "INCRE_TRANSFER_STARTED"
    transfer_status: str = "INCRE_TRANSFER_STARTED"
    mode: str | None = "FULL_INCR_TRANS"
    delay: int | None = 0
    progress: int | None = 100
    part: int | None = None
    error: bool = False
    progress_error: bool = False
    in_status: bool = True
    in_progress: bool = True
    # The subtasks that the latest list has and that it does not call finished; whether the list was read for this
    # very sample, and whether the latest one could not be used.
    subtasks: tuple[Job, ...] = ()
    listed: bool = True
    not_told: bool = False


@dataclass(frozen=True)
class Seen:
    """One poll: its jobs, or that it failed."""

    began: float
    ended: float
    jobs: tuple[Job, ...] = ()
    held: bool = False
    failed: bool = False
    final: bool = False


@dataclass
class Expected:
    """What the design says after the last of some polls."""

    verdict: str | None
    streak: int
    holds: list[set[str]] = field(default_factory=list)


def phase_and_state(job: Job) -> tuple[str, str]:
    if not (job.in_status and job.in_progress):
        return "unknown", "missing"
    return MEANING.get(job.status, ("unknown", "unknown"))


def goal_of(job: Job, options: dict[str, Any]) -> str | None:
    if options["goal"] != "auto":
        return str(options["goal"])
    # A job that batch-progress does not know has no mode, but then it is held and missing anyway.
    return GOAL_OF_MODE.get(job.mode or "") if job.in_progress else None


def finished(job: Job) -> bool:
    over = ("RELEASE_CHILD_TRANSFER_COMPLETE", "RELEASE_RESOURCE_COMPLETE", "DELETED")
    return job.in_status and job.in_progress and job.status in over and job.transfer_status == job.status


def all_holds(poll: Seen, options: dict[str, Any]) -> list[set[str]]:
    """The holds of each job of a sample. When nothing holds any job, the list must have been read for this sample."""
    holds = [holds_of(job, poll.held, options) for job in poll.jobs]
    if options["check_subtasks"] and not any(holds):
        return [set() if job.listed else {"subtasks"} for job in poll.jobs]
    return holds


def holds_of(job: Job, held: bool, options: dict[str, Any]) -> set[str]:
    holds = {"hold_file"} if held else set()
    if not (job.in_status and job.in_progress):
        # Of a job that is not found nothing else is asked.
        return holds | {"not_found"}
    phase, state = phase_and_state(job)
    goal = goal_of(job, options)
    done = {
        "full_complete": job.status == "FULL_TRANSFER_COMPLETE" or job.status == "INCRE_TRANSFER_STARTED",
        "caught_up": job.status == "INCRE_TRANSFER_STARTED",
        "stopped": job.status in ("RELEASE_RESOURCE_COMPLETE", "DELETED"),
        None: False,
    }
    if (phase, state) == ("unknown", "unknown"):
        holds.add("unknown_status")
    if not done[goal]:
        holds.add("wrong_phase")
    # A job of the mode FULL_TRANS that is incremental contradicts itself, where the mode decides.
    contradiction = options["goal"] == "auto" and job.mode == "FULL_TRANS" and phase == "incremental"
    if job.status != job.transfer_status or contradiction:
        holds.add("disagreement")
    if job.error or job.progress_error:
        holds.add("error_reported")
    # A job in the full phase is not also held by its delay.
    in_time = job.delay is not None and 0 <= job.delay <= options["max_delay"]
    if goal == "caught_up" and phase != "full" and not in_time:
        holds.add("delay")
    if options["require_full_progress"] and (job.progress != 100 or job.part not in (None, 100)):
        holds.add("incomplete")
    if options["check_subtasks"]:
        late = [each for each in job.subtasks if not finished(each) and holds_of(each, False, options)]
        if late or job.not_told:
            holds.add("subtasks")
    return holds


def streak_of(polls: list[Seen], options: dict[str, Any]) -> list[Seen]:
    """The samples at the end of the polls that are a streak."""
    longest = 3 * options["near_interval"]
    streak: list[Seen] = []
    for poll in reversed(polls):
        if poll.failed or any(all_holds(poll, options)):
            break
        if streak and streak[0].began - poll.ended > longest:
            break
        streak.insert(0, poll)
    return streak


def in_a_row(polls: list[Seen], state: str) -> int:
    """How many samples at the end have a job in this state; a failed poll is no sample."""
    number = 0
    for poll in reversed([poll for poll in polls if not poll.failed]):
        if not any(phase_and_state(job)[1] == state for job in poll.jobs):
            break
        number += 1
    return number


def unknown_for(polls: list[Seen]) -> list[float]:
    """Seconds for which each job with an unknown status has had one, from end to end of the samples that say so."""
    samples = [poll for poll in polls if not poll.failed]
    lasted = []
    for number, job in enumerate(samples[-1].jobs):
        since = None
        if phase_and_state(job)[1] == "unknown":
            for poll in reversed(samples):
                if phase_and_state(poll.jobs[number])[1] != "unknown":
                    break
                since = poll.ended
        if since is not None:
            lasted.append(samples[-1].ended - since)
    return lasted


def has_failed(job: Job, options: dict[str, Any]) -> bool:
    found = job.in_status and job.in_progress
    if options["check_subtasks"] and found and any(has_failed(each, options) for each in job.subtasks):
        return True
    if goal_of(job, options) == "stopped":
        return phase_and_state(job)[1] == "failed" and job.status == "RELEASE_RESOURCE_FAILED"
    return phase_and_state(job)[1] == "failed"


def has_ended(job: Job, options: dict[str, Any]) -> bool:
    return phase_and_state(job)[0] == "release" and goal_of(job, options) != "stopped" and not has_failed(job, options)


def expected(polls: list[Seen], options: dict[str, Any]) -> Expected:
    """The verdict after these polls, none of which but the last may have one."""
    last = polls[-1]
    streak = streak_of(polls, options)
    holds = all_holds(last, options)
    return Expected(verdict_of(polls, streak, holds, options), len(streak), holds)


def verdict_of(polls: list[Seen], streak: list[Seen], holds: list[set[str]], options: dict[str, Any]) -> str | None:
    last = polls[-1]
    late = last.ended >= options["timeout"]
    if last.failed:
        failed = 0
        while failed < len(polls) and polls[-1 - failed].failed:
            failed += 1
        if last.final or failed > options["max_errors"]:
            return "error"
        if late:
            # Without a single sample there is no job of which a timeout could tell anything.
            return "timeout" if any(not poll.failed for poll in polls) else "error"
        return None
    stopped = [has_failed(job, options) or has_ended(job, options) for job in last.jobs]
    if any(stopped):
        others_done = all(gone or not hold for gone, hold in zip(stopped, holds, strict=True))
        if options["fail_fast"] or others_done:
            return "failed" if any(has_failed(job, options) for job in last.jobs) else "ended"
    if in_a_row(polls, "missing") > options["max_missing"]:
        return "missing"
    # Nothing at all is allowed with 0, where the design leaves room.
    if any(lasted > options["unknown_for"] or options["unknown_for"] == 0 for lasted in unknown_for(polls)):
        return "unknown"
    if streak and not (options["timeout"] > 0 and last.began > options["timeout"]):
        stable = len(streak) >= options["stable_samples"] and (
            # From the end of the first to the beginning of the last: for so long they were surely ready.
            max(0.0, streak[-1].began - streak[0].ended) >= options["stable_for"]
        )
        alone = options["timeout"] == 0 or not any(goal_of(job, options) == "caught_up" for job in last.jobs)
        if stable or alone:
            return "ready"
    if late:
        return "held" if all(hold <= {"hold_file"} for hold in holds) and any(holds) else "timeout"
    return None
