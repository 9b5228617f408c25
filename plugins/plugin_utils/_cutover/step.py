# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every step of a cutover has: its task, its variables, and a way to start a guard."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...module_utils._cutover import journal_json as encoding
from ...module_utils._cutover.stages import Role
from .. import _controller as _process
from .._guard import alive as processes
from .._guard import client as _steps
from .play import handover

# The registered result of the first step, by which the later ones find the guard.
BEGUN = "_drs_cutover"


class Step:
    """One step of one run, on one host."""

    def __init__(self, action: Any, task_vars: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
        self._action = action
        self._task = action._task
        self._vars = task_vars
        self._defaults = defaults
        self._host = str(task_vars.get("inventory_hostname", "localhost"))
        self._begun: Mapping[str, Any] = task_vars.get(BEGUN) or {}

    def guarded(
        self, guard: dict[str, Any], told: Mapping[str, Any], role: Role
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Start the guard; return its first answer, and what later steps need to find it."""
        run = os.getppid()
        owner = encoding.encode_owner(processes.this_process(role, run, self._host, _process.user()))
        path = Path(guard["journal"])
        path.parent.mkdir(parents=True, exist_ok=True)
        given = self.handover()
        answer = _steps.start_guard(
            {
                **told,
                "owner": owner,
                "log": str(path.with_name(f"{path.stem}.guard.log")),
                "handover": given,
                "terminal": _process.terminal(run),
            }
        )
        return answer, {**guard, "owner": owner, "socket": answer["socket"], "cannot": given["cannot"]}

    def handover(self) -> dict[str, Any]:
        action = self._action
        environment = _process.environment(self._task, action._templar)
        return handover(self._task, action._play_context, self._vars, action._loader, environment, self._host)


def leads_to(files: list[str]) -> dict[str, Any]:
    """Return what the role includes next: the file that runs these unfreeze tasks, or the one that leaves the source."""
    if files:
        return {"files": files, "file": "_drs_cutover_unfreeze.yml", "heading": "Unfreeze the source"}
    return {"files": [], "file": "_drs_cutover_leave.yml", "heading": "Leave the source as it is"}


def failure(message: str) -> dict[str, Any]:
    """Return the result of a task that failed."""
    return {"failed": True, "msg": message}
