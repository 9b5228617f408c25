# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a job must reach, and by which rules one reading of it is judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import Enum
from typing import Any

from .._job.errors import configuration_error
from .._job.ranges import LONGEST, SECONDS, Range, check_ranges
from .._job.records import ProgressRecord, StatusRecord
from .._job.status_table import FINISHED, STOPPED, Phase, State
from .._job.text import listed
from .quiet import PositionState, Quiet, Quiets, comparable

# The number of subtasks that a sentence names.
_SUBTASKS_NAMED = 3

# The states of a job that goes its normal way, in their order: a list that says an earlier one lags.
_COURSE = (
    *("CREATING", "CONFIGURATION", "WAITING_FOR_START", "STARTJOBING"),
    *("FULL_TRANSFER_STARTED", "FULL_TRANSFER_COMPLETE", "INCRE_TRANSFER_STARTED"),
    *("RELEASE_RESOURCE_STARTED", "RELEASE_RESOURCE_COMPLETE", "DELETED"),
)

WITHOUT_SUBTASKS = "To wait without them, set check_subtasks: false."
# Published, or observed. See the guide "Before you trust a delay of 0".
_MOVED_WITHOUT_USERS = (
    "Without users, MySQL's moves by other schemas, log rotation and hosters' heartbeats; those of PostgreSQL, MongoDB, "
    "Redis and Oracle always move: for them set require_quiet: false and prove the quiet in the database."
)
# Characters of a position in a sentence.
_LONGEST_POSITION = 40

# Of the options that are numbers, what each may be. Times are in seconds.
RANGES: Mapping[str, Range] = {
    "max_delay": Range(),
    "stable_samples": Range(1),
    "stable_for": SECONDS,
    "timeout": SECONDS,
    "interval": Range(0.01, LONGEST),
    "near_interval": Range(0.01, LONGEST),
    "max_errors": Range(),
    "max_missing": Range(),
    "unknown_for": SECONDS,
    "quiet_for": SECONDS,
    "stall_after": Range(1, LONGEST),
    "valid_for": SECONDS,
}


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
    ACTION = "action"
    ERROR_REPORTED = "error_reported"
    DELAY = "delay"
    WRITES = "writes"
    POSITION = "position"
    INCOMPLETE = "incomplete"
    SUBTASKS = "subtasks"
    HOLD_FILE = "hold_file"
    # Of a wait in which no poll succeeded.
    UNREAD = "unread"


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
    require_quiet: bool = False
    quiet_for: float = 30
    hold_file: str | None = None
    stall_after: float = 1800
    valid_for: float = 60

    def __post_init__(self) -> None:
        check_ranges(RANGES, asdict(self))

    def as_dict(self) -> dict[str, Any]:
        """The rules as a result shows them."""
        return {**asdict(self), "goal": self.goal.value}


# A pause between two samples is randomised, and the last one is cut short by the deadline.
_SHORTEST_PAUSE = 0.9


def check_can_open(rules: Rules, named: Callable[[str], str] = str) -> None:
    """Raise :class:`DrsError` of kind ``configuration`` for rules by which no gate could ever open in its time.

    ``named`` returns what the user calls an option. Without a time limit of its own (``timeout`` 0) a gate needs no streak.
    """
    if not rules.timeout or rules.goal not in (Goal.AUTO, Goal.CAUGHT_UP):
        return
    longest = {"stable_for": rules.stable_for, "quiet_for": rules.quiet_for if rules.require_quiet else 0.0}
    for name, seconds in longest.items():
        if seconds > rules.timeout:
            raise configuration_error(
                f"{named(name)} ({seconds:g} s) is longer than {named('timeout')} ({rules.timeout:g} s), so the gate could never "
                "open. Shorten the one, or lengthen the other."
            )
    if (rules.stable_samples - 2) * rules.near_interval * _SHORTEST_PAUSE > rules.timeout:
        raise configuration_error(
            f"{named('stable_samples')} ({rules.stable_samples}) samples, {named('near_interval')} ({rules.near_interval:g} s) apart, "
            f"take longer than {named('timeout')} ({rules.timeout:g} s), so the gate could never open."
        )


@dataclass(frozen=True, slots=True)
class Subtasks:
    """The subtasks of one job in one sample: readings of those that were not finished when last listed.

    ``listed`` says whether the list was read for this very sample, ``problem`` why the latest list did not tell.
    """

    readings: tuple[Reading, ...] = ()
    listed: bool = False
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class ListEntry:
    """What the list of jobs that was read for this very sample says of a job; None for what it does not say."""

    status: str | None = None
    task_mode: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    action: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """One job in one sample: what both operations and the list said of it, its name if known, and its subtasks."""

    status: StatusRecord
    progress: ProgressRecord
    name: str | None = None
    subtasks: Subtasks = Subtasks()
    entry: ListEntry = ListEntry()

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


