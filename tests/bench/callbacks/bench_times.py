# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Note when each task begins and ends, as ansible-playbook itself sees it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: bench_times
type: aggregate
short_description: Note when each task begins and ends
description: For the benchmarks of cutover.drs.
"""


class CallbackModule(CallbackBase):
    """Appends a line for each beginning and end to the file that BENCH_TIMES names."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "bench_times"

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._note("begins", task.get_name().rpartition(" : ")[2])

    def v2_runner_on_ok(self, result: Any) -> None:
        self._note("ends", result._task.get_name().rpartition(" : ")[2])

    def _note(self, what: str, task: str) -> None:
        with Path(os.environ["BENCH_TIMES"]).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"at": time.monotonic(), "what": what, "task": task}) + "\n")
