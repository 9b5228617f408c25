# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every step of a cutover has: its task, its variables, and a way to start a guard."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError

from ...module_utils._job.errors import configuration_error
from .. import _controller
from .._guard import client
from .._guard.protocol import Answer, Handover, LeftBehind, Start
from .._guard.store import is_database
from .._role_variables import other_hosts, variables_of
from .facts import facts_of
from .options import Unfreeze, default_journal
from .play import folder_of, handover

# The registered result of the first step, by which the later ones find the guard.
BEGUN = "_drs_cutover_begun"
# A connection that runs tasks on this machine.
_LOCAL = ("local", "ansible.builtin.local", "ansible.legacy.local")


class Step:
    """One step of one run, on one host."""

    def __init__(self, action: Any, task_vars: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
        self._action = action
        self._task = action._task
        self._vars = task_vars
        self._defaults = defaults
        self._host = str(task_vars.get("inventory_hostname", "localhost"))
        self._begun: Mapping[str, Any] = task_vars.get(BEGUN) or {}
        self._folder = folder_of(task_vars)
        self._run = os.getppid()
        # Without what the keyword environment of the play adds for one step, which may be secret.
        self._environment = dict(os.environ)

    def show(self, line: str) -> None:
        """Show what the guard's unfreeze tasks print."""
        _controller.lines(self._task, True)(line)

    def ran_by(self) -> dict[str, str]:
        """Return who runs this, on which machine, and for which host of the inventory."""
        return _controller.ran_by(self._vars)

    def facts(self) -> tuple[dict[str, Any], str]:
        """Return what the user's tasks say of the databases, and a sentence if that cannot be shown."""
        return facts_of(self._vars, self._action._templar, self._defaults, self._environment)

    def handover(self, unfreeze: Unfreeze) -> Handover:
        """Return what the guard unfreezes with."""
        environment = _controller.environment(self._task, self._action._templar)
        return handover(self._action, self._vars, environment, unfreeze.variables, self._folder)

    @property
    def run_lives(self) -> bool:
        """Whether the run has not ended under this step, which then has another parent."""
        return os.getppid() == self._run

    def start_guard(self, role: str, jobs: list[str], journal: str, unfreeze: Unfreeze, **more: Any) -> Answer:
        """Start the guard and return its first answer. Raises :class:`DrsError`."""
        run = os.getppid()
        shown = "a database" if is_database(journal) else journal
        try:
            return client.start_guard(
                Start(
                    role=role,
                    journal=journal,
                    jobs=jobs,
                    host=self._host,
                    user=_controller.user(),
                    machine=socket.gethostname(),
                    pid=run,
                    terminal=_controller.terminal(run),
                    # Check mode leaves nothing behind.
                    log="" if self._task.check_mode else str(_log(Path(self._folder), journal, jobs, role)),
                    handover=vars(self.handover(unfreeze)),
                    unfreeze_tasks=unfreeze.tasks,
                    unfreeze_timeout=unfreeze.timeout,
                    unfreeze_for=unfreeze.tried_for,
                    rehearses=unfreeze.rehearses,
                    keep=dict(unfreeze.keep),
                    check_mode=self._task.check_mode,
                    local=self._is_local(),
                    **more,
                ),
                self._environment,
                f"{self._host}: {shown}",
            )
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise configuration_error(f"The guard of this cutover could not be started: {why}.") from None

    def _is_local(self) -> bool:
        connection = self._vars.get("ansible_connection") or self._task.connection
        connection = connection or getattr(self._action._play_context, "connection", "")
        return str(connection) in _LOCAL or (not connection and self._host == "localhost")

    def tell_of_hosts_left_behind(self) -> None:
        """Tell the guards of other hosts that the run goes on without them: nobody else would before it ends."""
        alive = set(self._vars.get("ansible_play_hosts") or ())
        for host in other_hosts(self._vars, self._host):
            if host in alive:
                continue
            begun = variables_of(self._vars, host).get(BEGUN)
            if not isinstance(begun, Mapping) or begun.get("host") != host or not begun.get("socket"):
                continue
            with suppress(client.GuardGoneError):
                client.ask(str(begun["socket"]), LeftBehind(), patience=2.0)


def _log(folder: Path, journal: str, jobs: list[str], role: str) -> Path:
    """Return the path of the guard's log: beside a journal that is a file, else beside the playbook."""
    path = folder / default_journal(jobs) if is_database(journal) else Path(journal)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f"{path.stem}.{'guard' if role == 'run' else role}.log")


def message_of(error: Exception) -> str:
    """Return what an error says to people."""
    return error.message if isinstance(error, AnsibleError) else str(error)