def judge_job(reading: Reading, rules: Rules, held: bool, quiets: Quiets | None = None) -> JudgedJob:
    """Judge one reading; ``held`` says whether the hold file exists, ``quiets`` what is known of positions, by id."""
    goal: Goal | None = rules.goal
    if goal is Goal.AUTO:
        goal = _GOAL_OF_MODE.get(reading.progress.task_mode or "")
    quiets = quiets or {}
    subtasks: tuple[JudgedJob, ...] = ()
    if not reading.found:
        wrong = [(Rule.NOT_FOUND, _missing(reading))]
    else:
        wrong = list(_wrong(reading, goal, rules, quiets.get(reading.id)))
        if rules.check_subtasks:
            subtasks = tuple(judge_job(subtask, rules, False, quiets) for subtask in reading.subtasks.readings)
            wrong.append((Rule.SUBTASKS, _subtasks(reading, subtasks)))
    if held:
        wrong.append((Rule.HOLD_FILE, f"The hold file {rules.hold_file} exists."))
    return JudgedJob(reading, goal or Goal.AUTO, tuple(Hold(rule, text) for rule, text in wrong if text), subtasks)


def judge_jobs(
    readings: Iterable[Reading], rules: Rules, held: bool, quiets: Quiets | None = None
) -> tuple[JudgedJob, ...]:
    """Judge the readings of one sample together.

    While anything holds any job, new subtasks need not be looked for. When nothing does, the list must have been read.
    """
    jobs = tuple(judge_job(reading, rules, held, quiets) for reading in readings)
    if not rules.check_subtasks or not all(job.ready for job in jobs):
        return jobs
    hold = Hold(Rule.SUBTASKS, f"Subtasks not known: they were not listed for this sample. {WITHOUT_SUBTASKS}")
    return tuple(job if job.reading.subtasks.listed else replace(job, holds=(hold,)) for job in jobs)


def finished(reading: Reading) -> bool:
    """Whether a subtask is over, as both operations say."""
    return reading.found and reading.status.status in FINISHED and reading.status.status == reading.progress.status


def _subtasks(reading: Reading, subtasks: Sequence[JudgedJob]) -> str:
    late = [subtask for subtask in subtasks if not subtask.ready and not finished(subtask.reading)]
    if not late:
        return reading.subtasks.problem or ""
    shown = [
        f"{subtask.reading.name or subtask.reading.id} {subtask.reading.status.status or 'missing'}"
        f" [{', '.join(hold.rule.value for hold in subtask.holds)}]"
        for subtask in late
    ]
    which = "1 subtask is" if len(late) == 1 else f"{len(late)} subtasks are"
    return f"{which} not ready: {listed(shown, _SUBTASKS_NAMED, last=', ')}."


def _by_operation(reading: Reading) -> tuple[tuple[str, StatusRecord], ...]:
    return ("batch-status", reading.status), ("batch-progress", reading.progress)


def _missing(reading: Reading) -> str:
    lacking = [
        f"{operation} {_error_of(record) or 'has no entry for this job'}"
        for operation, record in _by_operation(reading)
        if not record.found
    ]
    # Ids are in lower case in everything that was published or seen; not every tool keeps them so.
    said = any(record.error_message for _operation, record in _by_operation(reading))
    capitals = (
        "" if said or reading.id == reading.id.lower() else " Ids are written in lower case, and this one is not."
    )
    return f"Not found: {', '.join(lacking)}.{capitals}"


def _error_of(record: StatusRecord | ListEntry) -> str:
    if not (record.error_code or record.error_message):
        return ""
    error = ": ".join(text for text in (record.error_code, record.error_message) if text)
    # It becomes a part of a sentence that has its own full stop.
    return f"says {error.rstrip('. ')}"


def _wrong(reading: Reading, goal: Goal | None, rules: Rules, quiet: Quiet | None) -> Iterator[tuple[Rule, str]]:
    """What is wrong with a job that was found, by each rule; an empty text is nothing."""
    status, progress = reading.status, reading.progress
    if reading.state is State.UNKNOWN:
        shown = f"The status {status.status}" if status.status else "An entry without a status"
        yield Rule.UNKNOWN_STATUS, f"{shown} is unknown to this version, and unknown is never ready."
    if goal is None:
        mode = progress.task_mode or "missing"
        yield Rule.WRONG_PHASE, f"The task mode is {mode}: goal=auto cannot tell what this job must reach."
    elif not _reached(status, goal):
        shown = status.status or "missing"
        yield Rule.WRONG_PHASE, f"{goal.value} asks for {_ASKED[goal]}, the status is {shown}."
    yield Rule.DISAGREEMENT, _disagreement(reading, rules.goal)
    action = reading.entry.action
    yield Rule.ACTION, f"The list of jobs says that an action is carried out on the job: {action}." if action else ""
    error, of_list = _error_of(status) or _error_of(progress), _error_of(reading.entry)
    if error or of_list:
        yield Rule.ERROR_REPORTED, f"The service {error}." if error else f"The list of jobs {of_list}."
    # Before the incremental phase there is no delay to ask for: the phase says it all.
    if goal is Goal.CAUGHT_UP and status.meaning.phase is not Phase.FULL:
        yield Rule.DELAY, _delay(progress, rules.max_delay)
        if rules.require_quiet:
            yield _not_quiet(quiet, reading, rules.quiet_for)
    if rules.require_full_progress:
        yield Rule.INCOMPLETE, _full_progress(progress)


