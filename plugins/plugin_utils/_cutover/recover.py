# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of ``recover``: unfreeze a source that is frozen and that nobody owns, from the journal alone."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ...module_utils._cutover import journal_json as encoding
from ...module_utils._cutover.decide import recover
from ...module_utils._cutover.stages import Journal, Next, Outcome, Role
from ...module_utils._cutover.wording import NO_TASKS, UNFROZEN
from ...module_utils._job.errors import DrsError
from ...module_utils._service.options import job_ids
from .._guard import alive as processes
from .._guard import client as _steps
from .._guard import journal_file
from .._guard.unfreeze import GUARD_VARIABLE
from .._role_variables import as_list, given
from . import options as _cutover_options
from .failed_task import what_failed
from .step import Step, failure, leads_to


class Recover(Step):
    """A step of recover, started by a person, a scheduler or a guard."""

    def step(self, name: str) -> dict[str, Any]:
        """Take the step and return the task's result."""
        steps: dict[str, Callable[[], dict[str, Any]]] = {
            "recover": lambda: {"recovers": True, **leads_to([]), **self._recover()},
            "unfrozen": self._unfrozen,
            "unfreeze_failed": self._unfreeze_failed,
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
            try:
                answer = _steps.ask(guard, "state")
            except _steps.GuardGoneError:
                # Killed since then: what it had begun is done without it.
                return self._recover_alone(Path(guard["journal"]))
            guard["plan"] = answer["journal"]["plan"]
            files = [guard["plan"]["unfreeze_tasks"]]
            return {
                "guard": guard,
                "by_guard": True,
                **leads_to(files),
                "stages": [],
                "ansible_facts": restored,
                "msg": "Unfreeze the source",
            }
        return self._recover_alone(self._journal_path())

    def _unfrozen(self) -> dict[str, Any]:
        guard = self._begun["guard"]
        _steps.report_unfrozen(guard)
        return self._let_go(guard, {"msg": UNFROZEN, "_ansible_verbose_always": True})

    def _unfreeze_failed(self) -> dict[str, Any]:
        guard = self._begun["guard"]
        reason = what_failed(self._vars, guard["plan"]["unfreeze_tasks"])
        if not self._begun.get("by_guard"):
            # A guard that started this sees the exit code, and may try again.
            _steps.report_failure(guard, "unfreeze_failed", reason)
        return self._let_go(guard, failure(f"THE TASKS TO UNFREEZE THE SOURCE FAILED: {reason}"))

    def _let_go(self, guard: Mapping[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        if not self._begun.get("by_guard"):
            _steps.finish(guard)
        return answer

    def _recover_alone(self, path: Path | None) -> dict[str, Any]:
        if path is None:
            return failure("recover needs drs_cutover_state_file, the journal of the cutover, or drs_cutover_jobs.")
        earlier = journal_file.read(path)
        if earlier is None:
            return _nothing(f"There is no journal {path}, so nothing is frozen.")
        if self._task.check_mode:
            return self._would_recover(earlier)
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
            return {"guard": guard, **leads_to([earlier.plan.unfreeze_tasks]), "msg": answer["message"]}
        if answer["next"] == Next.STOP.value:
            frozen = (answer["journal"] or {}).get("outcome") == Outcome.FROZEN.value
            if frozen:
                return failure(NO_TASKS)
            return _nothing(answer["message"])
        return failure(answer["message"])

    def _would_recover(self, earlier: Journal) -> dict[str, Any]:
        """Say what would be done. In check mode the unfreeze tasks change nothing, so the journal must not say that they did."""
        me = processes.this_process(Role.RECOVER, os.getpid(), self._host)
        move = recover(earlier, me, time.time(), owner_lives=bool(processes.lives(earlier.owner)))
        if move is None or move.next is Next.UNFREEZE:
            return _nothing(f"Check mode: the source is frozen, and {earlier.plan.unfreeze_tasks} would unfreeze it.")
        if move.next is Next.REFUSE or move.journal.outcome is Outcome.FROZEN:
            return failure(move.message or NO_TASKS)
        return _nothing(move.message)

    def _journal_path(self) -> Path | None:
        templar = self._action._templar
        asked = given((_cutover_options.PREFIX,), ("state_file", "jobs"), self._vars, templar)
        jobs = as_list(asked.get("jobs") or given(("drs_wait_",), ("jobs",), self._vars, templar).get("jobs") or [])
        if not asked.get("state_file") and not jobs:
            return None
        # As the cutover names it: of each job once.
        folder = Path(str(self._vars["playbook_dir"]))
        of_jobs = "" if asked.get("state_file") else _cutover_options.default_state_file(job_ids(map(str, jobs))[0])
        name = Path(asked.get("state_file") or of_jobs).expanduser()
        # A playbook of the collection does not lie beside the journal.
        return folder / name if (folder / name).exists() else Path.cwd() / name


def _nothing(message: str) -> dict[str, Any]:
    """Return a result without anything to run; the last step shows the message."""
    return {"files": [], "msg": message}
