# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a job must reach, and by which rules one reading of it is judged."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from enum import Enum
from typing import Any

from .._job.errors import configuration_error
from .._job.records import ProgressRecord, StatusRecord
from .._job.status_table import FINISHED, STOPPED, Phase, State

# The number of subtasks that a sentence names.
_SUBTASKS_NAMED = 3

WITHOUT_SUBTASKS = "To wait without them, set check_subtasks: false."

# No wait lasts for 30 years, and what is longer no clock can sleep or show.
LONGEST = 1_000_000_000


class Goal(str, Enum):
    """What a job must reach."""

    AUTO = "auto"
    FULL_COMPLETE = "full_complete"
    CAUGHT_UP = "caught_up"
    STOPPED = "stopped"


# What `auto` asks of a job, by the API's task_mode. A mode that is not listed holds the job.
_GOAL_OF_MODE = {
    "FULL_TRANS": Goal.FULL_COMPLETE,
    "INCR_TRANS": Goal.CAUGHT_UP,
    "FULL_INCR_TRANS": Goal.CAUGHT_UP,
}

_ASKED = {
    Goal.FULL_COMPLETE: "FULL_TRANSFER_COMPLETE or INCRE_TRANSFER_STARTED",
    Goal.CAUGHT_UP: "INCRE_TRANSFER_STARTED",
    Goal.STOPPED: " or ".join(sorted(STOPPED, reverse=True)),
}


class Rule(str, Enum):
    """What can be wrong with a job: the code of the hold that each broken rule leads to."""

    NOT_FOUND = "not_found"
    UNKNOWN_STATUS = "unknown_status"
    WRONG_PHASE = "wrong_phase"
    DISAGREEMENT = "disagreement"
    ERROR_REPORTED = "error_reported"
    DELAY = "delay"
    INCOMPLETE = "incomplete"
    SUBTASKS = "subtasks"
    HOLD_FILE = "hold_file"


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a job is not ready: the rule and a sentence for people."""

    rule: Rule
    text: str


@dataclass(frozen=True)
class Rules:
    """The options of a wait that decide. Times are in seconds.

    Raises :class:`DrsError` of kind ``configuration`` for a value that makes no sense.
    """

    goal: Goal = Goal.AUTO
    max_delay: int = 0
    stable_samples: int = 3
    stable_for: float = 60
    timeout: float = 3600
    interval: float = 30
    near_interval: float = 5
    max_errors: int = 5
    max_missing: int = 3
    unknown_for: float = 1800
    fail_fast: bool = True
    require_full_progress: bool = False
    check_subtasks: bool = True
    hold_file: str | None = None
    stall_after: float = 1800
    valid_for: float = 60

    def __post_init__(self) -> None:
        for name, least in (("stable_samples", 1), ("interval", 0.01), ("near_interval", 0.01), ("stall_after", 1)):
            if getattr(self, name) < least:
                raise configuration_error(f"{name} must be at least {least}, not {getattr(self, name)}.")
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, (int, float)) and (value < 0 or not math.isfinite(value)):
                raise configuration_error(f"{field.name} must be a number that is not negative, not {value}.")
            if field.type == "float" and value > LONGEST:
                raise configuration_error(f"{field.name} must be at most {LONGEST} seconds, not {value:g}.")

    def as_dict(self) -> dict[str, Any]:
        """The rules as a result shows them."""
        return {**asdict(self), "goal": self.goal.value}


@dataclass(frozen=True, slots=True)
class Subtasks:
    """The subtasks of one job in one sample: readings of those that were not finished when last listed.

    ``listed`` says whether the list was read for this very sample, ``problem`` why the latest list did not tell.
    """

    readings: tuple[Reading, ...] = ()
    listed: bool = False
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """One job in one sample: what both operations said of it, its name if that is known, and its subtasks."""

    status: StatusRecord
    progress: ProgressRecord
    name: str | None = None
    subtasks: Subtasks = Subtasks()

    @property
    def id(self) -> str:
        """The job's id."""
        return self.status.id

    @property
    def found(self) -> bool:
        """Whether both answers hold the job."""
        return self.status.found and self.progress.found

    @property
    def state(self) -> State:
        """The state by the status operation; ``missing`` unless both answers hold the job."""
        return self.status.meaning.state if self.found else State.MISSING


