# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils._job.errors import DrsError
from ..module_utils._job.ranges import SECONDS, check_ranges
from ..plugin_utils._question import ask_person

OPTIONS: dict[str, dict[str, Any]] = {"question": {"type": "str", "required": True}, "timeout": {"type": "float"}}


class ActionModule(ActionBase):
    """Asks on the controller, and can tell a person who gives no answer from nobody being there."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        outcome: dict[str, Any] = super().run(tmp, task_vars)
        _validation, options = self.validate_argument_spec(OPTIONS)
        try:
            check_ranges({"timeout": SECONDS}, options)
        except DrsError as error:
            return {**outcome, "failed": True, "msg": str(error)}
        return {**outcome, "changed": False, **ask_person(options["question"], options["timeout"])}
