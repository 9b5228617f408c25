# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs as a scenario describes them, and the items that the two operations show of them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from drs_simulator import checks
from drs_simulator.comparisons import Comparison, parse_comparisons
from drs_simulator.lives import INCREMENTAL, LIVES, NUMERIC_FIELDS, USUAL_MODE, Pace, Step, life, reading

BATCH_STATUS, BATCH_PROGRESS = "batch-status", "batch-progress"
TYPES = ("migration", "sync", "cloudDataGuard")
MODES = ("FULL_TRANS", "INCR_TRANS", "FULL_INCR_TRANS")
# How the service answers for a job. Only the first is a job it knows.
ANSWERS = ("found", "left_out", "refused", "item_error", "refused_without_list")
# How it answers to the stop of a job it knows; `busy` for the first `busy_times` requests.
STOP_ANSWERS = ("accepted", "ignored", "wrong_state")
NO_SUCH_JOB = ("DRS.M00289", "The job is non-existent.")

_PARTS = ("struct", "data", "index")
_PACE_KEYS = frozenset(field.name for field in fields(Pace))
_STEP_KEYS = frozenset(field.name for field in fields(Step))
# Written on the job itself these win over whatever its life says.
_FIXED_KEYS = frozenset({"status", "process_time", "error_code", "error_msg", *NUMERIC_FIELDS})
_OTHER_KEYS = frozenset(
    {"id", "mode", "life", "steps", "offset", "answer", "transfer_status", "raw_status", "raw_progress", "omit"}
    | {"name", "type", "engine", "created_at", "children", "listed", "raw_list"}
    | {"source_engine", "target_engine", "conflict_policy", "position", "position_rate"}
    | {"comparisons", "compare_page"}
    | {"target_readonly", "stop_answer", "busy_times", "stop_seconds", "release_fails"}
)
# What a new life does away with.
_LIFE_KEYS = _PACE_KEYS | _FIXED_KEYS | {"life", "steps", "offset"}
JOB_KEYS = _PACE_KEYS | _FIXED_KEYS | _OTHER_KEYS
_NOT_BEGUN = frozenset({"CREATING", "CREATE_FAILED", "CONFIGURATION", "WAITING_FOR_START", "STARTJOBING"})


@dataclass(frozen=True)
class Job:
    """One job of the scenario. `definition` is what was written, so that a change can be laid over it."""

    id: str
    mode: str
    steps: tuple[Step, ...]
    offset: float
    fixed: Mapping[str, Any]
    answers: Mapping[str, str]
    transfer_status: str | None
    raw_status: Mapping[str, Any]
    raw_progress: Mapping[str, Any]
    omit: frozenset[str]
    definition: Mapping[str, Any]
    target_readonly: bool | None = False
    stop_answer: str = "accepted"
    busy_times: int = 0
    stop_seconds: float = 0
    release_fails: bool = False
    name: str = ""
    type: str = "migration"
    engine: str = "mysql"
    source_engine: str = "mysql"
    target_engine: str = "mysql"
    conflict_policy: str | None = None
    position: str | None = None
    position_rate: float = 0
    comparisons: tuple[Comparison, ...] = ()
    compare_page: int = 100
    created_at: str = "2026-06-26T17:08:57Z"
    children: tuple[str | Mapping[str, Any], ...] = ()
    listed: bool = True
    raw_list: Mapping[str, Any] = field(default_factory=dict)

    def at(self, seconds: float) -> dict[str, Any]:
        """All fields SECONDS after the job's beginning: its life, and over it what the scenario fixed."""
        step = reading(self.steps, seconds + self.offset)
        now = {field.name: getattr(step, field.name) for field in fields(Step)}
        if self.fixed.get("status", step.status) != step.status:
            now["delay"] = None  # the delay belonged to the status that is overridden
        now.update(self.fixed)
        if now["delay"] is None:
            now["delay"] = 0 if now["status"] == INCREMENTAL else -1
        if now["progress"] is None:
            now["progress"] = 100 if now["status"] in (INCREMENTAL, "FULL_TRANSFER_COMPLETE") else 0
        now["position"] = self._position(seconds)
        return now

    def _position(self, seconds: float) -> str | None:
        """Where the source's log is: the number at the end of `position` grows by `position_rate` a second."""
        if self.position is None or not self.position_rate:
            return self.position
        number = re.search(r"[0-9]+$", self.position)
        start = number.start() if number else len(self.position)
        return f"{self.position[:start]}{int(self.position[start:] or 0) + int(seconds * self.position_rate)}"

    def answer_to(self, operation: str, now: Mapping[str, Any]) -> str:
        return now["answer"] or self.answers.get(operation, self.answers[BATCH_STATUS])


@dataclass(frozen=True)
class Dialect:
    """In what the two providers, and the page and its examples, differ."""

    huawei: bool = False
    progress_map: str = "object"


