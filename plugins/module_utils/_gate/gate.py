# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate: samples and rules in, a verdict out. No clock, no network, no Ansible."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, TypeAlias

from .._job.records import ProgressRecord
from .._job.status_table import State
from .._job.text import counted, sentence
from .quiet import Quiets, noted
from .reasons import grouped, named
from .rules import Goal, JudgedJob, Reading, Rule, Rules, judge_jobs


class Verdict(str, Enum):
    """How a wait ended; only ``ready`` opens a gate."""

    READY = "ready"
    FAILED = "failed"
    ENDED = "ended"
    MISSING = "missing"
    UNKNOWN = "unknown"
    HELD = "held"
    TIMEOUT = "timeout"
    ERROR = "error"


@dataclass(frozen=True)
class Sample:
    """One joint reading of all jobs by both operations.

    ``began`` and ``ended`` are seconds on a monotonic clock that starts with the wait, ``at``
    is the time of day (epoch, seconds) when it ended. ``held`` says whether the hold file existed.
    """

    began: float
    ended: float
    at: float
    readings: tuple[Reading, ...]
    held: bool = False


@dataclass(frozen=True)
class FailedPoll:
    """A poll without a sample; ``final`` if retrying cannot succeed."""

    began: float
    ended: float
    at: float
    message: str
    failure: Mapping[str, Any]
    final: bool = False


Observation: TypeAlias = Sample | FailedPoll


@dataclass(frozen=True)
class Standing:
    """What the gate remembers from one observation to the next; ``reset`` is why the streak last went back to 0.

    ``unknown`` says when the first of the consecutive samples ended in which a job's status is unknown, by job id;
    ``quiets`` what is known of the positions of jobs and subtasks, by id.
    """

    streak: int = 0
    streak_since: float = 0.0
    streak_for: float = 0.0
    errors: int = 0
    missing: int = 0
    unknown: Mapping[str, float] = field(default_factory=dict)
    sampled_at: float | None = None
    late: bool = False
    jobs: tuple[JudgedJob, ...] = ()
    quiets: Quiets = field(default_factory=dict)
    reset: str = ""


@dataclass(frozen=True)
class Decision:
    """What one observation led to. ``verdict`` is None while the wait goes on.

    ``reset`` says why the streak went back to 0, where it did.
    """

    standing: Standing
    verdict: Verdict | None = None
    reason: str = ""
    reset: str = ""


def judge(standing: Standing, observation: Observation, rules: Rules) -> Decision:
    """Judge the next observation of a wait."""
    if isinstance(observation, FailedPoll):
        return _judge_failed_poll(standing, observation, rules)
    records = _records(observation.readings)
    quiets = noted(standing.quiets, records, observation.began, observation.ended, observation.at)
    jobs = judge_jobs(observation.readings, rules, observation.held, quiets)
    standing, reset = _count(replace(standing, quiets=quiets), observation, jobs, rules)
    for verdict, applies in _ENDINGS:
        reason = applies(standing, rules)
        if reason:
            return Decision(standing, verdict, reason, reset)
    if observation.ended >= rules.timeout:
        verdict, reason = _at_the_deadline(standing, rules)
        return Decision(standing, verdict, reason, reset)
    return Decision(standing, reset=reset)


def cut_off(standing: Standing, rules: Rules, ended: float) -> Decision:
    """The verdict when there is nothing more to observe though time is not up: a recording ends."""
    ends = f"The recording ends after {ended:.0f} s, before a verdict"
    if standing.sampled_at is None:
        return Decision(standing, Verdict.ERROR, f"{ends}, and no poll in it succeeded.")
    return Decision(standing, Verdict.TIMEOUT, f"{ends}. {_not_ready(standing, rules, f'after {ended:.0f} s')}")


def _count(standing: Standing, sample: Sample, jobs: tuple[JudgedJob, ...], rules: Rules) -> tuple[Standing, str]:
    states = {job.reading.state for job in jobs}
    all_ready = bool(jobs) and all(job.ready for job in jobs)
    streak, since, reset = standing.streak, standing.streak_since, ""
    # Nobody looked in between, so nothing is known of that time. During a streak all jobs are near their goal.
    gap = sample.began - (standing.sampled_at or 0.0)
    allowed = 3 * rules.near_interval
    if streak and gap > allowed:
        # Rounded up, so that the number shown is larger than what is allowed.
        streak, reset = 0, f"gap of {math.ceil(gap * 100) / 100:g} s between samples, allowed {allowed:g} s"
    if not all_ready:
        if streak:
            first = next(job for job in jobs if not job.ready)
            reset = f"{first.reading.id} {first.holds[0].rule.value}"
        streak = 0
    elif streak:
        streak += 1
    else:
        # The evidence of a sample is as old as its oldest answer: count from the end of the
        # first sample to the beginning of the latest one, which never says too much.
        streak, since = 1, sample.ended
    return (
        Standing(
            streak=streak,
            streak_since=since,
            streak_for=max(0.0, sample.began - since) if streak else 0.0,
            errors=0,
            missing=standing.missing + 1 if State.MISSING in states else 0,
            unknown={
                job.reading.id: standing.unknown.get(job.reading.id, sample.ended)
                for job in jobs
                if job.reading.state is State.UNKNOWN
            },
            late=bool(rules.timeout) and sample.began > rules.timeout,
            sampled_at=sample.ended,
            jobs=jobs,
            quiets=standing.quiets,
            reset=reset or standing.reset,
        ),
        reset,
    )


