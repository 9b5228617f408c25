# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every step of a cutover has: its task, its variables, and a way to start a guard."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...module_utils._cutover import journal_json
from ...module_utils._cutover.journal import Journal, Next
from ...module_utils._job.errors import DrsError, configuration_error
from ...module_utils._service.connection import connect
from ...module_utils._service.jobs.names import asked_jobs, ids_of
from .. import _controller, _files
from .._guard import client
from .._guard.protocol import Answer, Handover, LeftBehind, Look, Start
from .._guard.store import is_database, open_store
from .facts import facts_of
from .failed_task import failure
from .options import Options, default_journal
from .play import folder_of, handover
from .waves import BEGUN, others

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
        # While the run lives: a step whose run has ended has another parent.
        self._run = os.getppid()
        # Such as what the guard's unfreeze tasks print.
        self.show = _controller.lines(self._task, True)
        # Without what the keyword environment of the play adds for one step, which may be secret.
        self._environment = dict(os.environ)

    def take(self, step: str) -> dict[str, Any]:
        """Take the step, which is a method of this name, and return the task's result."""
        try:
            result: dict[str, Any] = getattr(self, step)()
        except DrsError as error:
            return failure(str(error))
        return result

    def ids_of(self, values: Mapping[str, Any]) -> list[str]:
        """Return the ids of jobs that are given by name."""
        _controller.use_environment(self._task, self._action._templar)
        with connect(values, os.environ) as service:
            return ids_of(service, asked_jobs(values))

    def facts(self) -> tuple[dict[str, Any], str]:
        """Return what the user's tasks say of the databases, and a sentence if that cannot be shown."""
        return facts_of(self._vars, self._action._templar, self._defaults, self._environment)

    def handover(self, options: Options) -> Handover:
        """Return what the guard unfreezes with."""
        environment = _controller.environment(self._task, self._action._templar)
        return handover(self._action, self._vars, environment, options.values["unfreeze_vars"], self._folder)

    def stored(self, journal: str, jobs: Sequence[str]) -> Journal | None:
        """Return what the journal says now, None if there is none. Raises :class:`StoreError` and ValueError."""
        _files.trust_owner_of(self._folder)
        held = open_store(journal, jobs).read()
        return None if held is None else journal_json.decode(held.document)

    def start_watch(self, role: str, options: Options, *, wait: float, acted_in: str = "") -> Answer:
        """Start a guard of what another run began, and show what it says until it ends; its last answer.

        Raises :class:`DrsError` and :class:`GuardGoneError`.
        """
        answer = self.start_guard(role, options, wait=wait, acted_in=acted_in)
        where, shown = answer.socket, 0
        while answer.next is Next.WAIT:
            time.sleep(0.2)
            answer = client.ask(where, Look(shown))
            for line in answer.lines:
                self.show(line)
            shown += len(answer.lines)
        return answer

    def start_guard(self, role: str, options: Options, **more: Any) -> Answer:
        """Start the guard and return its first answer. Raises :class:`DrsError`."""
        run, journal, values = os.getppid(), options.journal, options.values
        shown = "a database" if is_database(journal) else journal
        try:
            return client.start_guard(
                Start(
                    role=role,
                    journal=journal,
                    jobs=list(options.jobs),
                    host=self._host,
                    user=_controller.user(),
                    machine=socket.gethostname(),
                    pid=run,
                    terminal=_controller.terminal(run),
                    # Check mode leaves nothing behind.
                    log="" if self._task.check_mode else str(_log(Path(self._folder), options, role)),
                    handover=vars(self.handover(options)),
                    unfreeze_tasks=values["unfreeze_tasks"],
                    unfreeze_timeout=values["unfreeze_timeout"],
                    unfreeze_for=values["unfreeze_for"],
                    rehearses=values["rehearse_unfreeze"],
                    keep=values["keep"],
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
        for other in others(self._vars, self._host):
            if not other.alive and other.cuts_over and other.begun.get("socket"):
                with suppress(client.GuardGoneError):
                    client.ask(str(other.begun["socket"]), LeftBehind(), patience=2.0)


def _log(folder: Path, options: Options, role: str) -> Path:
    """Return the path of the guard's log: beside a journal that is a file, else beside the playbook."""
    path = folder / default_journal(options.jobs) if is_database(options.journal) else Path(options.journal)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f"{path.stem}.{'guard' if role == 'run' else role}.log")