@dataclass(frozen=True, slots=True)
class JudgedJob:
    """A job's reading with its goal and what holds it. Ready means that nothing does."""

    reading: Reading
    goal: Goal
    holds: tuple[Hold, ...]
    subtasks: tuple[JudgedJob, ...] = ()

    @property
    def ready(self) -> bool:
        """True on full positive evidence."""
        return not self.holds

    @property
    def failed(self) -> bool:
        """Whether the job failed, as far as its goal is concerned, or a subtask of it."""
        reading = self.reading
        if any(subtask.failed for subtask in self.subtasks):
            return True
        if reading.state is not State.FAILED:
            return False
        return self.goal is not Goal.STOPPED or reading.status.meaning.phase is Phase.RELEASE

    @property
    def ended(self) -> bool:
        """Whether the job is being stopped, or was, though that is not its goal."""
        reading = self.reading
        releasing = reading.status.meaning.phase is Phase.RELEASE and reading.found
        return releasing and self.goal is not Goal.STOPPED and not self.failed


def judge_job(reading: Reading, rules: Rules, held: bool) -> JudgedJob:
    """Judge one reading; ``held`` says whether the hold file exists."""
    goal: Goal | None = rules.goal
    if goal is Goal.AUTO:
        goal = _GOAL_OF_MODE.get(reading.progress.task_mode or "")
    holds = _holds(reading, goal, rules) if reading.found else _missing(reading)
    subtasks: tuple[JudgedJob, ...] = ()
    if rules.check_subtasks and reading.found:
        subtasks = tuple(judge_job(subtask, rules, held=False) for subtask in reading.subtasks.readings)
        holds += _subtasks(reading, subtasks)
    if held:
        holds.append(Hold(Rule.HOLD_FILE, f"The hold file {rules.hold_file} exists."))
    return JudgedJob(reading, goal or Goal.AUTO, tuple(holds), subtasks)


def judge_jobs(readings: Iterable[Reading], rules: Rules, held: bool) -> tuple[JudgedJob, ...]:
    """Judge the readings of one sample together.

    While anything holds any job, new subtasks need not be looked for. When nothing does, the list must have been read.
    """
    jobs = tuple(judge_job(reading, rules, held) for reading in readings)
    if not rules.check_subtasks or not all(job.ready for job in jobs):
        return jobs
    hold = Hold(Rule.SUBTASKS, f"Subtasks not known: they were not listed for this sample. {WITHOUT_SUBTASKS}")
    return tuple(job if job.reading.subtasks.listed else replace(job, holds=(hold,)) for job in jobs)


def finished(reading: Reading) -> bool:
    """Whether a subtask is over, as both operations say."""
    return reading.found and reading.status.status in FINISHED and reading.status.status == reading.progress.status


def _subtasks(reading: Reading, subtasks: Sequence[JudgedJob]) -> list[Hold]:
    late = [subtask for subtask in subtasks if not subtask.ready and not finished(subtask.reading)]
    if late:
        shown = [
            f"{subtask.reading.name or subtask.reading.id} {subtask.reading.status.status or 'missing'}"
            f" [{', '.join(hold.rule.value for hold in subtask.holds)}]"
            for subtask in late[:_SUBTASKS_NAMED]
        ]
        more = f", and {len(late) - len(shown)} more" if len(late) > len(shown) else ""
        which = "1 subtask is" if len(late) == 1 else f"{len(late)} subtasks are"
        return [Hold(Rule.SUBTASKS, f"{which} not ready: {', '.join(shown)}{more}.")]
    problem = reading.subtasks.problem
    return [Hold(Rule.SUBTASKS, problem)] if problem else []


def _by_operation(reading: Reading) -> tuple[tuple[str, StatusRecord], ...]:
    return ("batch-status", reading.status), ("batch-progress", reading.progress)