def _records(readings: Iterable[Reading]) -> Iterator[ProgressRecord]:
    """What batch-progress said of jobs and their subtasks."""
    for reading in readings:
        yield reading.progress
        yield from _records(reading.subtasks.readings)


def _judge_failed_poll(standing: Standing, poll: FailedPoll, rules: Rules) -> Decision:
    reset = poll.message if standing.streak else ""
    after = replace(standing, streak=0, streak_for=0.0, errors=standing.errors + 1, reset=reset or standing.reset)
    if poll.final:
        return Decision(after, Verdict.ERROR, poll.message, reset)
    if after.errors > rules.max_errors:
        allowed = f"{after.errors} consecutive failed polls, allowed {rules.max_errors}."
        return Decision(after, Verdict.ERROR, f"{allowed} Last failure: {poll.message}", reset)
    if poll.ended >= rules.timeout:
        if standing.sampled_at is None:
            return Decision(after, Verdict.ERROR, f"No poll succeeded. Last failure: {poll.message}", reset)
        # What set them back is this poll, which the sentence ends with.
        reason = _not_ready(replace(after, reset=""), rules, _passed(rules))
        return Decision(after, Verdict.TIMEOUT, f"{reason} The last poll failed: {poll.message}", reset)
    return Decision(after, reset=reset)


def _failed(standing: Standing, rules: Rules) -> str:
    return _stopped_by([job for job in standing.jobs if job.failed], standing, rules, "failed")


def _ended(standing: Standing, rules: Rules) -> str:
    return _stopped_by([job for job in standing.jobs if job.ended], standing, rules, "ended before reaching the goal")


def _stopped_by(stopped: Sequence[JudgedJob], standing: Standing, rules: Rules, what: str) -> str:
    others_done = all(job.ready or job.failed or job.ended for job in standing.jobs)
    if not stopped or not (rules.fail_fast or others_done):
        return ""
    return f"{counted(len(stopped))} {what}: {named(stopped)}."


def _missing(standing: Standing, rules: Rules) -> str:
    if standing.missing <= rules.max_missing:
        return ""
    jobs = [job for job in standing.jobs if job.reading.state is State.MISSING]
    allowed = f"in {standing.missing} consecutive samples, allowed {rules.max_missing}"
    return f"{counted(len(jobs))} not found ({allowed}): {named(jobs)}."


def _unknown(standing: Standing, rules: Rules) -> str:
    lasted = {job_id: (standing.sampled_at or 0.0) - since for job_id, since in standing.unknown.items()}
    # With 0, none is allowed, not even in the first sample.
    over = [
        job
        for job in standing.jobs
        if job.reading.id in lasted and (lasted[job.reading.id] > rules.unknown_for or not rules.unknown_for)
    ]
    if not over:
        return ""
    longest = max(lasted[job.reading.id] for job in over)
    allowed = f"for {longest:.0f} s, allowed {rules.unknown_for:g} s"
    return f"{counted(len(over))} with a status unknown to this version ({allowed}): {named(over)}."


def _ready(standing: Standing, rules: Rules) -> str:
    needs_streak = rules.timeout > 0 and any(job.goal is Goal.CAUGHT_UP for job in standing.jobs)
    if not standing.streak or standing.late:
        return ""
    if not needs_streak:
        return f"{counted(len(standing.jobs))} ready."
    if standing.streak < rules.stable_samples or standing.streak_for < rules.stable_for:
        return ""
    return f"{counted(len(standing.jobs))} ready in {standing.streak} consecutive samples over {standing.streak_for:.0f} s."


# In this order: what cannot become ready any more comes before what is.
_ENDINGS: tuple[tuple[Verdict, Callable[[Standing, Rules], str]], ...] = (
    (Verdict.FAILED, _failed),
    (Verdict.ENDED, _ended),
    (Verdict.MISSING, _missing),
    (Verdict.UNKNOWN, _unknown),
    (Verdict.READY, _ready),
)


def _at_the_deadline(standing: Standing, rules: Rules) -> tuple[Verdict, str]:
    passed = _passed(rules)
    holds = [hold.rule for job in standing.jobs for hold in job.holds]
    if holds and all(rule is Rule.HOLD_FILE for rule in holds):
        return Verdict.HELD, f"Timed out {passed}; only the hold file {rules.hold_file} is blocking."
    return Verdict.TIMEOUT, _not_ready(standing, rules, passed)


def _passed(rules: Rules) -> str:
    return f"after {rules.timeout:g} s" if rules.timeout else "in the one sample that timeout=0 takes"


def _not_ready(standing: Standing, rules: Rules, passed: str) -> str:
    late = [job for job in standing.jobs if not job.ready]
    if late:
        are = "is" if len(late) == 1 else "are"
        return f"{len(late)} of {counted(len(standing.jobs))} {are} not ready {passed}: {grouped(late)}."
    if standing.late and _ready(replace(standing, late=False), rules):
        return f"All jobs were ready {passed}, but only in a sample that began after the deadline."
    asked = f"required are {rules.stable_samples} samples over {rules.stable_for:g} s"
    lasted = f"{counted(standing.streak, 'sample')} over {standing.streak_for:.0f} s"
    reset = f" Last reset: {sentence(standing.reset)}" if standing.reset else ""
    return f"All jobs were ready, but not for long enough {passed}: {lasted}; {asked}.{reset}"
