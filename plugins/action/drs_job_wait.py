# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from multiprocessing import parent_process
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils._errors import configuration_error
from ..module_utils._options import CONNECTION_OPTIONS, WAIT_OPTIONS
from ..module_utils._wait import REAL_CLOCK, refused, run

display = Display()


class ActionModule(ActionBase):
    """Waits on the controller, where one process keeps login and connections for the whole wait."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        outcome: dict[str, Any] = super().run(tmp, task_vars)
        spec = {**CONNECTION_OPTIONS, **WAIT_OPTIONS}
        try:
            self._task.args = {**self._task.args, **self._from_variables(spec, task_vars or {})}
            _validation, options = self.validate_argument_spec(spec)
        except AnsibleActionFail as error:
            # As it is, ansible-core 2.19 and later would show the arguments with it, secrets too.
            return {**outcome, **refused(configuration_error(f"{error.message.rstrip('.')}.")), "changed": False}
        # Ansible's no_log hides results, not what is displayed before there is one.
        quiet = self._task.no_log or not options["progress"]
        say = _silent if quiet else _live
        clock = replace(REAL_CLOCK, sleep=_sleep)
        # This process is the worker of this task alone. Proxies and clouds.yaml are found by libraries, there too.
        os.environ.update(self._environment())
        folder = self._loader.get_basedir()
        outcome.update(run(options, os.environ, one_sample=self._task.check_mode, say=say, clock=clock, folder=folder))
        return {**outcome, "changed": False}

    def _environment(self) -> dict[str, str]:
        """What the keyword environment of task, block, role and play gives, as modules get it."""
        given: dict[str, str] = {}
        for environment in self._task.environment or ():
            templated = self._templar.template(environment)
            if isinstance(templated, dict):
                given.update({str(name): str(value) for name, value in templated.items()})
        return given

    def _from_variables(self, spec: Iterable[str], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """The options that variables give: a role cannot pass them on with default(omit), which hides module_defaults."""
        given: dict[str, Any] = {}
        for prefix in self._task.args.get("variables") or ():
            for option in spec:
                value = task_vars.get(f"{prefix}{option}")
                if value is not None and option not in given:
                    given[option] = self._templated(f"{prefix}{option}", value)
        return {option: value for option, value in given.items() if value not in (None, task_vars.get("omit"))}

    def _templated(self, name: str, value: Any) -> Any:
        try:
            return self._templar.template(value)
        except AnsibleError as error:
            if "Omit" in str(error):
                # The word of ansible-core 2.19 and later for a template that is default(omit).
                return None
            raise AnsibleActionFail(f"The variable {name} has no value: {error.message}") from None


def _sleep(seconds: float) -> None:
    time.sleep(seconds)
    # A worker outlives an ansible-playbook that was killed, and would go on until the timeout.
    playbook = parent_process()
    if playbook is not None and playbook.pid != os.getppid():
        raise AnsibleError("ansible-playbook is gone: nobody would learn of a verdict.")


def _live(line: str) -> None:
    # Warnings and standard output of a worker wait for the end of the task; this does not.
    display.display(line, stderr=True)


def _silent(line: str) -> None:
    pass
