# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils._service.options import CONNECTION_OPTIONS
from ..plugin_utils._cutover.elsewhere import Elsewhere
from ..plugin_utils._cutover.end import CutoverEnd
from ..plugin_utils._cutover.run import CutoverRun
from ..plugin_utils._cutover.step import Step

# Each is a method of its name.
STEPS: dict[str, type[Step]] = {
    **dict.fromkeys(("begin", "preflight", "enter", "completed", "failed"), CutoverRun),
    **dict.fromkeys(("finish", "publish", "summary", "conclude"), CutoverEnd),
    **dict.fromkeys(("watch", "recover", "status"), Elsewhere),
}


class ActionModule(ActionBase):
    """Takes one step of a cutover; what comes next is decided in module_utils/_cutover/decide.py."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        outcome: dict[str, Any] = super().run(tmp, task_vars)
        step_option = {"type": "str", "required": True, "choices": list(STEPS)}
        spec = {"step": step_option, "stage": {"type": "str"}, **CONNECTION_OPTIONS}
        _validation, options = self.validate_argument_spec(spec)
        # Only what is given: a default must not win over a variable of the role.
        defaults = {name: options[name] for name in CONNECTION_OPTIONS if name in self._task.args}
        step = options["step"]
        taken = STEPS[step](self, task_vars or {}, defaults).take(step)
        return {**outcome, "changed": False, **taken}
