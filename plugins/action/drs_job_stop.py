# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils._job.errors import DrsError
from ..module_utils._service.options import CONNECTION_OPTIONS
from ..module_utils._stop.loop import refused, run
from ..module_utils._stop.options import STOP_OPTIONS
from ..plugin_utils import _controller


class ActionModule(ActionBase):
    """Stops jobs from the controller, with the lines, the environment and the end of a wait."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        outcome: dict[str, Any] = super().run(tmp, task_vars)
        try:
            options = _controller.options_of(self, {**CONNECTION_OPTIONS, **STOP_OPTIONS})
        except DrsError as error:
            return {**outcome, **refused(error)}
        _controller.use_environment(self._task, self._templar)
        options, limited = _controller.within_the_task(options, self._task)
        stopped = run(
            options,
            os.environ,
            check_mode=self._task.check_mode,
            say=_controller.lines(self._task, options["progress"]),
            clock=_controller.CLOCK,
            screen=_controller.screen(task_vars or {}),
        )
        if limited:
            stopped["warnings"] = [*stopped.get("warnings", []), limited]
        return {**outcome, **stopped}
