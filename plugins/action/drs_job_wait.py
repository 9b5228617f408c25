# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils._arguments import checked
from ..module_utils._job.errors import DrsError
from ..module_utils._service.options import CONNECTION_OPTIONS
from ..module_utils._wait.loop import refused, run
from ..module_utils._wait.options import WAIT_OPTIONS
from ..plugin_utils import _controller
from ..plugin_utils._role_variables import as_list, given


class ActionModule(ActionBase):
    """Waits on the controller, where one process keeps login and connections for the whole wait."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        outcome: dict[str, Any] = super().run(tmp, task_vars)
        spec = {**CONNECTION_OPTIONS, **WAIT_OPTIONS}
        try:
            # By variables, since a role that passed them on with default(omit) would hide module_defaults.
            # Read before Ansible makes a list of a text.
            prefixes = as_list(self._task.args.get("role_prefixes")) or ("",)
            from_variables = given(prefixes, spec, task_vars or {}, self._templar) if prefixes[0] else {}
            names = {option: f"{prefixes[0]}{option}" for option in from_variables}
            checked(spec, from_variables, names.__getitem__)
            self._task.args = {**self._task.args, **from_variables}
            titles = given(prefixes, ("title",), task_vars or {}, self._templar) if prefixes[0] else {}
            options = _controller.options_of(self, spec)
        except DrsError as error:
            return {**outcome, **refused(error), "changed": False}
        _controller.use_environment(self._task, self._templar)
        limit, limited = _controller.limit_of(self._task, options["timeout"])
        waited = run(
            options,
            os.environ,
            one_sample=self._task.check_mode,
            say=_controller.lines(self._task, options["progress"]),
            clock=_controller.CLOCK,
            folder=self._loader.get_basedir(),
            limit=limit,
            named=lambda option: names.get(option, option),
            screen=_controller.screen(task_vars or {}, str(titles.get("title", ""))),
        )
        waited["ran_by"] = _controller.ran_by(task_vars or {})
        if limited:
            waited["warnings"] = [*waited.get("warnings", []), limited]
        return {**outcome, **waited, "changed": False}
