# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The last task of the playbook that a guard runs. It has little to import, since the guard waits for it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...module_utils._cutover.wording import UNFROZEN
from .._guard.unfreeze import ENDED
from .failed_task import failure, what_failed


def say_unfrozen(task_vars: Mapping[str, Any], failed_in: str | None) -> dict[str, Any]:
    """Tell the guard that started this playbook in which file a task failed, None if in none, and return the task's result."""
    reason = "" if failed_in is None else what_failed(task_vars, failed_in)
    path = os.environ.get(ENDED)
    if not path:
        return failure("This task belongs to the playbook of a guard.")
    Path(path).write_text(json.dumps({"reason": reason}), encoding="utf-8")
    return failure(f"THE TASKS TO UNFREEZE THE SOURCE FAILED: {reason}") if reason else {"msg": UNFROZEN}