def parse_job(definition: Any, where: str) -> Job:
    """Read one job of a scenario; ScenarioError names WHERE."""
    given = checks.mapping(where, definition, JOB_KEYS)
    job_id = checks.text(f"{where}.id", given.get("id"))
    where = f"{where} ({job_id})"
    named = checks.choice(f"{where}.life", given["life"], LIVES) if "life" in given else None
    mode = checks.choice(f"{where}.mode", given.get("mode", USUAL_MODE.get(named or "", "FULL_INCR_TRANS")), MODES)
    fixed_keys = _FIXED_KEYS - _PACE_KEYS if named == "failing" else _FIXED_KEYS
    answer = given.get("answer", "found")
    by_operation = answer if isinstance(answer, dict) else {BATCH_STATUS: answer, BATCH_PROGRESS: answer}
    checks.mapping(f"{where}.answer", by_operation, (BATCH_STATUS, BATCH_PROGRESS))
    return Job(
        id=job_id,
        mode=mode,
        steps=_steps(given, named, mode, where),
        offset=checks.number(f"{where}.offset", given.get("offset", 0), None),
        fixed={key: given[key] for key in fixed_keys if key in given},
        answers={
            operation: checks.choice(f"{where}.answer", by_operation.get(operation, "found"), ANSWERS)
            for operation in (BATCH_STATUS, BATCH_PROGRESS)
        },
        transfer_status=given.get("transfer_status"),
        raw_status=_raw(where, given, "raw_status"),
        raw_progress=_raw(where, given, "raw_progress"),
        omit=frozenset(checks.sequence(f"{where}.omit", given.get("omit", []))),
        definition=given,
        **_stop_fields(given, where),
        **_list_fields(given, where, job_id),
        **_evidence_fields(given, where),
    )


def _list_fields(given: Mapping[str, Any], where: str, job_id: str) -> dict[str, Any]:
    children = checks.sequence(f"{where}.children", given.get("children", []))
    for number, child in enumerate(children):
        # A mapping goes out as it is, for what no job could be.
        if not isinstance(child, dict):
            checks.text(f"{where}.children[{number}]", child)
    return {
        "name": checks.text(f"{where}.name", given.get("name", f"DRS-{job_id[:8]}")),
        "type": checks.choice(f"{where}.type", given.get("type", "migration"), TYPES),
        "engine": checks.text(f"{where}.engine", given.get("engine", "mysql")),
        "created_at": checks.text(f"{where}.created_at", given.get("created_at", "2026-06-26T17:08:57Z")),
        "children": tuple(children),
        "listed": checks.flag(f"{where}.listed", given.get("listed", True)),
        "raw_list": _raw(where, given, "raw_list"),
    }


def _evidence_fields(given: Mapping[str, Any], where: str) -> dict[str, Any]:
    engine = given.get("engine", "mysql")
    policy, position = given.get("conflict_policy"), given.get("position")
    return {
        "source_engine": checks.text(f"{where}.source_engine", given.get("source_engine", engine)),
        "target_engine": checks.text(f"{where}.target_engine", given.get("target_engine", engine)),
        "conflict_policy": None if policy is None else checks.text(f"{where}.conflict_policy", policy),
        "position": None if position is None else checks.text(f"{where}.position", position),
        "position_rate": checks.number(f"{where}.position_rate", given.get("position_rate", 0)),
        "comparisons": parse_comparisons(given.get("comparisons", []), f"{where}.comparisons"),
        "compare_page": checks.whole(f"{where}.compare_page", given.get("compare_page", 100), 1),
    }


def _stop_fields(given: Mapping[str, Any], where: str) -> dict[str, Any]:
    readonly = given.get("target_readonly", False)
    return {
        # Null leaves the field out of the details.
        "target_readonly": None if readonly is None else checks.flag(f"{where}.target_readonly", readonly),
        "stop_answer": checks.choice(f"{where}.stop_answer", given.get("stop_answer", "accepted"), STOP_ANSWERS),
        "busy_times": checks.whole(f"{where}.busy_times", given.get("busy_times", 0)),
        "stop_seconds": checks.number(f"{where}.stop_seconds", given.get("stop_seconds", 0)),
        "release_fails": checks.flag(f"{where}.release_fails", given.get("release_fails", False)),
    }


def change_job(job: Job, changes: Mapping[str, Any]) -> Job:
    """Lay CHANGES over a job; None takes a key back. A new life or new steps replace all of the old life."""
    definition = dict(job.definition)
    if "life" in changes or "steps" in changes:
        for key in _LIFE_KEYS:
            definition.pop(key, None)
    definition.update(changes)
    return parse_job({key: value for key, value in definition.items() if value is not None}, "job")


