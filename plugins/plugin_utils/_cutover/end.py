# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The last steps of a cutover: its result, the reports, what is published, and how the role ends."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError

from ...module_utils._cutover import journal_json
from ...module_utils._cutover.decide import Failed, advance
from ...module_utils._cutover.journal import Journal, Outcome
from ...module_utils._cutover.result import About, nothing_begun
from ...module_utils._cutover.result import result as cutover_result
from ...module_utils._cutover.wording import IN_USE, of_other_jobs
from ...module_utils._job.errors import DrsError
from .. import _controller
from .._guard import client
from .._guard.protocol import Finish
from .._guard.store import StoreError
from .._report.summary import summary
from .._report.untrusted import fields
from .._report.write import write_reports
from .evidence import Evidence
from .failed_task import failure
from .options import journal_of
from .step import Step
from .waves import FINISHED, others, table_at_the_end

# The registered result of the step of check mode.
PREFLIGHT = "_drs_cutover_preflight"
NOT_LOADED = "Check mode: nothing was changed. Your task files, or the options, are not those of a cutover that can run: see the error above."
# From the best to the worst, for several hosts.
_WORSE = ("done", "not_begun", "unfrozen", "frozen", "switch_failed")
# Shown as a task of ansible.builtin.debug shows its message.
_SHOWN = {"_ansible_verbose_always": True}


