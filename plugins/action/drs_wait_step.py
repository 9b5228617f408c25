# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils._wait_step import STEPS, WaitStep


class ActionModule(ActionBase):
    """Takes one step of the role drs_wait, beside the wait itself."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        outcome: dict[str, Any] = super().run(tmp, task_vars)
        spec = {"step": {"type": "str", "required": True, "choices": [*STEPS]}}
        _validation, options = self.validate_argument_spec(spec)
        taken = WaitStep(self, task_vars or {}).take(options["step"])
        return {**outcome, "changed": False, **taken}
