# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The words that all reports share: durations, and what a verdict or an outcome means."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Literal, TypeAlias

from ...module_utils._cutover.journal import Outcome
from ...module_utils._cutover.wording import HEADLINES
from ...module_utils._gate.gate import Verdict
from ...module_utils._gate.quiet import PositionState
from ...module_utils._gate.rules import Rule
from ...module_utils._job.text import counted
from ...module_utils._wait.recording import REPLAY
from .svg import clock
from .view import Cutover, Database, Job, Replay, Wait

_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))

Tone: TypeAlias = Literal["good", "warn", "hold", "bad", "odd"]

# What each verdict means, and how alarming it is.
_OF_VERDICTS: Mapping[str, tuple[str, Tone]] = {
    Verdict.READY.value: ("All jobs were ready together. The gate is open.", "good"),
    Verdict.TIMEOUT.value: ("Timed out before all jobs were ready. The gate stays shut.", "warn"),
    Verdict.HELD.value: ("Only the hold file is blocking. The gate stays shut.", "hold"),
    Verdict.FAILED.value: ("A job failed. The gate stays shut.", "bad"),
    Verdict.ENDED.value: ("A job ended before it reached its goal. The gate stays shut.", "bad"),
    Verdict.ERROR.value: ("The jobs could not be read. The gate stays shut.", "bad"),
    Verdict.MISSING.value: ("The service does not know every job. The gate stays shut.", "odd"),
    Verdict.UNKNOWN.value: ("A job has an unknown status. The gate stays shut.", "odd"),
}


def span(seconds: float) -> str:
    """Return a duration for people: ``12.4 s``, ``2 min 25 s``, ``1 h 5 min``, ``3 d 4 h``."""
    if abs(seconds) < 59.95:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    rest = max(0, round(seconds))
    parts: list[str] = []
    for unit, size in _UNITS:
        number, rest = divmod(rest, size)
        if parts and not number:
            break
        if number:
            parts.append(f"{number} {unit}")
    return " ".join(parts[:2])


def day_and_time(at: float) -> str:
    """Return an epoch time as a person writes it, in UTC and in the zone of this machine."""
    return f"{clock(at, '%d %b %Y, %H:%M:%S UTC')}{local(at)}"


def time_of_day(at: float) -> str:
    """Return the time of day of an epoch time, in UTC and in the zone of this machine."""
    return f"{clock(at, '%H:%M:%S UTC')}{local(at)}"


def local(at: float) -> str:
    """Return the time of day in the zone of this machine, in brackets; empty if that is UTC."""
    utc = datetime.fromtimestamp(at, timezone.utc)
    here = utc.astimezone()
    if not here.utcoffset():
        return ""
    day = "" if here.date() == utc.date() else f"{here:%d %b}, "
    return f" ({day}{here:%H:%M:%S} {here:%Z})"


def estimate(seconds: float) -> str:
    """Return a duration that nobody knows exactly: from a minute on without seconds, from a day on without minutes."""
    size = 1 if seconds < 60 else 60 if seconds < 86400 else 3600
    return span(round(seconds / size) * size)


def words(name: str) -> str:
    """Return a name such as ``not_begun`` as words."""
    return name.replace("_", " ")


def changed_rules(replay: Replay) -> list[str]:
    """Return the rules that differ from the recorded ones, each with both values."""
    return [f"{rule} {now or 'none'} (recorded: {then or 'none'})" for rule, then, now in replay.rules_changed]


def of_replay(wait: Wait) -> str:
    """Return what a replay is and by which other rules it judged; empty for a wait."""
    replay = wait.replay
    if replay is None:
        return ""
    recorded = "" if replay.recorded_at is None else f" of {day_and_time(replay.recorded_at)}"
    changed = changed_rules(replay)
    rules = f"Rules that differ: {', '.join(changed)}." if changed else "The rules are those of the recording."
    number = len(replay.jobs_left_out)
    left_out = f" {counted(number)} of the recording left out." if number else ""
    return f"Samples{recorded} were judged again. This is no evidence: it says nothing of now. {rules}{left_out}"


_CONNECTION = {"endpoint": "endpoint", "region": "region", "project_id": "project", "user": "user"}


def origin(wait: Wait) -> list[tuple[str, str]]:
    """Where the jobs were read and by whom: names and values, as far as they are known."""
    known = dict(wait.connection)
    return [(name, known[key]) for key, name in _CONNECTION.items() if key in known]


def of_cutover(cutover: Cutover) -> dict[str, str]:
    """Return who ran it, since when the source has been frozen, if it may still be, how many jobs were stopped, and the evidence."""
    facts: dict[str, str] = {}
    if cutover.ran_by:
        facts["Ran by"] = cutover.ran_by
    if cutover.frozen_since is not None and cutover.outage is None:
        facts["Frozen since"] = day_and_time(cutover.frozen_since)
    stopped = sum(database.stopped for database in cutover.databases)
    if stopped:
        # The table of the databases names them.
        facts["Stopped"] = f"{stopped} of {counted(len(cutover.databases))}"
    if rested_on := evidence(cutover):
        facts["Evidence"] = rested_on
    return facts


def of_database(database: Database, cutover: Cutover) -> str:
    """Return what the decision to switch rested on for one database, or would have."""
    gates = [cutover.gates[name] for name in ("recheck", "final") if name in cutover.gates]
    jobs = [job for gate in gates for job in gate.jobs if job.id == database.id]
    if not gates:
        return "final gate not reached"
    if not jobs:
        return "not in the final gate"
    # Of the position the final gate tells, which took more than one sample.
    said = [_of_last_sample(jobs[0]), of_position(jobs[-1])]
    if database.compared:
        said.append(f"comparison: {', '.join(f'{kind} {verdict}' for kind, verdict in database.compared)}")
    return "; ".join(filter(None, said))


