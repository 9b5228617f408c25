# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known about jobs that are being stopped, and what follows from it. No clock, no network, no Ansible."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from .._gate.gate import Sample, Standing, Verdict, judge
from .._gate.rules import Goal, Rules
from .._job.ranges import LONGEST, Range, check_ranges
from .._job.records import StatusRecord
from .._job.status_table import STOPPED, Phase, State
from .._job.text import counted, listed
from .._service.jobs.stop_request import WRONG_STATE_CODE, Reply, StopAnswer

# The user manuals of both clouds: only a stop in the normal way migrates these.
LEFT_BY_FORCE = (
    "After a forced stop, do by hand what a normal one migrates: set the sequences and start values of the target, create its "
    "triggers and events, and drop the replication slots on the source."
)
# How many jobs a sentence names before it says how many more there are.
_NAMED = 20

# Of the options that are numbers, what each may be. Times are in seconds.
RANGES = {"max_delay": Range(), "timeout": Range(1, LONGEST), "interval": Range(0.01, LONGEST)}


@dataclass(frozen=True)
class StopRules:
    """The options that decide. Times are in seconds.

    Raises :class:`DrsError` of kind ``configuration`` for a value that makes no sense.
    """

    require_ready: bool = True
    max_delay: int = 0
    check_subtasks: bool = True
    force: bool = False
    wait: bool = True
    timeout: float = 1800
    interval: float = 5

    def __post_init__(self) -> None:
        check_ranges(RANGES, vars(self))


class Stand(str, Enum):
    """What a status means for a job that is to be stopped."""

    LIVE = "live"
    ENDING = "ending"
    ENDED = "ended"
    FAILED = "failed"
    MISSING = "missing"


# After these the stop is sent again, if the next reading shows that nothing happened.
_TO_BE_REPEATED = (Reply.BUSY, Reply.UNCLEAR, Reply.APART)


def stand_of(record: StatusRecord) -> Stand:
    """What a status means here. An unknown one is live: it is no evidence that the job has ended."""
    if not record.found:
        return Stand.MISSING
    if record.status in STOPPED:
        return Stand.ENDED
    means = record.meaning
    if means.phase is not Phase.RELEASE:
        return Stand.LIVE
    # The end of a child is not the end of the job as a whole.
    return Stand.FAILED if means.state is State.FAILED else Stand.ENDING


def cannot_be_resumed(status: str | None) -> bool:
    """Tell whether a job with this status has ended, or is ending, so that nobody can resume it."""
    return stand_of(StatusRecord("", True, status)) in (Stand.ENDING, Stand.ENDED, Stand.FAILED)


@dataclass(frozen=True, slots=True)
class Job:
    """A job that is to be stopped.

    ``answer`` is the latest answer to its stop, ``read_since`` whether its status was read after that. ``reached``
    says whether any stop may have reached the service. ``hold`` is why no stop may be sent to it now.
    """

    record: StatusRecord
    answer: StopAnswer | None = None
    read_since: bool = True
    reached: bool = False
    hold: str = ""

    @property
    def id(self) -> str:
        """The job's id."""
        return self.record.id

    @property
    def stand(self) -> Stand:
        """What the latest status means."""
        return stand_of(self.record)

    @property
    def accepted(self) -> bool:
        """Whether the service accepted the latest stop."""
        return self.answer is not None and self.answer.reply is Reply.ACCEPTED

    @property
    def alone(self) -> bool:
        """Whether its stop must not share a request with others."""
        return self.answer is not None and self.answer.reply is Reply.APART

    @property
    def due(self) -> bool:
        """Whether a stop may be sent now: only on a reading that is younger than the latest answer."""
        if self.stand is not Stand.LIVE or self.hold or not self.read_since:
            return False
        return self.answer is None or self.answer.reply in _TO_BE_REPEATED

    @property
    def failure(self) -> str:
        """Why this job will not end by what was done, or nothing. The status decides, not the answer alone."""
        if self.stand is Stand.FAILED:
            reason = self.record.error_code or self.record.error_message or ""
            return f"releasing its resources failed ({self.record.status}{reason and f', {reason}'})"
        answer = self.answer
        if answer is None or answer.reply is not Reply.REFUSED or not self.read_since or self.stand is not Stand.LIVE:
            return ""
        if self.reached and answer.error_code == WRONG_STATE_CODE:
            # An earlier stop may have worked, and the status does not show it yet.
            return ""
        return f"the stop was refused ({answer.reason or 'without a reason'}), and the status is {self._status}"

    @property
    def open(self) -> str:
        """Why this job has not ended so far."""
        if self.failure:
            return self.failure
        if self.stand is Stand.MISSING:
            return "it is no longer found"
        if self.stand is Stand.ENDING or self.answer is None:
            hold = f" No stop was sent: {self.hold}" if self.hold else ""
            return f"the status is {self._status}.{hold}".rstrip(".")
        reason = f" ({self.answer.reason})" if self.answer.reason else ""
        what = {
            Reply.ACCEPTED: "the stop was accepted",
            Reply.BUSY: f"the service is still busy{reason}",
            Reply.REFUSED: f"the latest stop was refused{reason}",
            Reply.UNCLEAR: f"no clear answer to the stop{reason}",
            Reply.APART: f"the stop was refused for all jobs of its request{reason}",
        }[self.answer.reply]
        held = self.hold and self.answer.reply in _TO_BE_REPEATED
        hold = f"; it was not sent again: {self.hold}" if held else ""
        return f"{what}, and the status is {self._status}{hold}".rstrip(".")

    @property
    def _status(self) -> str:
        return self.record.status or self.stand.value

    def succeeded(self, wait: bool) -> bool:
        """Whether the job has ended or, without ``wait``, is sure to be ended by what was done."""
        enough = self.stand is Stand.ENDED or (not wait and (self.stand is Stand.ENDING or self.accepted))
        return enough and not self.failure


