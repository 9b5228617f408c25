# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..module_utils._job.errors import configuration_error
from ..module_utils._service.options import CONNECTION_OPTIONS
from ..module_utils._stop.loop import refused, run
from ..module_utils._stop.options import STOP_OPTIONS
from ..plugin_utils import _controller as _process


class ActionModule(ActionBase):
    """Stops jobs from the controller, with the lines, the environment and the end of a wait."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        outcome: dict[str, Any] = super().run(tmp, task_vars)
        try:
            _validation, options = self.validate_argument_spec({**CONNECTION_OPTIONS, **STOP_OPTIONS})
        except AnsibleActionFail as error:
            # As it is, ansible-core 2.19 and later would show the arguments with it, secrets too.
            return {**outcome, **refused(configuration_error(f"{error.message.rstrip('.')}."))}
        _process.use_environment(self._task, self._templar)
        options, limited = _process.within_the_task(options, self._task)
        say = _process.lines(self._task, options["progress"])
        check_mode = self._task.check_mode
        stopped = run(options, os.environ, check_mode=check_mode, say=say, clock=_process.CLOCK)
        if limited:
            stopped["warnings"] = [*stopped.get("warnings", []), limited]
        return {**outcome, **stopped}
