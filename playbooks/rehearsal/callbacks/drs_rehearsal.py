# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Note when each task of a rehearsed cutover begins and ends, in the run and in the guard's own ansible-playbook."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from ansible import context
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: drs_rehearsal
type: aggregate
short_description: Note when each task of a rehearsed cutover begins and ends
description: For the playbook cutover.drs.rehearse.
"""


class CallbackModule(CallbackBase):
    """Appends a line for each beginning and end to the file that DRS_REHEARSAL_RECORD names."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "drs_rehearsal"

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._note(task, "began")

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        self._note(task, "began")

    def v2_runner_on_ok(self, result: Any) -> None:
        self._note(result._task, "ok")

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._note(result._task, "skipped")

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._note(result._task, "failed")

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._note(result._task, "unreachable")

    def _note(self, task: Any, what: str) -> None:
        if context.CLIARGS.get("check"):
            # The guard rehearses the unfreeze, which the table leaves out.
            return
        line = {
            "at": time.time(),
            "what": what,
            "task": f"{os.getpid()} {task._uuid}",
            "name": task.get_name().rpartition(" : ")[2],
            "path": str(task.get_path() or "").rpartition(":")[0],
        }
        with Path(os.environ["DRS_REHEARSAL_RECORD"]).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