def _disagreement(reading: Reading, goal: Goal) -> str:
    """How what was said of a job contradicts itself; nothing if it does not."""
    status, mode, entry = reading.status.status, reading.progress.task_mode, reading.entry
    said = [(name, record.status) for name, record in _by_operation(reading)]
    said += [("the list of jobs", entry.status)] if entry.status else []
    if any(other != status for _name, other in said):
        texts = ", ".join(f"{name} says {other or 'nothing'}" for name, other in said)
        return f"{texts}.{' The list may lag behind.' if _lags(entry.status, status) else ''}"
    if entry.task_mode and mode and entry.task_mode != mode:
        return f"batch-progress says the task mode {mode}, the list of jobs says {entry.task_mode}."
    if goal is Goal.AUTO and mode == "FULL_TRANS" and reading.status.meaning.phase is Phase.INCREMENTAL:
        # One of the two is wrong, and with it perhaps the goal, which would not ask for a delay.
        return f"The task mode is FULL_TRANS, which has no incremental phase: {status}."
    return ""


def _lags(listed: str | None, status: str | None) -> bool:
    return listed in _COURSE and status in _COURSE and _COURSE.index(listed) < _COURSE.index(status)


def _reached(status: StatusRecord, goal: Goal) -> bool:
    means = status.meaning
    incremental = means.phase is Phase.INCREMENTAL and means.state is State.IN_PROGRESS
    if goal is Goal.STOPPED:
        return status.status in STOPPED
    if goal is Goal.CAUGHT_UP:
        return incremental
    return incremental or (means.phase is Phase.FULL and means.state is State.COMPLETE)


def _delay(progress: ProgressRecord, allowed: int) -> str:
    if progress.delay is None:
        return "The service returns no readable delay (-1 means no value, not zero)."
    # Where milliseconds are given too they must not contradict: 0 s is up to 999 ms.
    if progress.delay > allowed or (progress.delay_ms or 0) >= (allowed + 1) * 1000:
        exact = "" if progress.delay > allowed else f" ({progress.delay_ms} ms)"
        return f"Delay {progress.delay} s{exact}, allowed {allowed} s."
    return ""


def _not_quiet(quiet: Quiet | None, reading: Reading, quiet_for: float) -> tuple[Rule, str]:
    """Why it is not shown that nobody writes to the source any more."""
    if quiet is None or quiet.position is None:
        return Rule.POSITION, "The service returns no position of the source, so nothing shows that it is quiet."
    if reading.progress.rows_applied or (quiet.rows_for is not None and quiet.rows_for < quiet_for):
        when = "at the latest reading" if reading.progress.rows_applied else f"{quiet.rows_for:.0f} s ago"
        text = f"The job applied rows {when}, required are {quiet_for:g} s without."
        return Rule.WRITES, f"{text} End the sessions that write to the source."
    if quiet.state is PositionState.UNMOVED and quiet.lasted >= quiet_for:
        return Rule.POSITION, ""
    asked = f"required are {quiet_for:g} s without a move"
    if quiet.before is None:
        # Whether it moved before that, nobody saw.
        return Rule.POSITION, f"The source's position has been watched for {quiet.lasted:.0f} s, {asked}."
    move = f"from {_position(quiet.before)} to {_position(quiet.position)}"
    if not comparable(quiet.before, quiet.position):
        text = f"The source's position changed its form {quiet.lasted:.0f} s ago, {move}, so they cannot be compared."
        return Rule.POSITION, text
    text = f"The source's position moved {move} {quiet.lasted:.0f} s ago, {asked}. End the sessions that write."
    return Rule.WRITES, f"{text} {_MOVED_WITHOUT_USERS}"


def _position(text: str) -> str:
    """The end of a position, which is what moves."""
    return text if len(text) <= _LONGEST_POSITION else f"...{text[3 - _LONGEST_POSITION :]}"


def _full_progress(progress: ProgressRecord) -> str:
    shares = {"progress": progress.progress}
    shares.update((name, part["progress"]) for name, part in (progress.parts or {}).items())
    short = [f"{name} {'unknown' if share is None else f'{share} %'}" for name, share in shares.items() if share != 100]
    return f"Not at 100 %: {', '.join(short)}." if short else ""
