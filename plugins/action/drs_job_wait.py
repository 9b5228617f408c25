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

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils._options import CONNECTION_OPTIONS, WAIT_OPTIONS
from ..module_utils._wait import REAL_CLOCK, run

display = Display()


class ActionModule(ActionBase):
    """Waits on the controller, where one process keeps login and connections for the whole wait."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        outcome: dict[str, Any] = super().run(tmp, task_vars)
        spec = {**CONNECTION_OPTIONS, **WAIT_OPTIONS}
        self._task.args = {**self._task.args, **self._from_variables(spec, task_vars or {})}
        _validation, options = self.validate_argument_spec(spec)
        # Ansible's no_log hides results, not what is displayed before there is one.
        quiet = self._task.no_log or not options["progress"]
        say = _silent if quiet else _live
        clock = replace(REAL_CLOCK, sleep=_sleep)
        outcome.update(run(options, os.environ, one_sample=self._task.check_mode, say=say, clock=clock))
        return {**outcome, "changed": False}

    def _from_variables(self, spec: Iterable[str], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """The options that variables give: a role cannot pass them on with default(omit), which hides module_defaults."""
        given: dict[str, Any] = {}
        for prefix in self._task.args.get("variables") or ():
            for option in spec:
                value = task_vars.get(f"{prefix}{option}")
                if value is not None and option not in given:
                    given[option] = self._templar.template(value)
        return {option: value for option, value in given.items() if value is not None}


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
