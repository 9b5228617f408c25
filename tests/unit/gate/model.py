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
    # What the list that was read for this very sample says of the job; None is nothing.
    list_status: str | None = None
    list_mode: str | None = None
    list_error: bool = False
    action: bool = False
    position: str | None = "binlog.000007:4"
    rows: bool | None = None
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


def all_holds(polls: list[Seen], options: dict[str, Any]) -> list[set[str]]:
    """The holds of each job of the latest sample. When nothing holds any, the list must have been read for it."""
    poll = polls[-1]
    holds = [holds_of(job, poll.held, options, polls, (number,)) for number, job in enumerate(poll.jobs)]
    if options["check_subtasks"] and not any(holds):
        return [set() if job.listed else {"subtasks"} for job in poll.jobs]
    return holds


def at(poll: Seen, path: tuple[int, ...]) -> Job | None:
    """The job, or the subtask of a job, in this place; None if the poll has none."""
    jobs, job = poll.jobs, None
    for number in path:
        if number >= len(jobs):
            return None
        job, jobs = jobs[number], jobs[number].subtasks
    return job


def quiet_holds(polls: list[Seen], path: tuple[int, ...], quiet_for: float) -> set[str]:
    """Whether the source is not shown to be quiet, by all samples so far."""
    samples = [poll for poll in polls if not poll.failed]
    now = samples[-1]
    seen: list[tuple[Seen, Job | None]] = [(poll, at(poll, path)) for poll in samples]
    # A job that batch-progress does not know says nothing.
    told = [(poll, job if job is not None and job.in_progress else None) for poll, job in seen]
    latest = told[-1][1]
    if latest is None or latest.position is None:
        return {"position"}
    # A subtask that was not listed once is as one that was never seen.
    known = next((place for place in range(len(seen), 0, -1) if seen[place - 1][1] is None), 0)
    for poll, job in told[known:]:
        if job is not None and job.rows and (poll is now or now.began - poll.ended < quiet_for):
            return {"writes"}
    run = [poll.ended for poll, _job in told]
    place = len(told) - 1
    while place > 0 and told[place - 1][1] is not None and told[place - 1][1].position == latest.position:  # type: ignore[union-attr]
        place -= 1
    since, again = run[place], place < len(told) - 1
    if again and max(0.0, now.began - since) >= quiet_for:
        return set()
    before = told[place - 1][1] if place else None
    if before is None or before.position is None:
        return {"position"}
    # In these tests a position has a slash or a colon.
    return {"writes"} if ("/" in before.position) is ("/" in latest.position) else {"position"}


def holds_of(job: Job, held: bool, options: dict[str, Any], polls: list[Seen], path: tuple[int, ...]) -> set[str]:
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
    other_status = job.list_status is not None and job.list_status != job.status
    # A mode that one of the two does not say contradicts nothing.
    other_mode = None not in (job.list_mode, job.mode) and job.list_mode != job.mode
    if job.status != job.transfer_status or contradiction or other_status or other_mode:
        holds.add("disagreement")
    if job.action:
        holds.add("action")
    if job.error or job.progress_error or job.list_error:
        holds.add("error_reported")
    # A job in the full phase is not also held by its delay.
    in_time = job.delay is not None and 0 <= job.delay <= options["max_delay"]
    if goal == "caught_up" and phase != "full" and not in_time:
        holds.add("delay")
    if goal == "caught_up" and phase != "full" and options["require_quiet"]:
        holds |= quiet_holds(polls, path, options["quiet_for"])
    if options["require_full_progress"] and (job.progress != 100 or job.part not in (None, 100)):
        holds.add("incomplete")
    if options["check_subtasks"]:
        late = [
            each
            for number, each in enumerate(job.subtasks)
            if not finished(each) and holds_of(each, False, options, polls, (*path, number))
        ]
        if late or job.not_told:
            holds.add("subtasks")
    return holds


def streak_of(polls: list[Seen], options: dict[str, Any]) -> list[Seen]:
    """The samples at the end of the polls that are a streak."""
    longest = 3 * options["near_interval"]
    streak: list[Seen] = []
    for place, poll in reversed(list(enumerate(polls, start=1))):
        if poll.failed or any(all_holds(polls[:place], options)):
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
    holds = [] if last.failed else all_holds(polls, options)
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
