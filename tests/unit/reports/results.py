# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results as a wait gives them: made by the wait's own code from synthetic samples, of any verdict and size."""

from __future__ import annotations

import math
import random
import uuid
from collections.abc import Iterator
from datetime import datetime, timezone
from functools import cache
from typing import Any

from ansible_collections.cutover.drs.plugins.module_utils._errors import DrsError, Kind, configuration_error
from ansible_collections.cutover.drs.plugins.module_utils._gate import FailedPoll, Sample
from ansible_collections.cutover.drs.plugins.module_utils._history import iso
from ansible_collections.cutover.drs.plugins.module_utils._records import ProgressRecord, StatusRecord
from ansible_collections.cutover.drs.plugins.module_utils._result import result
from ansible_collections.cutover.drs.plugins.module_utils._rules import Goal, Reading, Rules
from ansible_collections.cutover.drs.plugins.module_utils._watch import Watch

NOON = 1795521600.0
# Of a cutover: no stage begins on a whole second.
BEGAN = NOON + 0.774982
VERDICTS = ("ready", "failed", "ended", "missing", "unknown", "held", "timeout", "error")
# Every verdict at two sizes; what only a fleet can break is looked at with two verdicts.
CASES = [(verdict, jobs) for verdict in VERDICTS for jobs in (1, 4)] + [
    (verdict, jobs) for verdict in ("ready", "failed") for jobs in (300, 1000)
]

# How each verdict comes about: what the last fifth of the jobs does in the second half of the wait.
_ENDS: dict[str, dict[str, Any]] = {
    "failed": {
        "status": "INCRE_TRANSFER_FAILED",
        "error_code": "DRS.M05004",
        "error_message": "The binlog of the source is no longer there.",
    },
    "ended": {"status": "RELEASE_RESOURCE_STARTED"},
    "missing": {"found": False},
    "unknown": {"status": "SHADOW_TRANSFER_STARTED"},
}


@cache
def _traits(number: int) -> tuple[float, float, float]:
    """How slow a job is (share of the wait), its first delay, and the delay it keeps in a time-out (seconds)."""
    chance = random.Random(number)
    return chance.uniform(0.3, 0.75), chance.uniform(60, 4000), chance.uniform(20, 600)


@cache
def job_id(number: int) -> str:
    """An id of the service's shape, always the same one."""
    return f"{str(uuid.UUID(int=random.Random(number).getrandbits(128)))[:-4]}jb21"


def _reading(number: int, at: float, span: float, ends: dict[str, Any] | None, lag: float) -> Reading:
    slow, start, _lag = _traits(number)
    noise = 0.85 + (number * 7919 + int(at) * 104729) % 1000 / 4000
    share = at / (span * slow)
    if share < 0.5:
        done = math.floor(share * 200)
        fields: dict[str, Any] = {"status": "FULL_TRANSFER_STARTED", "progress": min(99, done)}
        part = {"progress": min(100, done * 2), "remaining_time": 0}
        fields["parts"] = {"struct": {"progress": 100, "remaining_time": 0}, "data": part}
        fields["remaining_time"] = math.ceil((0.5 - share) * span * slow)
    else:
        delay = max(0, math.floor(start * (1 - (share - 0.5) * 2) * noise))
        fields = {"status": "INCRE_TRANSFER_STARTED", "progress": 100, "delay": max(delay, math.floor(lag))}
    if ends and at > span / 2:
        fields.update({"delay": None, **ends})
    known = fields.pop("found", True)
    status = {name: fields.pop(name) for name in ("error_code", "error_message") if name in fields}
    if not known:
        return Reading(StatusRecord(job_id(number)), ProgressRecord(job_id(number)))
    both = fields["status"]
    return Reading(
        StatusRecord(job_id(number), True, both, **status),
        ProgressRecord(job_id(number), True, task_mode="FULL_INCR_TRANS", processed_at=iso(NOON + at), **fields),
    )