class CutoverEnd(Step):
    """A step that ends a run, whatever became of it."""

    def finish(self) -> dict[str, Any]:
        """Build the result and let the guard go. Never fails."""
        run = {"run": self._begun.get("run"), "at": time.time()}
        if self._begun.get("then") == "preflight":
            return {**run, "result": self._preflight.get("result") or nothing_begun(NOT_LOADED)}
        if not self._begun.get("stages"):
            return {**run, "result": {**self._without_stages(), "ran_by": _controller.ran_by(self._vars)}}
        self.tell_of_hosts_left_behind()
        plan = list(self._begun["plan"])
        evidence = Evidence.of(self._vars, self._begun.get("run"))
        try:
            answer = client.ask_until_done(str(self._begun["socket"]), Finish(), self.show)
            journal = journal_json.decode(answer.journal)
            facts, problem = self.facts()
            warnings = [*answer.warnings, *([problem] if problem else [])]
            about = About(
                answer.gates, answer.plan or plan, warnings, answer.engines, facts, _controller.ran_by(self._vars)
            )
            result = cutover_result(journal, about)
            return {**run, "result": {**result, "comparisons": evidence.comparisons}}
        except (client.GuardGoneError, ValueError) as error:
            warning = f"The guard of this cutover is gone ({error})."
            about = About(plan=plan, warnings=[warning], facts=self.facts()[0], ran_by=_controller.ran_by(self._vars))
            return {**run, "result": cutover_result(self._without_guard(), about)}

    @property
    def _preflight(self) -> Mapping[str, Any]:
        found = fields(self._vars.get(PREFLIGHT))
        return found if found.get("run") == self._begun.get("run") else {}

    def _without_guard(self) -> Journal:
        """Return what the journal says of a cutover whose guard is gone; if nobody knows, the source counts as frozen.

        A guard that was lost from the switch on has decided nothing: that is what would have been decided of a failure.
        """
        try:
            jobs = self._begun["jobs"]
            # Not from what the first step returned: the URL of a database has a password.
            journal = journal_of(self._vars, self._action._templar, Path(self._folder), jobs)
            found = self.stored(journal, jobs)
            if found is not None and not of_other_jobs(found, jobs):
                if found.outcome is None and found.switching:
                    return advance(found, Failed(time.time(), f"The guard was lost in the {found.stage}")).journal
                return replace(found, outcome=Outcome.FROZEN) if found.outcome is None and found.frozen else found
        except (StoreError, DrsError, AnsibleError, ValueError):
            pass
        found = journal_json.decode(self._begun["journal_found"])
        return replace(found, frozen_since=time.time(), outcome=Outcome.FROZEN)

    def _without_stages(self) -> dict[str, Any]:
        outcome = nothing_begun(self._begun.get("msg", ""))
        found = self._begun.get("journal_found")
        if not found:
            return outcome
        if self._begun.get("refused"):
            switching = any(entry["name"] == "switch" for entry in found["stages"])
            return {**outcome, "outcome": "switch_failed" if switching else "not_begun"}
        # An earlier run that completed the switch is no refusal.
        return {
            **outcome,
            "outcome": "done",
            "ready": True,
            "reason": f"{IN_USE}, since an earlier run.",
            "outage_seconds": found["outage_seconds"],
            "finished_at": found["at"],
        }

    def publish(self) -> dict[str, Any]:
        """Write the reports and publish the outcome, as the fact is known on all hosts now. Never fails."""
        outcome = self._outcome()
        answer: dict[str, Any] = {"reports": [], "msg": outcome["reason"]}
        warnings = list(outcome["warnings"])
        if self._begun.get("stages"):
            begun = self._begun
            answer["reports"], problems = write_reports(
                begun["reports"], outcome, begun["report_title"], begun["index"]
            )
            warnings += problems
        if self._begun.get("stats", True):
            answer["ansible_stats"] = {"data": self._statistics(outcome), "per_host": False, "aggregate": False}
        return {**answer, "warnings": warnings} if warnings else answer

    def _statistics(self, outcome: Mapping[str, Any]) -> dict[str, Any]:
        """Return what set_stats would: the worst outcome and the longest outage of the play, and the outcome of each host."""
        outcomes = {self._host: str(outcome["outcome"])}
        outages = [outcome["outage_seconds"]]
        for other in others(self._vars, self._host):
            if other.result:
                outcomes[other.host] = str(other.result["outcome"])
                outages.append(other.result["outage_seconds"])
            elif other.cuts_over and not other.alive and other.begun.get("stages"):
                # It was lost on its way, and its guard unfreezes it now: nobody has seen that yet.
                outcomes[other.host] = Outcome.FROZEN.value
        return {
            "drs_cutover_outcome": max(outcomes.values(), key=_WORSE.index),
            "drs_cutover_outage_seconds": max((known for known in outages if known is not None), default=None),
            "drs_cutover_outcomes": dict(sorted(outcomes.items())),
        }

    def _outcome(self) -> dict[str, Any]:
        finished = fields(self._vars.get(FINISHED))
        return dict(finished.get("result") or nothing_begun("The cutover has no result."))

    def summary(self) -> dict[str, Any]:
        """Return what a person wants to know now; the reason only if no failure follows that has it."""
        if self._begun.get("then") == "preflight":
            return {**_SHOWN, "msg": self._preflight.get("shown") or NOT_LOADED}
        outcome = self._outcome()
        reports = fields(self._vars.get("_drs_cutover_published")).get("reports") or ()
        lines = summary(outcome, reports, with_reason=_succeeded(outcome))
        if self._begun.get("index"):
            lines.append(f"All reports: file://{Path(self._begun['index']).absolute()}")
        finished = fields(self._vars.get(FINISHED))
        return {**_SHOWN, "msg": [*lines, *table_at_the_end(self._vars, self._host, self._begun, finished)]}

    def conclude(self) -> dict[str, Any]:
        """Fail unless the target is in use or, in check mode, a cutover could run."""
        outcome = self._outcome()
        if self._begun.get("then") == "preflight":
            found = self._preflight
            said = found.get("msg") or NOT_LOADED
            return {"msg": said} if found.get("refused") is False else failure(said)
        if not self._begun.get("stages"):
            said = self._begun.get("msg", outcome["reason"])
            return {**_SHOWN, "msg": said} if _succeeded(outcome) else failure(said)
        said = f"{outcome['outcome']}: {outcome['reason']}"
        return {"msg": said} if _succeeded(outcome) else failure(said)


def _succeeded(outcome: Mapping[str, Any]) -> bool:
    return outcome["outcome"] == Outcome.DONE.value and not outcome["failed_stage"]
