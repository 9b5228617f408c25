# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of ``recover``: unfreeze a source that is frozen and that nobody owns, from the journal alone."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..module_utils._cutover import encoding, journal_file
from ..module_utils._cutover.state import Next, Outcome, Role
from ..module_utils._job.errors import DrsError
from . import _cutover_options, _steps
from ._failure import what_failed
from ._given import as_list
from ._handover import GUARD_VARIABLE
from ._step import Step, failure


class Recover(Step):
    """A step of recover, started by a person, a scheduler or a guard."""

    def step(self, name: str) -> dict[str, Any]:
        """Take the step and return the task's result."""
        steps: dict[str, Callable[[], dict[str, Any]]] = {
            "recover": self._recover,
            "recovered": self._recovered,
            "recover_failed": self._recover_failed,
        }
        try:
            return steps[name]()
        except DrsError as error:
            return failure(str(error))

    def _recover(self) -> dict[str, Any]:
        """Say whether the source has to be unfrozen, and with which tasks."""
        handed = os.environ.get(GUARD_VARIABLE)
        facts = self._vars.get("_drs_cutover_facts") or {}
        restored = {f"ansible_{name}": value for name, value in facts.items()}
        if handed:
            # Started by a guard, which has taken over and waits for the end.
            guard = json.loads(handed)
            answer = _steps.ask(guard, "state")
            guard["plan"] = answer["journal"]["plan"]
            files = [guard["plan"]["unfreeze_tasks"]]
            return {
                "guard": guard,
                "files": files,
                "stages": [],
                "ansible_facts": restored,
                "msg": "Unfreeze the source",
            }
        return self._recover_alone()

    def _recovered(self) -> dict[str, Any]:
        guard = self._begun["guard"]
        _steps.report_unfrozen(guard)
        msg = "The source was unfrozen and accepts writes again."
        return self._let_go(guard, {"msg": msg, "_ansible_verbose_always": True})

    def _recover_failed(self) -> dict[str, Any]:
        guard = self._begun["guard"]
        reason = what_failed(self._vars, guard["plan"]["unfreeze_tasks"])
        if not os.environ.get(GUARD_VARIABLE):
            # A guard that started this sees the exit code, and may try again.
            _steps.report_failure(guard, "unfreeze_failed", reason)
        return self._let_go(guard, failure(f"THE TASKS TO UNFREEZE THE SOURCE FAILED: {reason}"))

    def _let_go(self, guard: Mapping[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        if not os.environ.get(GUARD_VARIABLE):
            _steps.finish(guard)
        return answer

    def _recover_alone(self) -> dict[str, Any]:
        state_file = self._action._templar.template(self._vars.get("drs_cutover_state_file") or "")
        jobs = self._vars.get("drs_cutover_jobs")
        if not state_file and not jobs:
            return failure("recover needs drs_cutover_state_file, the journal of the cutover, or drs_cutover_jobs.")
        path = self._journal_path(str(state_file), jobs)
        earlier = journal_file.read(path)
        if earlier is None:
            return _nothing(f"There is no journal {path}, so nothing is frozen.")
        guard = {"journal": str(path), "plan": encoding.encode_plan(earlier.plan)}
        told = {
            **guard,
            "jobs": list(earlier.plan.jobs),
            "recover": True,
            "reports": [],
            "title": "DRS cutover",
            "plan_lines": [],
        }
        answer, guard = self.guarded(guard, told, Role.RECOVER)
        if answer["next"] == Next.UNFREEZE.value:
            return {"guard": guard, "files": [earlier.plan.unfreeze_tasks], "msg": answer["message"]}
        if answer["next"] == Next.STOP.value:
            frozen = (answer["journal"] or {}).get("outcome") == Outcome.FROZEN.value
            if frozen:
                return failure("The source may still be frozen, and there are no tasks to unfreeze it.")
            return _nothing(answer["message"])
        return failure(answer["message"])

    def _journal_path(self, state_file: str, jobs: Any) -> Path:
        folder = Path(str(self._vars["playbook_dir"]))
        of_jobs = _cutover_options.default_state_file
        name = Path(state_file or of_jobs([str(job) for job in as_list(jobs)])).expanduser()
        # A playbook of the collection does not lie beside the journal.
        return folder / name if (folder / name).exists() else Path.cwd() / name


def _nothing(message: str) -> dict[str, Any]:
    """Return a result without anything to run; the last step shows the message."""
    return {"files": [], "msg": message}
