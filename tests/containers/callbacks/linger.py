# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hold a run right before the task LINGER_AT: it waits while LINGER_FILE, which it makes, is there."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: linger
type: aggregate
short_description: Hold a run right before a task
description: For tests.
"""


class CallbackModule(CallbackBase):
    """Wait where a test wants to do something to the run."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "linger"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        wanted, file = os.environ.get("LINGER_AT"), Path(os.environ.get("LINGER_FILE", ""))
        # The name of the role stands before it.
        if not wanted or not task.get_name().endswith(wanted):
            return
        file.touch()
        while file.exists():
            time.sleep(0.02)
