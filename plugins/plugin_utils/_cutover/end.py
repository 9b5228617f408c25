# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The last steps of a cutover: its result, the reports, what is published, and how the role ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...module_utils._cutover import journal_json as encoding
from ...module_utils._cutover.result import nothing_begun
from ...module_utils._cutover.result import result as cutover_result
from ...module_utils._cutover.stages import Outcome
from ...module_utils._cutover.wording import IN_USE
from .._guard import client as _steps
from .._report.summary import summary
from .._report.write import write_reports
from .._role_variables import other_hosts, variables_of
from .step import BEGUN, Step, failure

# The registered result of the step that collects the result.
FINISHED = "_drs_cutover_finished"
# From the best to the worst, for several hosts.
_WORSE = ("done", "not_begun", "unfrozen", "frozen", "switch_failed")
# Shown as a task of ansible.builtin.debug shows its message.
_SHOWN = {"_ansible_verbose_always": True}


class CutoverEnd(Step):
    """A step that ends a run, whatever became of it."""

    def step(self, name: str) -> dict[str, Any]:
        """Take the step and return the task's result."""
        steps: dict[str, Callable[[], dict[str, Any]]] = {
            "leave": self._leave,
            "finish": self._finish,
            "publish": self._publish,
            "summary": self._summary,
            "conclude": self._conclude,
        }
        return steps[name]()

    def _leave(self) -> dict[str, Any]:
        """Unfreeze nothing; a recover, which ends with this, says why."""
        if "stages" in self._begun:
            return {"msg": "Nothing is frozen, or the switch has begun, or the guard has unfrozen the source."}
        return {**_SHOWN, "msg": self._begun.get("msg", "")}

    def _finish(self) -> dict[str, Any]:
        """Build the result and let the guard go. Never fails."""
        run = {"run": self._begun.get("run")}
        if not self._begun.get("stages"):
            return {**run, "result": self._without_stages()}
        answer = _steps.finish(self._begun["guard"])
        journal, plan = encoding.decode(answer["journal"]), list(answer.get("plan") or self._begun["plan"])
        return {**run, "result": cutover_result(journal, answer["gates"], plan, list(answer["warnings"]))}

    def _without_stages(self) -> dict[str, Any]:
        begun = self._begun
        found = begun.get("journal_found")
        outcome: dict[str, Any] = begun.get("result") or nothing_begun(begun.get("msg", ""))
        if found:
            # An earlier run that completed the switch is no refusal.
            done = not begun.get("refused")
            failed_switch = any(entry["name"] == "switch" for entry in found["stages"]) and not done
            outcome = {
                **outcome,
                "outcome": "done" if done else "switch_failed" if failed_switch else "not_begun",
                "ready": done,
                "reason": f"{IN_USE}, since an earlier run." if done else begun["msg"],
                "outage_seconds": found["outage_seconds"] if done else None,
                "finished_at": found["at"] if done else None,
            }
        return outcome

    def _publish(self) -> dict[str, Any]:
        """Write the reports and publish the outcome, as the fact is known on all hosts now. Never fails."""
        outcome = self._outcome()
        answer: dict[str, Any] = {"reports": [], "msg": outcome["reason"]}
        if self._begun.get("check_mode"):
            return answer
        warnings = list(outcome["warnings"])
        if self._begun.get("stages"):
            answer["reports"], problems = write_reports(self._begun["reports"], outcome, self._begun["title"])
            warnings += problems
        if self._begun.get("stats", True):
            answer["ansible_stats"] = {"data": self._statistics(outcome), "per_host": False, "aggregate": False}
        return {**answer, "warnings": warnings} if warnings else answer

    def _statistics(self, outcome: Mapping[str, Any]) -> dict[str, Any]:
        """Return what set_stats would: the worst outcome and the longest outage of the play, and the outcome of each host."""
        outcomes = {self._host: str(outcome["outcome"])}
        outages = [outcome["outage_seconds"]]
        alive = set(self._vars.get("ansible_play_hosts") or ())
        for host in other_hosts(self._vars, self._host):
            variables = variables_of(self._vars, host)
            begun, finished = (_mapping(variables.get(name)) for name in (BEGUN, FINISHED))
            if begun.get("host") != host:
                # It does not cut over, or not yet.
                continue
            if finished.get("run") == begun.get("run") and finished.get("result"):
                outcomes[host] = str(finished["result"]["outcome"])
                outages.append(finished["result"]["outage_seconds"])
            elif host not in alive and begun.get("stages"):
                # It was lost on its way, and its guard unfreezes it now: nobody has seen that yet.
                outcomes[host] = Outcome.FROZEN.value
        return {
            "drs_cutover_outcome": max(outcomes.values(), key=_WORSE.index),
            "drs_cutover_outage_seconds": max((known for known in outages if known is not None), default=None),
            "drs_cutover_outcomes": dict(sorted(outcomes.items())),
        }

    def _outcome(self) -> dict[str, Any]:
        finished = _mapping(self._vars.get(FINISHED))
        return dict(finished.get("result") or nothing_begun("The cutover has no result."))

    def _summary(self) -> dict[str, Any]:
        """Return what a person wants to know now; the reason only if no failure follows that has it."""
        outcome = self._outcome()
        reports = _mapping(self._vars.get("_drs_cutover_published")).get("reports") or ()
        return {**_SHOWN, "msg": summary(outcome, reports, with_reason=_succeeded(outcome))}

    def _conclude(self) -> dict[str, Any]:
        """Fail unless the target is in use, or this was check mode."""
        outcome = self._outcome()
        if self._begun.get("check_mode"):
            failed = failure(outcome["reason"]) if self._begun.get("refused") else _SHOWN
            return {**failed, "msg": self._begun["msg"]}
        if not self._begun.get("stages"):
            said = self._begun.get("msg", outcome["reason"])
            return {**_SHOWN, "msg": said} if _succeeded(outcome) else failure(said)
        said = f"{outcome['outcome']}: {outcome['reason']}"
        return {"msg": said} if _succeeded(outcome) else failure(said)


def _succeeded(outcome: Mapping[str, Any]) -> bool:
    return outcome["outcome"] == Outcome.DONE.value and not outcome["failed_stage"]


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
