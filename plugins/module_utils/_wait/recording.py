# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evidence: every observation of a wait as one JSON line, and back.

A file may hold several runs, one after the other. A line that cannot be read counts as a failed
poll of its run, so that what is lost never counts in favour of a switch.
"""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from .._gate.gate import FailedPoll, Observation, Sample
from .._gate.rules import ListEntry, Reading, Rules, Subtasks
from .._job.errors import configuration_error, protocol_error
from .._job.ranges import LONGEST
from .._job.records import ProgressRecord, StatusRecord, shown_position
from .._job.text import printable

SCHEMA = 1
# What everything that comes of a recording is marked with.
REPLAY = "REPLAY"

# Bounds that no wait reaches, and that every calendar and every output can show.
_YEAR_9000 = 221845392000
_LARGEST = 10**16
# Characters of a rule that is a text: a goal, or the path of a hold file.
_LONGEST_RULE = 4096

_POSITIONS = ("src_offset", "node_offset", "dst_offset")
# Of a failure; everything else in it is a text.
_NUMBERS = ("http_status", "attempts")
_TYPES: dict[str, type] = {"str": str, "bool": bool, "int": int, "Mapping": dict}


def _written(record: type[StatusRecord] | type[ListEntry]) -> dict[str, type]:
    """Return the fields of a record that are written, by their names, with their types besides None."""
    # The entry of the API as it came is for who reads jobs; of a wait it would be megabytes.
    return {each.name: _TYPES[re.split(r"\W", str(each.type))[0]] for each in fields(record) if each.name != "raw"}


_FIELDS = {record: _written(record) for record in (StatusRecord, ProgressRecord, ListEntry)}
_Record = TypeVar("_Record", StatusRecord, ProgressRecord, ListEntry)


@dataclass(frozen=True)
class Run:
    """One recorded wait. ``damaged`` has the numbers of its lines that could not be read.

    ``rules`` are those by which it was judged, as far as the recording says so.
    """

    ids: tuple[str, ...]
    started_at: float
    observations: tuple[Observation, ...]
    damaged: tuple[int, ...]
    rules: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def changed(self, rules: Rules) -> list[dict[str, Any]]:
        """Return the rules that differ from the recorded ones, with both values; one that is not recorded is None."""
        return [
            {"rule": name, "recorded": self.rules.get(name), "replayed": value}
            for name, value in rules.as_dict().items()
            if self.rules.get(name) != value
        ]

    def ids_by_name(self) -> dict[str, str]:
        """The ids of the jobs by the names that were recorded with them."""
        readings = (
            reading
            for observation in self.observations
            if isinstance(observation, Sample)
            for reading in observation.readings
        )
        return {reading.name: reading.id for reading in readings if reading.name}

    def of_jobs(self, ids: Sequence[str], held_counts: bool) -> Iterator[Observation]:
        """Its observations of these jobs; a job that a sample lacks is not found in it.

        A wait lists subtasks only when it matters, which by other rules may be elsewhere: a list counts until the next.
        """
        listed: set[str] = set()
        for observation in self.observations:
            if isinstance(observation, FailedPoll):
                yield observation
                continue
            by_id = {reading.id: reading for reading in observation.readings}
            listed.update(reading.id for reading in observation.readings if reading.subtasks.listed)
            listed -= {reading.id for reading in observation.readings if reading.subtasks.problem}
            found = [by_id.get(job_id) or Reading(StatusRecord(job_id), ProgressRecord(job_id)) for job_id in ids]
            readings = tuple(
                replace(reading, subtasks=replace(reading.subtasks, listed=reading.id in listed)) for reading in found
            )
            yield replace(observation, readings=readings, held=observation.held and held_counts)


class Recorder:
    """Appends the observations of one wait to a file, each flushed at once.

    Raises :class:`DrsError` of kind ``configuration`` when the file cannot be opened. When it
    cannot be written to later, ``problem`` says so and the wait goes on.
    """

    def __init__(
        self,
        path: str,
        ids: Sequence[str],
        rules: Rules,
        started_at: float,
        shown: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda content: content,
    ) -> None:
        """``shown`` takes the secrets out of what is written."""
        self._shown = shown
        self.problem: str | None = None
        self._path = path
        self._run = f"{started_at:.6f}"
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            # A run that was killed in mid-line must not take the first line of this one with it.
            torn = _ends_in_mid_line(Path(path))
            self._file = open(path, "a", encoding="utf-8", opener=_not_for_all_to_write)  # noqa: SIM115 - see __exit__
        except (OSError, ValueError) as error:
            raise configuration_error(f"record: {path} cannot be written to: {_why(error)}.") from None
        if torn:
            self._file.write("\n")
        self._write({"type": "start", "at": started_at, "jobs": list(ids), "rules": rules.as_dict()})

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_exception: object) -> None:
        try:
            self._file.close()
        except OSError as error:
            # What a full disk did not take before is tried again here.
            self._lost(error)

    def observed(self, observation: Observation) -> None:
        """Append one observation."""
        times = {"began": observation.began, "ended": observation.ended, "at": observation.at}
        if isinstance(observation, FailedPoll):
            failed = {"message": observation.message, "failure": dict(observation.failure), "final": observation.final}
            self._write({"type": "failed_poll", **times, **failed})
        else:
            jobs = [_job(reading) for reading in observation.readings]
            self._write({"type": "sample", **times, "held": observation.held, "jobs": jobs})

    def verdict(self, verdict: str, reason: str) -> None:
        """Append how the wait ended; a replay judges anew and does not read it."""
        self._write({"type": "verdict", "verdict": verdict, "reason": reason})

    def _write(self, content: Mapping[str, Any]) -> None:
        if self.problem:
            return
        line = json.dumps({"schema": SCHEMA, "run": self._run, **self._shown(content)}, separators=(",", ":"))
        try:
            self._file.write(f"{line}\n")
            self._file.flush()
        except OSError as error:
            self._lost(error)

    def _lost(self, error: OSError) -> None:
        self.problem = f"record: {self._path} could not be written to ({_why(error)}); later samples are not in it."


def read_last_run(path: str) -> Run:
    """Return the last run in a file written by :class:`Recorder`.

    Raises :class:`DrsError` of kind ``configuration`` when there is no such file or no run in it.
    """
    try:
        lines = Path(path).read_bytes().split(b"\n")
    except (OSError, ValueError) as error:
        raise configuration_error(f"replay: {path} cannot be read: {_why(error)}.") from None
    entries = [(number, _entry(line)) for number, line in enumerate(lines, start=1) if line.strip()]
    runs = [entry["run"] for _number, entry in entries if entry]
    if not runs:
        raise configuration_error(f"replay: {path} holds no recorded run. It must be a file written by record.")
    # Damaged lines belong to the run they stand in; another wait may have written to the file at the same time.
    first = next(index for index, (_number, entry) in enumerate(entries) if entry and entry["run"] == runs[-1])
    _refuse_a_lost_run(path, entries[first:])
    return _as_run([entry for entry in entries[first:] if entry[1] is None or entry[1]["run"] == runs[-1]])


def _refuse_a_lost_run(path: str, entries: Sequence[tuple[int, dict[str, Any] | None]]) -> None:
    """What is damaged after the last line that can be read may be a later run, of which the one before it says nothing.

    A wait that is killed tears one line of its own, the last one.
    """
    last, kind = [(index, entry["type"]) for index, (_number, entry) in enumerate(entries) if entry][-1]
    lost = [number for number, _entry in entries[last + 1 :]]
    if len(lost) > 1 or (lost and kind == "verdict"):
        raise configuration_error(
            f"replay: line {lost[0]} of {path} and everything after it is unreadable; it may belong to a later run. "
            "Delete those lines to replay the run before them."
        )


def _as_run(entries: Sequence[tuple[int, dict[str, Any] | None]]) -> Run:
    observations: list[Observation] = []
    ids: tuple[str, ...] = ()
    rules: Mapping[str, Any] = {}
    started_at, damaged = None, []
    for number, entry in entries:
        if entry and entry["type"] == "start":
            ids, started_at, rules = entry["jobs"], entry["at"], entry["rules"]
        if entry and not entry["observation"]:
            continue
        observation: Observation | None = entry["observation"] if entry else None
        if observation is None or (observations and observation.began < observations[-1].ended):
            # Lost, or out of order: no wait writes that, so it is evidence of nothing.
            damaged.append(number)
            observation = _damaged(number, observations, started_at or 0.0)
        observations.append(observation)
        if started_at is None:
            started_at = observation.at - observation.ended
        if isinstance(observation, Sample) and not ids:
            ids = tuple(reading.id for reading in observation.readings)
    return Run(ids, started_at or 0.0, tuple(observations), tuple(damaged), rules)


def _damaged(number: int, before: Sequence[Observation], started_at: float) -> FailedPoll:
    # Nobody knows when it was; the observation before it is the latest time it cannot be before.
    ended, at = (before[-1].ended, before[-1].at) if before else (0.0, started_at)
    error = protocol_error(f"Line {number} of the recording is damaged.")
    return FailedPoll(ended, ended, at, str(error), error.failure())


def _entry(line: bytes) -> dict[str, Any] | None:
    """A line's content, an observation decoded as ``observation``, which else is None; None for a damaged line."""
    try:
        entry = json.loads(line)
        if entry["schema"] != SCHEMA or not isinstance(entry["run"], str):
            return None
        kind, entry["observation"] = entry["type"], None
        if kind == "start":
            entry["jobs"] = tuple(_typed(job_id, str) for job_id in _typed(entry["jobs"], list))
            entry["at"] = _time_of_day(entry["at"])
            entry["rules"] = _rules(entry.get("rules"))
        elif kind == "sample":
            held = _typed(entry["held"], bool)
            entry["observation"] = Sample(*_times(entry), _readings(entry["jobs"]), held)
        elif kind == "failed_poll":
            entry["observation"] = FailedPoll(
                *_times(entry),
                _typed(entry["message"], str),
                _failure(entry["failure"]),
                _typed(entry["final"], bool),
            )
        elif kind != "verdict":
            return None
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None
    return dict(entry)