Jobs = tuple[Job, ...]


def not_found(jobs: Jobs) -> str:
    """Why nothing may be stopped because of jobs that are missing, or nothing."""
    missing = [job for job in jobs if job.stand is Stand.MISSING]
    if not missing:
        return ""
    reason = named((job.id, job.record.error_code or "") for job in missing)
    return f"No job was stopped, because the service does not know {counted(len(missing))}: {reason}. Check the ids."


def unjudged(records: Sequence[StatusRecord]) -> dict[str, str]:
    """Return a hold for each live job after a status-only reading, which cannot show that a job is ready."""
    live = (record.id for record in records if stand_of(record) is Stand.LIVE)
    return dict.fromkeys(live, "The latest reading does not show whether it is ready.")


def gate_rules(rules: StopRules) -> Rules:
    """The rules by which a job is ready to be stopped."""
    return Rules(
        max_delay=rules.max_delay, check_subtasks=rules.check_subtasks, timeout=0, max_missing=0, unknown_for=0
    )


def wait_rules(rules: StopRules, timeout: float) -> Rules:
    """Return the rules of the wait until all jobs have ended: only ``timeout`` (seconds) ends it without them."""
    # More polls than there is time for.
    most = 2 + int(2 * rules.timeout / rules.interval)
    return Rules(
        goal=Goal.STOPPED,
        timeout=max(0.0, timeout),
        interval=rules.interval,
        near_interval=rules.interval,
        max_errors=most,
        max_missing=most,
        unknown_for=LONGEST,
        fail_fast=False,
        check_subtasks=False,
    )


def not_ready(sample: Sample, rules: Rules) -> tuple[str, dict[str, str]]:
    """Why the jobs that have not begun to end are not ready, and the holds by job id; by the gate's own rules."""
    live = tuple(each for each in sample.readings if stand_of(each.status) not in (Stand.ENDING, Stand.ENDED))
    if not live:
        return "", {}
    judgement = judge(Standing(), replace(sample, readings=live), rules)
    holds = {job.reading.id: " ".join(hold.text for hold in job.holds) for job in judgement.standing.jobs if job.holds}
    return ("" if judgement.verdict is Verdict.READY else judgement.reason), holds


def observed(jobs: Jobs, records: Sequence[StatusRecord], holds: Mapping[str, str]) -> Jobs:
    """The jobs after another reading; before the first there are none."""
    return tuple(
        replace(job, record=record, read_since=True, hold=holds.get(job.id, ""))
        for job, record in zip(jobs or map(Job, records), records, strict=True)
    )


def answered(jobs: Jobs, answers: Mapping[str, StopAnswer]) -> Jobs:
    """The jobs after answers to stops that were sent to some of them."""
    return tuple(_answered(job, answers[job.id]) if job.id in answers else job for job in jobs)


def _answered(job: Job, answer: StopAnswer) -> Job:
    reached = job.reached or answer.reply in (Reply.ACCEPTED, Reply.UNCLEAR)
    return replace(job, answer=answer, read_since=False, reached=reached)


def batches(jobs: Jobs, size: int) -> list[list[str]]:
    """The ids that are due, in the requests in which they are to be sent."""
    together = [job.id for job in jobs if job.due and not job.alone]
    alone = [[job.id] for job in jobs if job.due and job.alone]
    return [together[start : start + size] for start in range(0, len(together), size)] + alone


def named(jobs: Iterable[tuple[str, str]]) -> str:
    """Jobs by id, each with what is said about it, and how many more there are."""
    return listed([f"{job_id}{reason and f' ({reason})'}" for job_id, reason in jobs], _NAMED, last=", ")


def already(number: int) -> str:
    """The part of a sentence about jobs that needed no stop, or nothing."""
    return f"; {counted(number)} had ended or {'was' if number == 1 else 'were'} ending already" if number else ""


def result(jobs: Jobs, wait: bool) -> dict[str, Any]:
    """The lists of a task's result, once nothing more is done."""
    done = [job for job in jobs if job.succeeded(wait)]
    return {
        "changed": any(job.reached for job in jobs),
        "jobs": [{**job.record.as_dict(), "reason": "" if job.succeeded(wait) else job.open} for job in jobs],
        "stopped": [job.id for job in done if job.reached],
        # Ended, or ending, without a stop of this task.
        "already_ended": [job.id for job in done if not job.reached],
        "failed_jobs": [job.id for job in jobs if not job.succeeded(wait)],
    }


def message(jobs: Jobs, wait: bool, elapsed: float, problem: str = "") -> str:
    """What came of it, for people; ``problem`` is what ended it early."""
    done = [job for job in jobs if job.succeeded(wait)]
    stopped = [job for job in done if job.reached]
    others = len(done) - len(stopped)
    if len(done) == len(jobs):
        verb = "stopped" if wait else "being stopped"
        return f"{counted(len(stopped))} {verb}{already(others)}."
    open_jobs = [job for job in jobs if not job.succeeded(wait)]
    texts = listed([f"{job.id}: {job.open}" for job in open_jobs], _NAMED, "; ", "; ")
    verb = "has" if len(open_jobs) == 1 else "have"
    parts = [f"{len(open_jobs)} of {counted(len(jobs))} {verb} not ended after {elapsed:.0f} s: {texts}."]
    if problem:
        parts.append(problem)
    if stopped:
        parts.append(f"These jobs were stopped and cannot be resumed: {named((job.id, '') for job in stopped)}.")
    parts.append("Look at the jobs in the console, then run this task again: it continues where this run ended.")
    return " ".join(parts)
