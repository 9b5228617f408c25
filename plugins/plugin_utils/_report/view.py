# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A result of a wait or of a cutover as the reports show it: typed, bounded texts, the worst first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...module_utils._cutover.journal import Outcome
from ...module_utils._gate.gate import Verdict
from ...module_utils._job.status_table import State, meaning
from ...module_utils._wait.lines import ShortIds
from .untrusted import count, epoch, fields, flag, items, mappings, number, text

# No id, status or code of the service is near that long.
_SHORT = 120
_SENTENCE = 600
# A result shows a longer one by a digest.
_POSITION = 200
# The wait itself keeps its lists shorter.
_MOST = 20000
# Of one database, and of none.
_MOST_FACTS = 20
# Characters of a fact.
_FACT = 200
# More than there are rules.
_MOST_RULES = 50

_SEVERITY = {
    State.FAILED.value: 0,
    State.ENDED.value: 1,
    State.MISSING.value: 2,
    State.UNKNOWN.value: 3,
    State.UNREAD.value: 3,
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
    state: str
    progress: float | None
    delay: float | None
    trend: str
    eta: float | None
    error: str
    parts: tuple[tuple[str, float | None], ...]
    subtasks: tuple[Subtask, ...]
    subtasks_left_out: int
    position: str
    position_state: str
    position_since: float | None


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
class Replay:
    """What was judged again: a recording, and the rules that differ from the recorded ones (rule, recorded, replayed)."""

    recorded_at: float | None
    rules_changed: tuple[tuple[str, str, str], ...]
    jobs_left_out: tuple[str, ...]


@dataclass(frozen=True)
class Wait:
    """The result of a wait. Without jobs and times if it could not begin. A replay is never ready: it says nothing of now."""

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
    ran_by: str = ""
    replay: Replay | None = None

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
        held: dict[str, list[Job]] = {}
        for job in self.worst_first:
            for rule in {hold.rule for hold in job.holds}:
                held.setdefault(rule, []).append(job)
        return sorted(held.items(), key=lambda item: (-len(item[1]), item[0]))


@dataclass(frozen=True)
class Stage:
    """One stage of a cutover."""

    name: str
    state: str
    started_at: float | None
    finished_at: float | None
    seconds: float | None

    @property
    def tone(self) -> str:
        """The class that colours it."""
        return self.state if self.state in ("ok", "failed") else "other"


@dataclass(frozen=True)
class Database:
    """What a job moves. ``facts`` and ``compared`` are names and texts."""

    id: str
    given_name: str
    engine: str
    facts: tuple[tuple[str, str], ...]
    compared: tuple[tuple[str, str], ...]
    stopped: bool


@dataclass(frozen=True)
class Cutover:
    """The result of a whole cutover, with the waits of its gates by their names.

    ``facts`` are those of the user's tasks that are of no single database.
    """

    outcome: str
    ready: bool
    reason: str
    stages: tuple[Stage, ...]
    frozen_since: float | None
    outage: float | None
    databases: tuple[Database, ...]
    facts: tuple[tuple[str, str], ...]
    ran_by: str
    gates: Mapping[str, Wait]
    comparison: str
    started_at: float | None
    finished_at: float | None
    warnings: tuple[str, ...]


def read(result: Mapping[str, Any]) -> Wait | Cutover:
    """Return the result of ``drs_job_wait`` or of the role ``drs_cutover``, whatever it went through since."""
    return cutover_of(result) if result.get("kind") == "cutover" else _wait(result)


def cutover_of(result: Mapping[str, Any]) -> Cutover:
    """Return the result of the role ``drs_cutover``."""
    gates = {text(name, _SHORT): _wait(gate) for name, gate in fields(result.get("gates")).items() if fields(gate)}
    outcome = text(result.get("outcome"), _SHORT) or "unknown"
    databases, facts = _databases(result)
    return Cutover(
        outcome=outcome,
        ready=flag(result.get("ready")) and outcome == Outcome.DONE.value,
        reason=text(result.get("reason")),
        stages=tuple(map(_stage, mappings(result.get("stages")))),
        frozen_since=epoch(result.get("frozen_since")),
        outage=number(result.get("outage_seconds")),
        databases=databases,
        facts=facts,
        ran_by=_ran_by(result),
        gates=gates,
        comparison=text(fields(result.get("comparisons")).get("summary"), _SENTENCE),
        started_at=epoch(result.get("started_at")),
        finished_at=epoch(result.get("finished_at")),
        warnings=_warnings(result),
    )


def _databases(result: Mapping[Any, Any]) -> tuple[tuple[Database, ...], tuple[tuple[str, str], ...]]:
    """Return the databases, and the facts that are of none of them."""
    told = {text(entry.get("id"), _SHORT) or "?": entry for entry in mappings(result.get("databases"))[:_MOST]}
    names = {job_id: text(entry.get("name"), _SHORT) for job_id, entry in told.items()}
    shared = Counter(names.values())
    compared = {text(each.get("id"), _SHORT): each for each in mappings(fields(result.get("comparisons")).get("jobs"))}
    facts = {text(name, _SHORT): value for name, value in fields(result.get("facts")).items()}
    databases = []
    for job_id, entry in told.items():
        # Of a name that several jobs have nobody knows which is meant.
        keys = dict.fromkeys((job_id, names[job_id]))
        own = [facts.pop(key) for key in keys if key in facts and shared.get(key, 1) == 1]
        pairs = [pair for value in own for pair in _facts(value)]
        verdicts = fields(fields(compared.get(job_id)).get("comparisons"))
        databases.append(
            Database(
                id=job_id,
                given_name=names[job_id],
                engine=text(entry.get("engine"), _SHORT),
                facts=tuple(pairs[:_MOST_FACTS]),
                compared=tuple(
                    (text(kind, _SHORT), text(fields(each).get("verdict"), _SHORT) or "unknown")
                    for kind, each in list(verdicts.items())[:_MOST_FACTS]
                ),
                stopped=flag(entry.get("stopped")),
            )
        )
    return tuple(databases), tuple(_facts(facts)[:_MOST_FACTS])


def _facts(value: object) -> list[tuple[str, str]]:
    """Return a fact as names and texts; anything but a dictionary has no name."""
    if isinstance(value, Mapping):
        return [(text(name, _SHORT), _fact(entry)) for name, entry in value.items()]
    return [("", _fact(value))]


def _fact(value: object, depth: int = 3) -> str:
    """Return a fact in one line, without the brackets of a programmer."""
    if isinstance(value, Mapping) and depth:
        return text(", ".join(f"{name}: {_fact(entry, depth - 1)}" for name, entry in value.items()), _FACT)
    if isinstance(value, (list, tuple)) and depth:
        return text(", ".join(_fact(entry, depth - 1) for entry in value), _FACT)
    return text(_shown(value), _FACT)


def _ran_by(result: Mapping[Any, Any]) -> str:
    """Return who ran it and where; empty if the result does not say."""
    who = fields(result.get("ran_by"))
    user, machine, host = (text(who.get(name), _SHORT) for name in ("user", "machine", "host"))
    ran = " on ".join(filter(None, (user, machine)))
    return f"{ran}, host {host}" if host and host != "localhost" else ran


def _warnings(result: Mapping[Any, Any]) -> tuple[str, ...]:
    warnings = [text(warning, _SENTENCE) for warning in items(result.get("warnings"))[:50]]
    if left_out := count(result.get("jobs_left_out")):
        advice = f"{left_out} more jobs are not in this report, because drs_job_wait was not told series=true."
        warnings.insert(0, advice)
    return tuple(warnings)


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
    replay = _replay(result.get("replay"))
    return Wait(
        verdict=verdict,
        # Both must say so: what contradicts itself is not ready.
        ready=flag(result.get("ready")) and verdict == Verdict.READY.value and not replay,
        reason=text(result.get("reason") or result.get("msg")),
        goal=text(result.get("goal"), _SHORT),
        rules={text(name, _SHORT): _shown(value) for name, value in rules.items()},
        max_delay=number(rules.get("max_delay")),
        jobs=tuple(_job(entry, names) for entry in entries),
        transitions=tuple(
            Transition(at, job_id, text(entry.get("from"), _SHORT), text(entry.get("to"), _SHORT))
            for at, job_id, entry in _timed(result.get("transitions"))
        ),
        transitions_left_out=count(result.get("transitions_left_out")) or 0,
        series=tuple(
            Point(at, job_id, number(entry.get("progress")), number(entry.get("delay")))
            for at, job_id, entry in _timed(result.get("series"))
        ),
        numbers={name: number(result.get(name)) for name in ("polls", "requests", "errors", "elapsed")},
        started_at=epoch(result.get("started_at")),
        finished_at=epoch(result.get("finished_at")),
        valid_until=None if replay else epoch(result.get("valid_until")),
        # Without a request there was no attempt.
        failure=tuple(pair for pair in _pairs(result.get("failure")) if pair != ("attempts", "0")),
        connection=_pairs(result.get("connection")),
        warnings=_warnings(result),
        ran_by=_ran_by(result),
        replay=replay,
    )


def _replay(value: object) -> Replay | None:
    # Whatever is there instead of nothing says that it is one.
    if value is None:
        return None
    entry = fields(value)
    return Replay(
        recorded_at=epoch(entry.get("recorded_at")),
        rules_changed=tuple(
            (text(rule.get("rule"), _SHORT) or "?", _shown(rule.get("recorded")), _shown(rule.get("replayed")))
            for rule in mappings(entry.get("rules_changed"))[:_MOST_RULES]
        ),
        jobs_left_out=tuple(text(job_id, _SHORT) for job_id in items(entry.get("jobs_left_out"))),
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
    quiet = fields(entry.get("quiet"))
    return Job(
        id=job_id,
        given_name=text(entry.get("name"), _SHORT),
        name=names[job_id],
        ready=flag(entry.get("ready")) and not holds,
        holds=holds,
        goal=text(entry.get("goal"), _SHORT),
        status=status,
        state=text(entry.get("state"), _SHORT) or meaning(status or None).state.value,
        progress=number(entry.get("progress")),
        delay=number(entry.get("delay")),
        trend=text(entry.get("trend"), _SHORT),
        eta=number(entry.get("eta_seconds")),
        error=error,
        parts=tuple(parts[:20]),
        subtasks=tuple(map(_subtask, mappings(entry.get("subtasks"))[:20])),
        subtasks_left_out=count(entry.get("subtasks_left_out")) or 0,
        position=text(quiet.get("to"), _POSITION),
        position_state=text(quiet.get("state"), _SHORT),
        position_since=epoch(quiet.get("since")),
    )


def _subtask(entry: Mapping[Any, Any]) -> Subtask:
    status = text(entry.get("status") or entry.get("state"), _SHORT)
    return Subtask(text(entry.get("id"), _SHORT) or "?", status, flag(entry.get("ready")))


def _alarm(job: Job) -> tuple[bool, int, float, float]:
    # No delay known is worse than any delay.
    delay = float("inf") if job.delay is None else job.delay
    return job.ready, _SEVERITY.get(job.state, _MILD), -delay, -1.0 if job.progress is None else job.progress


def _timed(value: object) -> Iterator[tuple[float, str, Mapping[Any, Any]]]:
    """Yield the entries of a list about jobs that say when: the time, the id of the job, and the entry."""
    for entry in mappings(value)[:_MOST]:
        at = epoch(entry.get("at"))
        if at is not None:
            yield at, text(entry.get("id"), _SHORT) or "?", entry


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
