# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils._job.errors import configuration_error
from ..module_utils._service.options import CONNECTION_OPTIONS
from ..module_utils._wait.loop import refused, run
from ..module_utils._wait.options import WAIT_OPTIONS
from ..plugin_utils import _controller as _process
from ..plugin_utils._role_variables import checked, given

display = Display()


class ActionModule(ActionBase):
    """Waits on the controller, where one process keeps login and connections for the whole wait."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        outcome: dict[str, Any] = super().run(tmp, task_vars)
        spec = {**CONNECTION_OPTIONS, **WAIT_OPTIONS}
        try:
            # By variables, since a role that passed them on with default(omit) would hide module_defaults.
            prefixes = self._task.args.get("role_prefixes") or ()
            from_variables = given(prefixes, spec, task_vars or {}, self._templar)
            checked(next(iter(prefixes), ""), spec, from_variables)
            self._task.args = {**self._task.args, **from_variables}
            _validation, options = self.validate_argument_spec(spec)
        except AnsibleActionFail as error:
            # As it is, ansible-core 2.19 and later would show the arguments with it, secrets too.
            return {**outcome, **refused(configuration_error(f"{error.message.rstrip('.')}.")), "changed": False}
        _process.use_environment(self._task, self._templar)
        options, limited = _process.within_the_task(options, self._task)
        waited = run(
            options,
            os.environ,
            one_sample=self._task.check_mode,
            say=_process.lines(self._task, options["progress"]),
            clock=_process.CLOCK,
            folder=self._loader.get_basedir(),
        )
        if limited:
            waited["warnings"] = [*waited.get("warnings", []), limited]
        if waited["failed"] and not display.verbosity:
            # A callback shows all of a result that failed, up to a megabyte, but of an action of this name only
            # the message; register gets everything.
            self._task.action = "ansible.builtin.debug"
        return {**outcome, **waited, "changed": False}
