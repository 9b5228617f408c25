# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The last steps of a cutover: its result, the reports, what is published, and how the role ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..module_utils._cutover import encoding
from ..module_utils._cutover.result import nothing_begun
from ..module_utils._cutover.result import result as cutover_result
from ..module_utils._cutover.state import Outcome
from . import _steps
from ._reports import beside, write_report
from ._step import Step, failure


class CutoverEnd(Step):
    """A step that ends a run, whatever became of it."""

    def step(self, name: str) -> dict[str, Any]:
        """Take the step and return the task's result."""
        steps: dict[str, Callable[[], dict[str, Any]]] = {"finish": self._finish, "conclude": self._conclude}
        return steps[name]()

    def _finish(self) -> dict[str, Any]:
        """Build the result, write the reports, publish the outcome. Never fails."""
        if not self._begun.get("stages"):
            return self._without_stages()
        answer = _steps.finish(self._begun["guard"])
        journal, plan = encoding.decode(answer["journal"]), list(answer.get("plan") or self._begun["plan"])
        outcome = cutover_result(journal, answer["gates"], plan, list(answer["warnings"]))
        written, problems = self._write_reports(outcome)
        return {**self._published(outcome, problems), "reports": written}

    def _without_stages(self) -> dict[str, Any]:
        begun = self._begun
        found = begun.get("journal_found")
        outcome = begun.get("result") or nothing_begun(begun.get("msg", ""))
        if found:
            # An earlier run that completed the switch is no refusal.
            done = not begun.get("refused")
            failed_switch = any(entry["name"] == "switch" for entry in found["stages"]) and not done
            outcome = {
                **outcome,
                "outcome": "done" if done else "switch_failed" if failed_switch else "not_begun",
                "ready": done,
                "reason": "The target is the database in use, since an earlier run." if done else begun["msg"],
                "outage_seconds": found["outage_seconds"] if done else None,
                "finished_at": found["at"] if done else None,
            }
        if begun.get("check_mode"):
            return {"result": outcome, "msg": outcome["reason"]}
        return self._published(outcome, [])

    def _published(self, outcome: dict[str, Any], problems: list[str]) -> dict[str, Any]:
        answer: dict[str, Any] = {"result": outcome, "msg": says(outcome)}
        if self._begun.get("stats", True):
            data = {"drs_cutover_outcome": outcome["outcome"], "drs_cutover_outage_seconds": outcome["outage_seconds"]}
            answer["ansible_stats"] = {"data": data, "per_host": False, "aggregate": False}
        if problems or outcome["warnings"]:
            answer["warnings"] = [*outcome["warnings"], *problems]
        return answer

    def _write_reports(self, outcome: Mapping[str, Any]) -> tuple[list[str], list[str]]:
        """Return the main reports that were written, and a sentence for each that was not."""
        written: list[str] = []
        problems: list[str] = []
        title = self._begun["title"]
        contents = [("", outcome, title)]
        contents += [(gate, judged, f"{title}: {gate} gate") for gate, judged in outcome["gates"].items()]
        for path in self._begun["reports"]:
            for gate, content, headline in contents:
                problem = write_report(beside(path, gate) if gate else path, content, headline)
                if problem:
                    problems.append(problem)
                elif not gate:
                    written.append(str(Path(path).absolute()))
        return written, problems

    def _conclude(self) -> dict[str, Any]:
        """Fail unless the target is in use, or this was check mode."""
        finished = self._vars.get("_drs_cutover_finished") or {}
        outcome = finished.get("result") or nothing_begun("The cutover has no result.")
        # Shown as a task of ansible.builtin.debug shows its message.
        shown = {"_ansible_verbose_always": True}
        if self._begun.get("check_mode"):
            failed = failure(outcome["reason"]) if self._begun.get("refused") else shown
            return {**failed, "msg": self._begun["msg"]}
        if outcome["outcome"] == Outcome.DONE.value and not outcome["failed_stage"]:
            reports = [f"Report: file://{path}" for path in finished.get("reports") or ()]
            said = self._begun["msg"] if not self._begun.get("stages") else finished["msg"]
            return {**shown, "msg": [said, *reports] if reports else said}
        if not self._begun.get("stages"):
            return failure(self._begun.get("msg", outcome["reason"]))
        links = ", ".join(f"file://{path}" for path in finished.get("reports") or ())
        return failure(f"{finished['msg']} Reports: {links}" if links else finished["msg"])


def says(outcome: Mapping[str, Any]) -> str:
    """Return one line about how a cutover ended."""
    outage = "" if outcome["outage_seconds"] is None else f" Outage: {outcome['outage_seconds']:.1f} s."
    stages = ", ".join(f"{stage['name']} {stage['seconds'] or 0:.1f} s" for stage in outcome["stages"])
    return f"{outcome['outcome']}: {outcome['reason']}{outage}{f' Stages: {stages}.' if stages else ''}"
