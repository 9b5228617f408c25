# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils._cutover.wording import UNFROZEN
from ..plugin_utils._cutover.failed_task import failure, what_failed
from ..plugin_utils._guard.unfreeze import ENDED


class ActionModule(ActionBase):
    """Tells the guard how the unfreeze tasks ended. By itself, for Ansible compiles anew what a plugin imports, and the guard waits."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        outcome: dict[str, Any] = {**super().run(tmp, task_vars), "changed": False}
        _validation, options = self.validate_argument_spec({"failed_in": {"type": "str"}})
        path, file = os.environ.get(ENDED), options["failed_in"]
        if not path:
            return {**outcome, **failure("This task belongs to the playbook of a guard.")}
        reason = "" if file is None else what_failed(task_vars or {}, file)
        Path(path).write_text(json.dumps({"reason": reason}), encoding="utf-8")
        said = failure(f"THE TASKS TO UNFREEZE THE SOURCE FAILED: {reason}") if reason else {"msg": UNFROZEN}
        return {**outcome, **said}
