# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from ansible.errors import AnsibleActionFail

from ..module_utils._errors import configuration_error
from ..module_utils._options import CONNECTION_OPTIONS, STOP_OPTIONS
from ..module_utils._stopping import refused, run
from ..module_utils._wait import REAL_CLOCK
from . import drs_job_wait as wait


class ActionModule(wait.ActionModule):
    """Stops jobs from the controller, with the lines, the environment and the end of a wait."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        outcome: dict[str, Any] = super(wait.ActionModule, self).run(tmp, task_vars)
        try:
            _validation, options = self.validate_argument_spec({**CONNECTION_OPTIONS, **STOP_OPTIONS})
        except AnsibleActionFail as error:
            # As it is, ansible-core 2.19 and later would show the arguments with it, secrets too.
            return {**outcome, **refused(configuration_error(f"{error.message.rstrip('.')}."))}
        quiet = self._task.no_log or not options["progress"]
        say = wait._silent if quiet else wait._live
        clock = replace(REAL_CLOCK, sleep=wait._sleep)
        os.environ.update(self._environment())
        return {**outcome, **run(options, os.environ, check_mode=self._task.check_mode, say=say, clock=clock)}
