# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A result as JUnit XML: a test suite for each wait, a test case for each rule of each job.

The shape that the public definitions have in common: the one of Jenkins (junit-10.xsd) and that of Maven Surefire.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from xml.etree import ElementTree

from ...module_utils._gate.gate import Verdict
from ...module_utils._gate.rules import Goal, Rule
from .view import Cutover, Job, Stage, Wait

# Jobs beyond this only count: readers of JUnit keep every case in memory.
MOST_JOBS = 1000
_ALWAYS = (Rule.NOT_FOUND, Rule.UNKNOWN_STATUS, Rule.WRONG_PHASE, Rule.DISAGREEMENT, Rule.ERROR_REPORTED)


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
    kind = "" if wait.ready else "error" if wait.verdict == Verdict.ERROR.value else "failure"
    suite.cases.append(_Case("gate", "verdict", kind, wait.verdict, wait.reason, suite.seconds))
    jobs = wait.worst_first
    for job in jobs[:MOST_JOBS]:
        suite.cases += _job_cases(job, wait)
    if len(jobs) > MOST_JOBS:
        suite.properties["jobs_left_out"] = str(len(jobs) - MOST_JOBS)
    return suite


def _job_cases(job: Job, wait: Wait) -> Iterator[_Case]:
    held = {hold.rule: hold.text for hold in job.holds}
    for rule in _rules_of(job, wait):
        if rule in held:
            yield _Case(job.id, rule, "failure", rule, held[rule])
        elif Rule.NOT_FOUND.value in held and rule != Rule.HOLD_FILE.value:
            # Of a job that was not found the other rules know nothing.
            yield _Case(job.id, rule, "skipped", rule, "Not judged: the job was not found.")
        else:
            yield _Case(job.id, rule)


def _rules_of(job: Job, wait: Wait) -> list[str]:
    rules = [rule.value for rule in _ALWAYS]
    if job.goal == Goal.CAUGHT_UP.value:
        rules.append(Rule.DELAY.value)
    if wait.rules.get("require_full_progress") in ("yes", "True", "true"):
        rules.append(Rule.INCOMPLETE.value)
    if wait.rules.get("hold_file"):
        rules.append(Rule.HOLD_FILE.value)
    # What holds a job is shown in any case.
    return rules + [hold.rule for hold in job.holds if hold.rule not in rules]


def _cutover_suite(cutover: Cutover, title: str) -> _Suite:
    whole = 0.0
    if cutover.started_at is not None and cutover.finished_at is not None:
        whole = cutover.finished_at - cutover.started_at
    suite = _Suite(title, cutover.started_at, whole, properties={"outcome": cutover.outcome})
    if cutover.outage is not None:
        suite.properties["outage_seconds"] = f"{cutover.outage:.1f}"
    kind = "" if cutover.ready else "failure"
    suite.cases.append(_Case("cutover", "outcome", kind, cutover.outcome, cutover.reason, whole))
    suite.cases += map(_stage_case, cutover.stages)
    return suite


def _stage_case(stage: Stage) -> _Case:
    kind = {"ok": "", "failed": "failure"}.get(stage.state, "skipped")
    message = f"The stage {stage.name} is {stage.state}."
    return _Case("cutover", stage.name, kind, stage.state, message, stage.seconds or 0.0)


def _totals(suites: list[_Suite]) -> dict[str, str]:
    cases = [case for suite in suites for case in suite.cases]
    totals = {"tests": str(len(cases))}
    for plural, kind in (("failures", "failure"), ("errors", "error")):
        totals[plural] = str(sum(case.kind == kind for case in cases))
    return {**totals, "time": _seconds(sum(suite.seconds for suite in suites))}


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