def _missing(reading: Reading) -> list[Hold]:
    lacking = [
        f"{operation} {_error_of(record) or 'has no entry for this job'}"
        for operation, record in _by_operation(reading)
        if not record.found
    ]
    return [Hold(Rule.NOT_FOUND, f"Not found: {', '.join(lacking)}.")]


def _error_of(record: StatusRecord) -> str:
    if not (record.error_code or record.error_message):
        return ""
    error = ": ".join(text for text in (record.error_code, record.error_message) if text)
    # It becomes a part of a sentence that has its own full stop.
    return f"says {error.rstrip('. ')}"


def _holds(reading: Reading, goal: Goal | None, rules: Rules) -> list[Hold]:
    status, progress = reading.status, reading.progress
    holds = []
    if reading.state is State.UNKNOWN:
        shown = f"The status {status.status}" if status.status else "An entry without a status"
        holds.append(Hold(Rule.UNKNOWN_STATUS, f"{shown} is unknown to this version, and unknown is never ready."))
    if goal is None:
        mode = progress.task_mode or "missing"
        holds.append(
            Hold(Rule.WRONG_PHASE, f"The task mode is {mode}: goal=auto cannot tell what this job must reach.")
        )
    elif not _reached(status, goal):
        shown = status.status or "missing"
        holds.append(Hold(Rule.WRONG_PHASE, f"{goal.value} asks for {_ASKED[goal]}, the status is {shown}."))
    if status.status != progress.status:
        statuses = [f"{name} says {record.status or 'nothing'}" for name, record in _by_operation(reading)]
        holds.append(Hold(Rule.DISAGREEMENT, f"{', '.join(statuses)}."))
    elif rules.goal is Goal.AUTO and progress.task_mode == "FULL_TRANS" and status.meaning.phase is Phase.INCREMENTAL:
        # One of the two is wrong, and with it perhaps the goal, which would not ask for a delay.
        holds.append(
            Hold(Rule.DISAGREEMENT, f"The task mode is FULL_TRANS, which has no incremental phase: {status.status}.")
        )
    error = _error_of(status) or _error_of(progress)
    if error:
        holds.append(Hold(Rule.ERROR_REPORTED, f"The service {error}."))
    # Before the incremental phase there is no delay to ask for: the phase says it all.
    if goal is Goal.CAUGHT_UP and status.meaning.phase is not Phase.FULL:
        holds += _delay(progress, rules.max_delay)
    if rules.require_full_progress:
        holds += _full_progress(progress)
    return holds


def _reached(status: StatusRecord, goal: Goal) -> bool:
    means = status.meaning
    incremental = means.phase is Phase.INCREMENTAL and means.state is State.IN_PROGRESS
    if goal is Goal.STOPPED:
        return status.status in STOPPED
    if goal is Goal.CAUGHT_UP:
        return incremental
    return incremental or (means.phase is Phase.FULL and means.state is State.COMPLETE)


def _delay(progress: ProgressRecord, allowed: int) -> list[Hold]:
    if progress.delay is None:
        return [Hold(Rule.DELAY, "The service returns no delay (-1 means no value, not zero).")]
    # Where milliseconds are given too they must not contradict: 0 s is up to 999 ms.
    if progress.delay > allowed or (progress.delay_ms or 0) >= (allowed + 1) * 1000:
        exact = "" if progress.delay > allowed else f" ({progress.delay_ms} ms)"
        return [Hold(Rule.DELAY, f"Delay {progress.delay} s{exact}, allowed {allowed} s.")]
    return []


def _full_progress(progress: ProgressRecord) -> list[Hold]:
    shares = {"progress": progress.progress}
    shares.update((name, part["progress"]) for name, part in (progress.parts or {}).items())
    short = [f"{name} {'unknown' if share is None else f'{share} %'}" for name, share in shares.items() if share != 100]
    return [Hold(Rule.INCOMPLETE, f"Not at 100 %: {', '.join(short)}.")] if short else []