def observations(verdict: str, jobs: int, span: float, rules: Rules) -> Iterator[Sample | FailedPoll]:
    """What a wait of that verdict sees, until its time is up; one poll of it fails."""
    every = rules.interval
    bad = set(range(jobs - max(1, jobs // 5), jobs))
    at = 0.0
    while at < span:
        # With the verdict error no poll succeeds from the middle on.
        if at == 10 * every or (verdict == "error" and at > span / 2):
            failure = DrsError(
                Kind.THROTTLED, "", http_status=429, error_code="APIGW.0308", request_id="af3c"
            ).failure()
            message = "batch-status answered 429 APIGW.0308 (throttled), also after 4 further tries."
            yield FailedPoll(at, at + 1, NOON + at + 1, message, failure)
        else:
            readings = []
            for number in range(jobs):
                ends = _ENDS.get(verdict) if number in bad else None
                lag = _traits(number)[2] if verdict == "timeout" and number in bad else 0
                readings.append(_reading(number, at, span, ends, lag))
            yield Sample(at, at + 1, NOON + at + 1, tuple(readings), held=rules.hold_file is not None)
        # The last one when time is up.
        at = min(at + every, span - 1) if at < span - 1 else span


def wait_result(verdict: str = "ready", jobs: int = 4, span: float = 3600.0, **rules: Any) -> dict[str, Any]:
    """The result of a wait with that verdict, as a task returns it."""
    held = {"hold_file": "/etc/drs/hold"} if verdict == "held" else {}
    known = Rules(
        **{
            "goal": Goal.CAUGHT_UP,
            "max_delay": 5,
            "timeout": span,
            "interval": 30.0 if jobs < 300 else 180.0,
            # Its samples are as far apart near the goal too.
            "near_interval": 30.0 if jobs < 300 else 180.0,
            "unknown_for": 300,
            **held,
            **rules,
        }
    )
    ids = [job_id(number) for number in range(jobs)]
    watch = Watch(ids, known, NOON, lambda line: None)
    polls = 0
    for seen in observations(verdict, jobs, span, known):
        polls += 1
        if watch.see(seen):
            break
    answer = result(watch.ending(), ids, known, requests=polls * 2, logins=1)
    return {**answer, "failed": not answer["ready"], "changed": False}


def configuration_result() -> dict[str, Any]:
    """The short form: options that make no sense."""
    error = configuration_error("interval must be at least 0.01, not 0.")
    said = {"verdict": "error", "ready": False, "reason": str(error), "msg": str(error), "failed": True}
    return {**said, "failure": error.failure(), "changed": False}


# The stages that ran, by how the cutover ended. Of a switch that failed the data was compared before.
_STAGES: dict[str, dict[str, str]] = {
    "done": {"approach": "ok", "freeze": "ok", "final": "ok", "switch": "ok"},
    "switch_failed": {"approach": "ok", "freeze": "ok", "final": "ok", "verify": "ok", "switch": "failed"},
    "frozen": {"approach": "ok", "freeze": "ok", "final": "failed", "unfreeze": "failed"},
    "unfrozen": {"approach": "ok", "freeze": "ok", "final": "failed", "unfreeze": "ok"},
    "not_begun": {"approach": "failed"},
}
OUTCOMES = tuple(_STAGES)
_GATES: dict[str, dict[str, Any]] = {"approach": {}, "final": {"span": 900, "max_delay": 0}}
_TOOK = {"freeze": 12.4, "final": 94.0, "verify": 20.5, "switch": 38.2, "unfreeze": 9.0}


PLAN = ["1. approach gate: delay of at most 5 s", "5. switch: tasks/switch.yml"]
OWNER = {
    "role": "run",
    "machine": "ops-1",
    "boot": "b",
    "pid": 4711,
    "started": "99",
    "host": "localhost",
    "user": "ops",
}


def moment(epoch: float) -> str:
    """A time as the role gives it, which has microseconds."""
    return datetime.fromtimestamp(epoch, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def cutover_result(outcome: str = "done", jobs: int = 4) -> dict[str, Any]:
    """The result of a whole cutover as the role drs_cutover puts it together."""
    states = _STAGES[outcome]
    gates = {
        name: wait_result("ready" if states[name] == "ok" else "timeout", jobs, **options)
        for name, options in _GATES.items()
        if name in states
    }
    if "verify" in states:
        gates["recheck"] = wait_result("ready", jobs, **_GATES["final"])
    took = {"approach": gates["approach"]["elapsed"], **_TOOK}
    at, stages = BEGAN, []
    for name, state in states.items():
        ended = at + took[name]
        times = {"started_at": moment(at), "finished_at": moment(ended), "seconds": round(took[name], 1)}
        stages.append({"name": name, "state": state, **times, "by": "run"})
        at = ended
    refused = f"The final gate is not ready (timeout): {gates['final']['reason']}" if "final" in gates else ""
    return {
        "kind": "cutover",
        "outcome": outcome,
        "ready": outcome == "done",
        "reason": {
            "done": "The target is the database in use.",
            "switch_failed": "The switch failed: exit 1. Both sides may have been touched; a person has to look.",
            "frozen": f"{refused} THE TASKS TO UNFREEZE THE SOURCE FAILED TOO, so it may still be frozen: exit 1.",
            "unfrozen": f"{refused} The source was unfrozen by the run and accepts writes again.",
            "not_begun": f"{gates['approach']['reason']} Nothing was frozen.",
        }[outcome],
        "failed_stage": next((name for name, state in states.items() if state == "failed"), None),
        "jobs": [job["id"] for job in gates["approach"]["jobs"]],
        "plan": PLAN,
        "stages": stages,
        "frozen_since": next((stage["started_at"] for stage in stages if stage["name"] == "freeze"), None),
        # Unknown where nobody knows whether the application runs again.
        "outage_seconds": {"done": 144.6, "unfrozen": 115.4}.get(outcome),
        "unfrozen_by": "run" if outcome == "unfrozen" else None,
        "owner": OWNER,
        "gates": gates,
        "started_at": stages[0]["started_at"],
        "finished_at": stages[-1]["finished_at"],
        "warnings": [],
    }


def without_stages() -> dict[str, dict[str, Any]]:
    """The results of runs that had nothing to do, or were not to do it."""
    none = {
        **dict.fromkeys(("failed_stage", "frozen_since", "outage_seconds", "unfrozen_by", "owner", "started_at")),
        "kind": "cutover",
        "ready": False,
        "jobs": [],
        "plan": PLAN,
        "stages": [],
        "gates": {},
        "warnings": [],
    }
    ready = cutover_result()
    return {
        "done by an earlier run": {
            **none,
            "outcome": "done",
            "ready": True,
            "reason": "The target is the database in use, since an earlier run.",
            "outage_seconds": 144.6,
            "finished_at": ready["finished_at"],
        },
        "an earlier switch was interrupted": {
            **none,
            "outcome": "switch_failed",
            "reason": "An earlier run was interrupted, or failed, in the switch; a person has to look.",
            "finished_at": None,
        },
        "check mode": {
            **none,
            "outcome": "not_begun",
            "reason": "Check mode: each gate took one sample, and nothing was changed.",
            "gates": ready["gates"],
            "started_at": iso(NOON),
            "finished_at": iso(NOON + 1),
        },
    }
