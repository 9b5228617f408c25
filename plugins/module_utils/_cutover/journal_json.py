# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A journal, its plan and its owner as JSON values, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from enum import Enum
from typing import Any

from .._job.text import iso
from .journal import Entry, Evidence, Journal, Outcome, Owner, Plan, Process, Role
from .stages import STAGES, UNFREEZE

SCHEMA = 4
# Epoch seconds before the year 10000.
_LATEST = 250_000_000_000
_STATES = ("running", "ok", "failed")


def encode(journal: Journal, at: float) -> dict[str, Any]:
    """Return the journal as JSON values; ``at`` (epoch seconds) counts if nothing has happened yet."""
    if journal.entries:
        at = journal.entries[-1].ended or journal.entries[-1].began
    values = encode_value(journal)
    outcome, stages = values["outcome"], values.pop("entries")
    return {
        "schema": SCHEMA,
        "stage": outcome if outcome in ("done", "unfrozen") else journal.stage,
        "at": iso(at),
        "jobs": list(journal.plan.jobs),
        "lease": journal.plan.lease,
        "stages": stages,
        "outage_seconds": outage(journal),
        **values,
    }


def encode_value(value: Journal | Plan | Owner) -> dict[str, Any]:
    """Return the fields of a value as JSON values, and those of each value in it."""
    return asdict(value, dict_factory=lambda fields: {name: _json(field) for name, field in fields})


def _json(field: Any) -> Any:
    if isinstance(field, Enum):
        return field.value
    return list(field) if isinstance(field, tuple) else field


def decode_plan(value: Mapping[str, Any]) -> Plan:
    """Return the plan that :func:`encode_value` made; raises ValueError, TypeError or KeyError for anything else."""
    if not set(value["stages"]) <= set(STAGES):
        raise ValueError("a plan that is not one")
    return Plan(
        cutover=str(value["cutover"]),
        jobs=_ids(value["jobs"]),
        stages=tuple(value["stages"]),
        host=str(value["host"]),
        folder=str(value["folder"]),
        unfreeze_tasks=str(value["unfreeze_tasks"]),
        max_outage=_seconds(value["max_outage"]),
        lease=_seconds(value["lease"]),
        unfreeze_for=_seconds(value["unfreeze_for"]),
        rehearses=value["rehearses"] is True,
    )


def decode_owner(value: Mapping[str, Any]) -> Owner:
    """Return the owner that :func:`encode_value` made; raises ValueError, TypeError or KeyError for anything else."""
    texts = {name: str(value[name]) for name in ("token", "host", "user", "machine")}
    guard = value["guard"]
    process = Process(int(guard["pid"]), str(guard["started"]), str(guard["place"]))
    return Owner(role=Role(value["role"]), pid=int(value["pid"]), guard=process, **texts)


def decode(value: Any) -> Journal:
    """Return the journal of such values; raises ValueError for anything that is not one."""
    try:
        return _decode(value)
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from None


def _decode(value: Any) -> Journal:
    if value["schema"] != SCHEMA:
        raise ValueError(f"schema {value['schema']}")
    entries = tuple(
        Entry(entry["name"], entry["state"], _seconds(entry["began"]), Role(entry["by"]), _number(entry["ended"]))
        for entry in value["stages"]
    )
    if any(entry.name not in (*STAGES, UNFREEZE) or entry.state not in _STATES for entry in entries):
        raise ValueError("a stage or state that is not known")
    evidence = value["evidence"]
    return Journal(
        plan=decode_plan(value["plan"]),
        owner=None if value["owner"] is None else decode_owner(value["owner"]),
        rehearsal=None if value["rehearsal"] is None else str(value["rehearsal"]),
        keep=_mapping(value["keep"]),
        entries=entries,
        frozen_since=_number(value["frozen_since"]),
        deadline=_number(value["deadline"]),
        evidence=None
        if evidence is None
        else Evidence(str(evidence["gate"]), _seconds(evidence["valid_until"]), evidence["used"] is True),
        failed_in=str(value["failed_in"]),
        failure=str(value["failure"]),
        unfreeze_failure=str(value["unfreeze_failure"]),
        attempts=int(value["attempts"]),
        again=value["again"] is True,
        outcome=None if value["outcome"] is None else Outcome(value["outcome"]),
        unfrozen_by=None if value["unfrozen_by"] is None else Role(value["unfrozen_by"]),
        stopped=_ids(value["stopped"]),
        sample=None if value["sample"] is None else _sample(value["sample"]),
    )


def _sample(value: Any) -> Mapping[str, Any]:
    jobs = [{name: job[name] for name in ("id", "name", "delay", "position")} for job in value["jobs"]]
    texts = {name: str(value[name]) for name in ("gate", "reason")}
    return {**texts, "at": _seconds(value["at"]), "ready": value["ready"] is True, "jobs": jobs}


def _ids(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError("no list of jobs")
    return tuple(str(job) for job in value)


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError("no variables")
    return dict(value)


def _number(value: Any) -> float | None:
    return None if value is None else _seconds(value)


def _seconds(value: Any) -> float:
    # Not a number, infinite, or beyond the years that people are told: none of these is below.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < _LATEST:
        raise ValueError(f"{value!r} is not a time")
    return float(value)


def outage(journal: Journal) -> float | None:
    """Return the seconds from the beginning of the freeze to the end of the switch or of the unfreeze, if it has ended."""
    if journal.frozen_since is None or journal.outcome not in (Outcome.DONE, Outcome.UNFROZEN):
        return None
    # Stopping the jobs after the switch is no outage.
    last = [entry for entry in journal.entries if entry.name in ("switch", UNFREEZE)] or journal.entries
    ended = last[-1].ended
    return None if ended is None else round(ended - journal.frozen_since, 3)
