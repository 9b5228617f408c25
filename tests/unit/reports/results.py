# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results as a wait gives them: made by the wait's own code from synthetic samples, of any verdict and size."""

from __future__ import annotations

import math
import random
import uuid
from collections.abc import Iterator
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


def cutover_result(outcome: str = "switched", jobs: int = 4) -> dict[str, Any]:
    """The result of a whole cutover: switched, not_ready at the final gate, or planned in check mode."""
    states = {
        "switched": ("ok", "ok", "ok", "ok", "skipped"),
        "not_ready": ("ok", "ok", "failed", "skipped", "ok"),
        "planned": ("ok", "planned", "ok", "planned", "planned"),
    }[outcome]
    approach = wait_result("ready", jobs)
    final = wait_result("timeout" if outcome == "not_ready" else "ready", jobs, span=900, max_delay=0)
    at, stages = NOON, []
    took = {"approach": approach["elapsed"], "freeze": 12.4, "final": 94.0, "switch": 38.2, "unfreeze": 9.0}
    for name, state in zip(took, states, strict=True):
        ran = state in ("ok", "failed")
        times = (iso(at), iso(at + took[name]), took[name]) if ran else (None, None, None)
        stages.append(
            dict(zip(("name", "state", "started_at", "finished_at", "seconds"), (name, state, *times), strict=True))
        )
        at += took[name] if ran else 0
    return {
        "kind": "cutover",
        "outcome": outcome,
        "ready": outcome == "switched",
        "reason": {
            "switched": "The switch is done, 4 jobs were ready in both gates.",
            "not_ready": f"The final gate did not open: {final['reason']}",
            "planned": "Check mode: both gates took one real sample, nothing was changed.",
        }[outcome],
        "stages": stages,
        "outage_seconds": {"switched": 144.6, "not_ready": 115.4, "planned": None}[outcome],
        "gates": {"approach": approach, "final": final},
        "started_at": iso(NOON),
        "finished_at": iso(at),
    }
