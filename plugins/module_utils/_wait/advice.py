# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to do about a verdict that keeps the gate shut, in a few words; the guide to troubleshooting says more."""

from __future__ import annotations

from collections.abc import Callable

from .._gate.gate import Decision, Verdict
from .._gate.reasons import badness
from .._gate.rules import JudgedJob, Rule, Rules
from .._job.errors import Kind
from .._job.status_table import State
from .history import History

_LONGEST_PATH = 60
_COMPARE = "compare the job's id, the project and the region with the console"
_UPDATE = "look at the job in the console, and update this collection"
_LOOK = "look at the job in the console"
_MORE_TIME = "allow more time ({timeout})"
_ONCE_MORE = "try again when all jobs have caught up"
_OF_VERDICTS = {
    Verdict.FAILED: "fix the cause, resume the job in the console, and run again",
    Verdict.ENDED: "find out who stopped the job; its replication must be set up again",
    Verdict.MISSING: _COMPARE,
    Verdict.UNKNOWN: _UPDATE,
}
_OF_FAILURES: dict[str | None, str] = {
    Kind.CONFIGURATION: "correct what the reason names",
    Kind.AUTHENTICATION: "check user, password, domain and project, or the token",
    Kind.PERMISSION: "check the project id and the permissions of the user",
    Kind.INVALID_REQUEST: "check the endpoint, the project id and the job ids",
    Kind.THROTTLED: "raise {interval}, or lower {parallel}",
    Kind.SERVICE: "try again later, and give the request_id to the support of the cloud",
    Kind.NETWORK: "check the address, DNS, the proxy and the certificate",
    Kind.PROTOCOL: "check the endpoint (of a login: auth_url), and whether a proxy or firewall answered",
}
_OF_HOLDS = {
    Rule.NOT_FOUND: _COMPARE,
    Rule.UNKNOWN_STATUS: _UPDATE,
    Rule.DISAGREEMENT: "try again, and ask the support of the cloud if it lasts",
    Rule.ACTION: "wait until the service has completed its action on the job",
    Rule.ERROR_REPORTED: "read the error in the console, and fix it there",
    Rule.WRITES: "end the sessions that still write to the source",
    Rule.POSITION: "set {require_quiet} to false, and prove the quiet in the database",
    Rule.INCOMPLETE: "allow more time ({timeout}), or turn {require_full_progress} off",
    Rule.SUBTASKS: "look at the subtasks in the console",
    Rule.HOLD_FILE: "find out who made the hold file, and remove it",
}
_OF_STATES = {
    State.WAITING: "start the job in the console",
    State.PAUSED: "resume the job in the console",
    State.FAILED: _OF_VERDICTS[Verdict.FAILED],
}


def advice(decision: Decision, rules: Rules, history: History, named: Callable[[str], str] = str) -> str:
    """Return what to do about a verdict other than ``ready``. ``named`` returns what the user calls an option."""
    text = _advice(decision, rules, history)
    for option in ("timeout", "interval", "parallel", "require_quiet", "require_full_progress"):
        text = text.replace(f"{{{option}}}", named(option))
    return text


def _advice(decision: Decision, rules: Rules, history: History) -> str:
    verdict = decision.verdict
    if verdict is Verdict.ERROR or (verdict is Verdict.TIMEOUT and decision.standing.errors):
        return _OF_FAILURES.get((history.failure or {}).get("kind"), "see the reason")
    if verdict is Verdict.HELD:
        path = rules.hold_file or ""
        shown = path if len(path) <= _LONGEST_PATH else f"...{path[3 - _LONGEST_PATH :]}"
        return f"find out who made {shown}, and remove it"
    if verdict in _OF_VERDICTS:
        return _OF_VERDICTS[verdict]
    more_time = _MORE_TIME if rules.timeout else _ONCE_MORE
    late = [job for job in decision.standing.jobs if not job.ready]
    return _of_hold(max(late, key=badness), more_time, history) if late else more_time


def _of_hold(job: JudgedJob, more_time: str, history: History) -> str:
    rule = job.holds[0].rule
    if rule is Rule.DELAY:
        trend = history.trend(job)
        if job.reading.progress.delay is None:
            return "look in the console why the service reports no delay"
        converges = trend is None or trend.direction == "falling"
        return more_time if converges else "reduce the writes on the source, or scale up the job"
    if rule is Rule.WRONG_PHASE:
        return _OF_STATES.get(job.reading.state, more_time)
    return _OF_HOLDS.get(rule, _LOOK)