def _rules(values: Any) -> dict[str, Any]:
    """Return the recorded rules that have a value as a rule has; they are compared and shown, and decide nothing."""
    rules: dict[str, Any] = {}
    for name in Rules().as_dict():
        value = values.get(name) if isinstance(values, dict) else None
        if isinstance(value, str):
            rules[name] = printable(value[:_LONGEST_RULE])
        elif isinstance(value, bool) or (isinstance(value, (int, float)) and 0 <= value <= LONGEST):
            rules[name] = value
    return rules


def _readings(jobs: Sequence[Mapping[str, Any]]) -> tuple[Reading, ...]:
    readings = tuple(
        Reading(
            _record(StatusRecord, job["status"]),
            _record(ProgressRecord, job["progress"]),
            _typed(job["name"], str) if "name" in job else None,
            _subtasks(job["subtasks"]) if "subtasks" in job else Subtasks(),
            _record(ListEntry, job["list"]) if "list" in job else ListEntry(),
        )
        for job in jobs
    )
    ids = [reading.id for reading in readings]
    if len(set(ids)) < len(ids) or ids != [reading.progress.id for reading in readings]:
        raise ValueError("not one entry for each job")
    return readings


def _subtasks(entry: Mapping[str, Any]) -> Subtasks:
    problem = _typed(entry["problem"], str) if "problem" in entry else None
    if any("subtasks" in job for job in entry["jobs"]):
        raise ValueError("subtasks of a subtask")
    return Subtasks(_readings(entry["jobs"]), _typed(entry["listed"], bool) and problem is None, problem)


