# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A result as JUnit XML: a test suite for each wait, a test case for its verdict and one for each job.

The shape that the public definitions have in common: the one of Jenkins (junit-10.xsd) and that of Maven Surefire.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timezone
from xml.etree import ElementTree

from ...module_utils._gate.gate import Verdict
from ...module_utils._job.status_table import State
from ...module_utils._wait.recording import REPLAY
from .view import Cutover, Job, Stage, Wait
from .wording import of_replay

# Jobs beyond this only count: readers of JUnit keep every case in memory.
MOST_JOBS = 1000


@dataclass(frozen=True)
class _Case:
    """A test case; ``kind`` is failure, error or skipped, or empty where it passed."""

    classname: str
    name: str
    kind: str = ""
    type: str = ""
    message: str = ""
    seconds: float = 0.0


@dataclass
class _Suite:
    name: str
    started_at: float | None
    seconds: float
    cases: list[_Case] = field(default_factory=list)
    properties: dict[str, str] = field(default_factory=dict)


def render(view: Wait | Cutover, title: str) -> str:
    """Return the whole file."""
    if isinstance(view, Cutover):
        suites = [_cutover_suite(view, title)]
        suites += [_wait_suite(wait, f"{title}: {name} gate") for name, wait in view.gates.items()]
    else:
        suites = [_wait_suite(view, title)]
    root = ElementTree.Element("testsuites", {"name": title, **_totals(suites)})
    for suite in suites:
        root.append(_suite_element(suite))
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _wait_suite(wait: Wait, name: str) -> _Suite:
    suite = _Suite(name, wait.started_at, wait.numbers["elapsed"] or 0.0)
    suite.properties = {"verdict": wait.verdict, "goal": wait.goal}
    suite.properties.update({f"rule.{rule}": value for rule, value in wait.rules.items()})
    suite.properties.update({f"connection.{name}": value for name, value in wait.connection})
    if wait.ran_by:
        suite.properties["ran_by"] = wait.ran_by
    if wait.replay:
        suite.properties["replay"] = of_replay(wait)
    suite.cases.append(_verdict_case(wait, suite.seconds))
    jobs = wait.worst_first
    suite.cases += map(_job_case, jobs[:MOST_JOBS])
    if len(jobs) > MOST_JOBS:
        suite.properties["jobs_left_out"] = str(len(jobs) - MOST_JOBS)
    return suite


def _verdict_case(wait: Wait, seconds: float) -> _Case:
    kind = "" if wait.ready else "error" if wait.verdict == Verdict.ERROR.value else "failure"
    reason = wait.reason
    if wait.replay:
        # It is no evidence, so that it passes nothing; that it was not ready is worth a failure all the same.
        kind = "skipped" if wait.verdict == Verdict.READY.value else kind
        reason = f"{REPLAY}, no evidence: {reason}"
    return _Case("gate", "verdict", kind, wait.verdict, reason, seconds)


def _job_case(job: Job) -> _Case:
    # What nobody read is no verdict about the job, and yet no success.
    kind = "" if job.ready else "error" if job.state == State.UNREAD.value else "failure"
    said = "; ".join(f"[{hold.rule}] {hold.text}".rstrip() for hold in job.holds)
    rules = ", ".join(hold.rule for hold in job.holds)
    return _Case(job.id, job.given_name or job.id, kind, rules or "not_ready", said or "Not ready.")


def _cutover_suite(cutover: Cutover, title: str) -> _Suite:
    whole = 0.0
    if cutover.started_at is not None and cutover.finished_at is not None:
        whole = cutover.finished_at - cutover.started_at
    suite = _Suite(title, cutover.started_at, whole, properties={"outcome": cutover.outcome})
    if cutover.outage is not None:
        suite.properties["outage_seconds"] = f"{cutover.outage:.1f}"
    if cutover.ran_by:
        suite.properties["ran_by"] = cutover.ran_by
    kind = "" if cutover.ready else "failure"
    suite.cases.append(_Case("cutover", "outcome", kind, cutover.outcome, cutover.reason, whole))
    suite.cases += map(_stage_case, cutover.stages)
    return suite


def _stage_case(stage: Stage) -> _Case:
    kind = {"ok": "", "failed": "failure"}.get(stage.state, "skipped")
    message = f"The stage {stage.name} is {stage.state}."
    return _Case("cutover", stage.name, kind, stage.state, message, stage.seconds or 0.0)


def _totals(suites: list[_Suite]) -> dict[str, str]:
    kinds = Counter(case.kind for suite in suites for case in suite.cases)
    totals = {"tests": kinds.total(), "failures": kinds["failure"], "errors": kinds["error"]}
    shown = {name: str(number) for name, number in totals.items()}
    return {**shown, "time": _seconds(sum(suite.seconds for suite in suites))}


def _suite_element(suite: _Suite) -> ElementTree.Element:
    attributes = {"name": suite.name, **_totals([suite])}
    attributes["skipped"] = str(sum(case.kind == "skipped" for case in suite.cases))
    if suite.started_at is not None:
        # Without a time zone, as the definition has it; it is UTC.
        attributes["timestamp"] = datetime.fromtimestamp(suite.started_at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    element = ElementTree.Element("testsuite", attributes)
    properties = ElementTree.SubElement(element, "properties")
    for name, value in suite.properties.items():
        ElementTree.SubElement(properties, "property", {"name": name, "value": value})
    for case in suite.cases:
        shown = {"name": case.name, "classname": case.classname, "time": _seconds(case.seconds)}
        of_case = ElementTree.SubElement(element, "testcase", shown)
        if case.kind:
            said = {"message": case.message} if case.kind == "skipped" else {"message": case.message, "type": case.type}
            outcome = ElementTree.SubElement(of_case, case.kind, said)
            outcome.text = case.message
    return element


def _seconds(value: float) -> str:
    return f"{max(0.0, value):.3f}"
