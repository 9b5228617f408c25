# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils._cutover.unfrozen import say_unfrozen


class ActionModule(ActionBase):
    """Tells the guard how the unfreeze tasks ended. By itself, for Ansible compiles anew what a plugin imports, and the guard waits."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        outcome: dict[str, Any] = super().run(tmp, task_vars)
        _validation, options = self.validate_argument_spec({"failed_in": {"type": "str"}})
        return {**outcome, "changed": False, **say_unfrozen(task_vars or {}, options["failed_in"])}