def _of_last_sample(job: Job) -> str:
    delay = "" if job.delay is None else f"delay {job.delay:g} s"
    if job.ready:
        return f"ready, {delay or job.status or job.state}"
    rules = [hold.rule for hold in job.holds]
    if rules == [Rule.DELAY.value] and delay:
        return f"not ready: {delay}"
    return f"not ready: {', '.join(rules) or 'no reason in the result'}{f', {delay}' if delay else ''}"


def of_stop(database: Database, cutover: Cutover) -> str:
    """Return whether this cutover stopped the job of a database."""
    if database.stopped:
        return "stopped"
    tried = any(stage.name == "stop" and stage.state != "ok" for stage in cutover.stages)
    return "may be stopped" if tried else "not stopped"


def worst_first(cutover: Cutover) -> list[Database]:
    """Return the databases, those whose job was not ready at the last gate first."""
    gates = list(cutover.gates.values())[-1:]
    ready = {job.id for gate in gates for job in gate.jobs if job.ready}
    return sorted(cutover.databases, key=lambda database: bool(gates) and database.id in ready)


def evidence(cutover: Cutover) -> str:
    """Return what the decision to switch rested on, or would have; empty without a final gate."""
    gate = cutover.gates.get("recheck") or cutover.gates.get("final")
    final = cutover.gates.get("final") or gate
    if gate is None or final is None:
        return ""
    allowed = "" if gate.max_delay is None else f" (delay of at most {gate.max_delay:g} s)"
    ready = f"{gate.jobs_ready} of {counted(len(gate.jobs))} ready{allowed}"
    positions = f"source position {of_positions(final) or 'not known'}"
    return f"{ready}; {positions}; comparison after the freeze: {cutover.comparison or 'none'}"


def of_position(job: Job) -> str:
    """Return whether the position of a job's source moved; empty if the service returned none."""
    if not job.position:
        return ""
    if job.position_state == PositionState.MOVED.value:
        return "source moved"
    if job.position_state != PositionState.UNMOVED.value or job.position_since is None:
        return "source seen once"
    return f"source unmoved since {clock(job.position_since, '%H:%M:%S UTC')}"


def of_positions(wait: Wait) -> str:
    """Return of how many jobs the source moved up to the last sample; empty without jobs."""
    if not wait.jobs:
        return ""
    known = [job for job in wait.jobs if job.position]
    if not known:
        return "not known"
    unmoved = [job for job in known if job.position_state == PositionState.UNMOVED.value and job.position_since]
    if len(unmoved) < len(wait.jobs):
        return f"unmoved for {len(unmoved)} of {counted(len(wait.jobs))}"
    return f"unmoved since {time_of_day(max(job.position_since or 0.0 for job in unmoved))}"


def of_subtasks(job: Job) -> str:
    """Return how many subtasks of a job are ready; empty if it has none."""
    if not job.subtasks:
        return ""
    number = len(job.subtasks)
    # Of those that the result leaves out nothing is known here.
    more = f", {job.subtasks_left_out} more not listed" if job.subtasks_left_out else ""
    return f"{sum(task.ready for task in job.subtasks)} of {counted(number, 'subtask')} ready{more}"


def word(view: Wait | Cutover) -> str:
    """Return the verdict or the outcome, of a replay with the word that says so."""
    if isinstance(view, Cutover):
        return view.outcome
    return f"{REPLAY}: {view.verdict}" if view.replay else view.verdict


def says(view: Wait | Cutover) -> str:
    """Return what the verdict or the outcome means, in a sentence or two."""
    return _meaning(view)[0]


def tone(view: Wait | Cutover) -> Tone:
    """How alarming it is."""
    return _meaning(view)[1]


def _meaning(view: Wait | Cutover) -> tuple[str, Tone]:
    if isinstance(view, Cutover):
        return _of_outcome(view)
    if view.replay:
        return "A recording was judged again: no evidence, and no reason to open a gate.", "odd"
    if view.verdict == Verdict.ERROR.value and not view.jobs:
        return "The wait could not begin. The gate stays shut.", "bad"
    if view.verdict == Verdict.TIMEOUT.value and view.rules.get("timeout") == "0":
        return "Not all jobs were ready in the one sample that was taken. The gate stays shut.", "warn"
    if view.verdict == Verdict.READY.value and not view.ready:
        return "The result contradicts itself. The gate stays shut.", "bad"
    # The result may be of another version, with a verdict that this one does not know.
    return _OF_VERDICTS.get(view.verdict, ("The gate stays shut.", "odd"))


def _of_outcome(cutover: Cutover) -> tuple[str, Tone]:
    # Nothing is lost: the source is in use, as before.
    mild = cutover.outcome in (Outcome.UNFROZEN.value, Outcome.NOT_BEGUN.value)
    tone: Tone = "good" if cutover.ready else "warn" if mild else "bad"
    # The result may be of another version, with an outcome that this one does not know.
    known = {outcome.value: said for outcome, said in HEADLINES.items()}
    if cutover.outcome in known and (cutover.ready or cutover.outcome != Outcome.DONE.value):
        return known[cutover.outcome], tone
    failed = next((stage.name for stage in cutover.stages if stage.state == "failed"), "")
    return f"The cutover stopped in the stage {failed}." if failed else "The cutover did not succeed.", tone