def _raw(where: str, given: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = given.get(key, {})
    return checks.mapping(f"{where}.{key}", value, value if isinstance(value, dict) else ())


def _steps(given: Mapping[str, Any], named: str | None, mode: str, where: str) -> tuple[Step, ...]:
    if named is not None and "steps" in given:
        raise checks.ScenarioError(f"{where} has both a life and steps; give one of them.")
    if named is not None:
        return life(named, mode, _pace(given, where))
    superfluous = sorted(key for key in given if key in _PACE_KEYS - _FIXED_KEYS)
    if superfluous:
        raise checks.ScenarioError(f"{where} has {superfluous[0]!r}, which only a named life reads.")
    if "steps" in given:
        return _explicit_steps(given["steps"], where)
    if "status" in given or given.get("answer", "found") != "found":
        return (Step(0, checks.text(f"{where}.status", given.get("status", INCREMENTAL))),)
    raise checks.ScenarioError(f"{where} needs a life, steps, a status or an answer.")


def _pace(given: Mapping[str, Any], where: str) -> Pace:
    pace: dict[str, Any] = {}
    for key in sorted(_PACE_KEYS & given.keys()):
        read = checks.text if key.startswith("error_") else checks.number
        pace[key] = read(f"{where}.{key}", given[key])
    return Pace(**pace)


def _explicit_steps(value: Any, where: str) -> tuple[Step, ...]:
    steps: list[Step] = []
    for number, entry in enumerate(checks.sequence(f"{where}.steps", value)):
        place = f"{where}.steps[{number}]"
        given = checks.mapping(place, entry, _STEP_KEYS)
        given["at"] = checks.number(f"{place}.at", given.get("at", None if steps else 0), None)
        checks.flag(f"{place}.ramp", given.get("ramp", False))
        # A status left out carries on, so that a curve can be written as bare numbers.
        given["status"] = checks.text(f"{place}.status", given.get("status", steps[-1].status if steps else None))
        for key in NUMERIC_FIELDS:
            if given.get(key) is not None:
                checks.number(f"{place}.{key}", given[key], None)
        if "answer" in given:
            checks.choice(f"{place}.answer", given["answer"], ANSWERS)
        if steps and given["at"] < steps[-1].at:
            raise checks.ScenarioError(f"{place}.at must not come before the step above it.")
        steps.append(Step(**given))
    if not steps:
        raise checks.ScenarioError(f"{where}.steps must hold at least one step.")
    return tuple(steps)


def status_item(job: Job, now: Mapping[str, Any]) -> dict[str, Any]:
    """The item of batch-status."""
    item: dict[str, Any] = {"id": job.id, "status": now["status"]}
    if now["error_code"] is not None:
        item["error_code"] = now["error_code"]
    if now["error_msg"] is not None:
        item["error_message"] = now["error_msg"]
    return _finish(item, job.raw_status, job.omit)


def progress_item(job: Job, now: Mapping[str, Any], dialect: Dialect, epoch_ms: int) -> dict[str, Any]:
    """The item of batch-progress; EPOCH_MS is the time of the service."""
    begun = now["status"] not in _NOT_BEGUN
    item: dict[str, Any] = {
        "progress": _number(now["progress"], math.floor),  # 100 only when all is done
        "job_id": job.id,
        "incre_trans_delay": _number(now["delay"], math.ceil),  # 0 only when nothing is left
        "task_mode": job.mode,
        "transfer_status": job.transfer_status or now["status"],
        "process_time": str(now.get("process_time", epoch_ms if begun else 0)),
        "remaining_time": _number(now["remaining"] or 0, math.ceil),
    }
    parts = _parts(now)
    if parts:
        item["progress_map"] = parts if dialect.progress_map == "object" else list(parts.values())
    if now["position"] is not None:
        item.update(src_offset=now["position"], node_offset=now["position"], dst_offset="N/A")
    if dialect.huawei:
        item.update(_huawei_fields(now))
    for key in ("error_code", "error_msg"):
        if now[key] is not None:
            item[key] = now[key]
    return _finish(item, job.raw_progress, job.omit)


def error_item(operation: str, job_id: str) -> dict[str, Any]:
    """An unknown job as an item inside a success."""
    code, message = NO_SUCH_JOB
    if operation == BATCH_PROGRESS:
        return {"job_id": job_id, "error_code": code, "error_msg": message}
    return {"id": job_id, "error_code": code, "error_message": message}


def _parts(now: Mapping[str, Any]) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    for name in _PARTS:
        value = now[name]
        if value is not None:
            completed = value if isinstance(value, str) else f"{math.floor(value)}%"
            parts[name] = {"completed": completed, "remaining_time": None}
    return parts


def _huawei_fields(now: Mapping[str, Any]) -> dict[str, Any]:
    delay = now["delay"]
    has_delay = isinstance(delay, (int, float)) and delay >= 0
    applying = now["status"] == INCREMENTAL
    return {
        "incre_trans_delay_millis": str(math.ceil(delay * 1000)) if has_delay else "-1",
        "apply_rows_rate": 120 if applying else -1,
        "apply_bytes_rate": 40960 if applying else -1,
    }


def _number(value: Any, to_int: Any) -> str:
    """Every number of the wire is a string; a string of the scenario goes out as it is."""
    return value if isinstance(value, str) else str(to_int(value))


def _finish(item: dict[str, Any], raw: Mapping[str, Any], omit: frozenset[str]) -> dict[str, Any]:
    return {key: value for key, value in {**item, **raw}.items() if key not in omit}
