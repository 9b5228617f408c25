# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A result of a wait or of a cutover as the reports show it: typed, bounded texts, the worst first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...module_utils._cutover.stages import Outcome
from ...module_utils._gate.gate import Verdict
from ...module_utils._job.status_table import State, meaning
from ...module_utils._wait.lines import ShortIds
from .untrusted import count, epoch, fields, flag, items, mappings, number, text

# No id, status or code of the service is near that long.
_SHORT = 120
_SENTENCE = 600
# The wait itself keeps its lists shorter.
_MOST = 20000

_SEVERITY = {
    State.FAILED.value: 0,
    State.ENDED.value: 1,
    State.MISSING.value: 2,
    State.UNKNOWN.value: 3,
    State.PAUSED.value: 4,
    State.WAITING.value: 5,
}
_MILD = 6


@dataclass(frozen=True)
class ShownHold:
    """Why a job is not ready."""

    rule: str
    text: str


@dataclass(frozen=True)
class Subtask:
    """A job that another job started, in the last sample."""

    id: str
    status: str
    ready: bool


@dataclass(frozen=True)
class Job:
    """One job in the last sample. ``given_name`` is the service's, if known; ``name`` is unique in its report."""

    id: str
    given_name: str
    name: str
    ready: bool
    holds: tuple[ShownHold, ...]
    goal: str
    status: str
    transfer_status: str
    state: str
    progress: float | None
    delay: float | None
    trend: str
    eta: float | None
    error: str
    parts: tuple[tuple[str, float | None], ...]
    subtasks: tuple[Subtask, ...]
    subtasks_left_out: int


@dataclass(frozen=True)
class Transition:
    """A change of status; ``was`` is empty for the first one."""

    at: float
    id: str
    was: str
    now: str


@dataclass(frozen=True)
class Point:
    """Progress (percent) and delay (seconds) of a job at one time (epoch, seconds)."""

    at: float
    id: str
    progress: float | None
    delay: float | None


@dataclass(frozen=True)
class Wait:
    """The result of a wait. Without jobs and times if it could not begin."""

    verdict: str
    ready: bool
    reason: str
    goal: str
    rules: Mapping[str, str]
    max_delay: float | None
    jobs: tuple[Job, ...]
    transitions: tuple[Transition, ...]
    transitions_left_out: int
    series: tuple[Point, ...]
    numbers: Mapping[str, float | None]
    started_at: float | None
    finished_at: float | None
    valid_until: float | None
    failure: tuple[tuple[str, str], ...]
    connection: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]

    @property
    def worst_first(self) -> list[Job]:
        """Jobs that are not ready before those that are, the most alarming first."""
        return sorted(self.jobs, key=_alarm)

    @property
    def jobs_ready(self) -> int:
        """The number of jobs that were ready in the last sample."""
        return sum(job.ready for job in self.jobs)

    @property
    def held_by(self) -> list[tuple[str, list[Job]]]:
        """The jobs that each rule holds, the rule with most of them first."""
        rules = Counter(rule for job in self.jobs for rule in {hold.rule for hold in job.holds})
        return [
            (rule, [job for job in self.worst_first if any(hold.rule == rule for hold in job.holds)])
            for rule, _jobs in sorted(rules.items(), key=lambda item: (-item[1], item[0]))
        ]


@dataclass(frozen=True)
class Stage:
    """One stage of a cutover."""

    name: str
    state: str
    started_at: float | None
    finished_at: float | None
    seconds: float | None


@dataclass(frozen=True)
class Cutover:
    """The result of a whole cutover, with the waits of its gates by their names."""

    outcome: str
    ready: bool
    reason: str
    stages: tuple[Stage, ...]
    frozen_since: float | None
    outage: float | None
    stopped: tuple[str, ...]
    gates: Mapping[str, Wait]
    started_at: float | None
    finished_at: float | None
    warnings: tuple[str, ...]


def read(result: Mapping[str, Any]) -> Wait | Cutover:
    """Return the result of ``drs_job_wait`` or of the role ``drs_cutover``, whatever it went through since."""
    return _cutover(result) if result.get("kind") == "cutover" else _wait(result)


def _cutover(result: Mapping[str, Any]) -> Cutover:
    gates = {text(name, _SHORT): _wait(gate) for name, gate in fields(result.get("gates")).items() if fields(gate)}
    outcome = text(result.get("outcome"), _SHORT) or "unknown"
    return Cutover(
        outcome=outcome,
        ready=flag(result.get("ready")) and outcome == Outcome.DONE.value,
        reason=text(result.get("reason")),
        stages=tuple(map(_stage, mappings(result.get("stages")))),
        frozen_since=epoch(result.get("frozen_since")),
        outage=number(result.get("outage_seconds")),
        stopped=tuple(text(job_id, _SHORT) for job_id in items(result.get("stopped"))),
        gates=gates,
        started_at=epoch(result.get("started_at")),
        finished_at=epoch(result.get("finished_at")),
        warnings=_warnings(result),
    )


def _warnings(result: Mapping[Any, Any]) -> tuple[str, ...]:
    return tuple(text(warning, _SENTENCE) for warning in items(result.get("warnings"))[:50])


def _stage(stage: Mapping[Any, Any]) -> Stage:
    began, ended = epoch(stage.get("started_at")), epoch(stage.get("finished_at"))
    seconds = number(stage.get("seconds"))
    if seconds is None and began is not None and ended is not None:
        seconds = ended - began
    return Stage(
        name=text(stage.get("name"), _SHORT) or "?",
        state=text(stage.get("state"), _SHORT) or "unknown",
        started_at=began,
        finished_at=ended,
        seconds=seconds,
    )