def _job(reading: Reading) -> dict[str, Any]:
    entry: dict[str, Any] = {"status": _as_dict(reading.status), "progress": _as_dict(reading.progress)}
    if reading.name:
        entry["name"] = reading.name
    if reading.entry != ListEntry():
        entry["list"] = _as_dict(reading.entry)
    subtasks = reading.subtasks
    if subtasks != Subtasks():
        problem = {"problem": subtasks.problem} if subtasks.problem else {}
        entry["subtasks"] = {"listed": subtasks.listed, **problem, "jobs": [_job(each) for each in subtasks.readings]}
    return entry


def _failure(values: Any) -> dict[str, Any]:
    failure = {name: values[name] for name in protocol_error("").failure()}
    return {
        name: None if value is None else _typed(value, int if name in _NUMBERS else str)
        for name, value in failure.items()
    }


def _times(entry: Mapping[str, Any]) -> tuple[float, float, float]:
    began, ended = (_typed(entry[name], float) for name in ("began", "ended"))
    if not 0 <= began <= ended <= LONGEST:
        raise ValueError("times that run backwards, or for ever")
    return began, ended, _time_of_day(entry["at"])


def _time_of_day(value: Any) -> float:
    at: float = _typed(value, float)
    if not 0 <= at < _YEAR_9000:
        raise ValueError("no time of day")
    return at


def _as_dict(record: StatusRecord | ListEntry) -> dict[str, Any]:
    known = {name: value for name in _FIELDS[type(record)] if (value := getattr(record, name)) is not None}
    return {name: shown_position(value) if name in _POSITIONS else value for name, value in known.items()}


def _record(kind: type[_Record], values: Mapping[str, Any]) -> _Record:
    return kind(**{name: _typed(value, _FIELDS[kind][name]) for name, value in values.items()})


def _typed(value: Any, kind: type) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeError(f"not {kind.__name__}")
    if isinstance(value, str):
        # No lone surrogates, which no output can encode.
        value.encode()
        return printable(value)
    if isinstance(value, dict):
        return {_typed(name, str): _part(part) for name, part in value.items()}
    if isinstance(value, int) and not 0 <= value < _LARGEST:
        # The service says -1 for no value, which is recorded as none.
        raise ValueError("not a number of the service")
    return value


def _part(part: Any) -> dict[str, int | None]:
    return {name: None if part[name] is None else _typed(part[name], int) for name in ("progress", "remaining_time")}


def _why(error: OSError | ValueError) -> str:
    return getattr(error, "strerror", None) or str(error)


def _not_for_all_to_write(path: str, flags: int) -> int:
    # As reports are: whatever the umask.
    return os.open(path, flags, 0o644)


def _ends_in_mid_line(path: Path) -> bool:
    if not path.exists():
        return False
    if path.is_fifo():
        # It would block until somebody reads it, and the wait with it.
        raise OSError(errno.ESPIPE, "it is a pipe")
    with path.open("rb") as file:
        if not file.seek(0, os.SEEK_END):
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"
