# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils._options import CONNECTION_OPTIONS, WAIT_OPTIONS
from ..module_utils._wait import run

display = Display()


class ActionModule(ActionBase):
    """Waits on the controller, where one process keeps login and connections for the whole wait."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        outcome: dict[str, Any] = super().run(tmp, task_vars)
        _validation, options = self.validate_argument_spec({**CONNECTION_OPTIONS, **WAIT_OPTIONS})
        # Ansible's no_log hides results, not what is displayed before there is one.
        quiet = self._task.no_log or not options["progress"]
        outcome.update(run(options, os.environ, one_sample=self._task.check_mode, say=_silent if quiet else _live))
        return {**outcome, "changed": False}


def _live(line: str) -> None:
    # Warnings and standard output of a worker wait for the end of the task; this does not.
    display.display(line, stderr=True)


def _silent(line: str) -> None:
    pass
