# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils._service.options import CONNECTION_OPTIONS
from ..plugin_utils._cutover_end import CutoverEnd
from ..plugin_utils._cutover_run import CutoverRun
from ..plugin_utils._recover import Recover

_RUN = ("begin", "enter", "completed", "failed", "unfrozen", "unfreeze_failed")
_END = ("leave", "finish", "publish", "summary", "conclude")
_RECOVER = ("recover", "recovered", "recover_failed")


class ActionModule(ActionBase):
    """Takes one step of a cutover; what comes next is decided in module_utils/_cutover.py."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        outcome: dict[str, Any] = super().run(tmp, task_vars)
        steps = {"type": "str", "required": True, "choices": [*_RUN, *_END, *_RECOVER]}
        spec = {"step": steps, "stage": {"type": "str"}, **CONNECTION_OPTIONS}
        _validation, options = self.validate_argument_spec(spec)
        # Only what is given: a default must not win over a variable of the role.
        defaults = {name: options[name] for name in CONNECTION_OPTIONS if name in self._task.args}
        if options["step"] in _RECOVER:
            taken = Recover(self, task_vars or {}, defaults).step(options["step"])
        elif options["step"] in _END:
            taken = CutoverEnd(self, task_vars or {}, defaults).step(options["step"])
        else:
            taken = CutoverRun(self, task_vars or {}, defaults).step(options["step"], options["stage"])
        return {**outcome, "changed": False, **taken}