def _wait(result: Mapping[Any, Any]) -> Wait:
    verdict = text(result.get("verdict"), _SHORT) or Verdict.ERROR.value
    rules = fields(result.get("rules"))
    entries = mappings(result.get("jobs"))
    names = _names(entries)
    return Wait(
        verdict=verdict,
        # Both must say so: what contradicts itself is not ready.
        ready=flag(result.get("ready")) and verdict == Verdict.READY.value,
        reason=text(result.get("reason") or result.get("msg")),
        goal=text(result.get("goal"), _SHORT),
        rules={text(name, _SHORT): _shown(value) for name, value in rules.items()},
        max_delay=number(rules.get("max_delay")),
        jobs=tuple(_job(entry, names) for entry in entries),
        transitions=_transitions(result),
        transitions_left_out=count(result.get("transitions_left_out")) or 0,
        series=_series(result),
        numbers={name: number(result.get(name)) for name in ("polls", "requests", "logins", "errors", "elapsed")},
        started_at=epoch(result.get("started_at")),
        finished_at=epoch(result.get("finished_at")),
        valid_until=epoch(result.get("valid_until")),
        failure=_pairs(result.get("failure")),
        connection=_pairs(result.get("connection")),
        warnings=_warnings(result),
    )


def _names(entries: Sequence[Mapping[Any, Any]]) -> dict[str, str]:
    """Return what each job is called in a report: its name, with the short id if others share it; else the short id."""
    given = {text(entry.get("id"), _SHORT) or "?": text(entry.get("name"), _SHORT) for entry in entries}
    short, shared = ShortIds(list(given)), Counter(given.values())
    return {
        job_id: short[job_id] if not name else name if shared[name] == 1 else f"{name} ({short[job_id]})"
        for job_id, name in given.items()
    }


def _job(entry: Mapping[Any, Any], names: Mapping[str, str]) -> Job:
    job_id = text(entry.get("id"), _SHORT) or "?"
    holds = tuple(
        ShownHold(text(hold.get("rule"), _SHORT) or "?", text(hold.get("text"), _SENTENCE))
        for hold in mappings(entry.get("holds"))[:20]
    )
    status = text(entry.get("status"), _SHORT)
    error = ": ".join(filter(None, (text(entry.get(name), _SENTENCE) for name in ("error_code", "error_message"))))
    parts = [
        (text(name, _SHORT), number(fields(part).get("progress"))) for name, part in fields(entry.get("parts")).items()
    ]
    return Job(
        id=job_id,
        given_name=text(entry.get("name"), _SHORT),
        name=names[job_id],
        ready=flag(entry.get("ready")) and not holds,
        holds=holds,
        goal=text(entry.get("goal"), _SHORT),
        status=status,
        transfer_status=text(entry.get("transfer_status"), _SHORT),
        state=text(entry.get("state"), _SHORT) or meaning(status or None).state.value,
        progress=number(entry.get("progress")),
        delay=number(entry.get("delay")),
        trend=text(entry.get("trend"), _SHORT),
        eta=number(entry.get("eta_seconds")),
        error=error,
        parts=tuple(parts[:20]),
        subtasks=tuple(map(_subtask, mappings(entry.get("subtasks"))[:20])),
        subtasks_left_out=count(entry.get("subtasks_left_out")) or 0,
    )


def _subtask(entry: Mapping[Any, Any]) -> Subtask:
    status = text(entry.get("status") or entry.get("state"), _SHORT)
    return Subtask(text(entry.get("id"), _SHORT) or "?", status, flag(entry.get("ready")))


def _alarm(job: Job) -> tuple[bool, int, float, float]:
    # No delay known is worse than any delay.
    delay = float("inf") if job.delay is None else job.delay
    return job.ready, _SEVERITY.get(job.state, _MILD), -delay, -1.0 if job.progress is None else job.progress


def _transitions(result: Mapping[Any, Any]) -> tuple[Transition, ...]:
    transitions = []
    for entry in mappings(result.get("transitions"))[:_MOST]:
        at = epoch(entry.get("at"))
        if at is not None:
            was, now = (text(entry.get(name), _SHORT) for name in ("from", "to"))
            transitions.append(Transition(at, text(entry.get("id"), _SHORT) or "?", was, now))
    return tuple(transitions)


def _series(result: Mapping[Any, Any]) -> tuple[Point, ...]:
    points = []
    for entry in mappings(result.get("series"))[:_MOST]:
        at = epoch(entry.get("at"))
        if at is not None:
            progress, delay = number(entry.get("progress")), number(entry.get("delay"))
            points.append(Point(at, text(entry.get("id"), _SHORT) or "?", progress, delay))
    return tuple(points)


def _pairs(value: object) -> tuple[tuple[str, str], ...]:
    pairs = ((text(name, _SHORT), _shown(value)) for name, value in fields(value).items())
    return tuple((name, value) for name, value in pairs if value)


def _shown(value: object) -> str:
    """Return a value of an option: no ``60.0`` where somebody wrote ``60``."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)) and (read := number(value)) is not None:
        return f"{read:g}" if abs(read) < 1e6 else f"{read:.0f}"
    return text(value, _SENTENCE)


def of_job(points: Sequence[Point]) -> dict[str, list[Point]]:
    """Return points by the id of their job, in the order of time."""
    by_id: dict[str, list[Point]] = {}
    for point in points:
        by_id.setdefault(point.id, []).append(point)
    return by_id
