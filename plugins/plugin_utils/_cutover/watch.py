# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of ``watch`` and ``recover``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError

from ...module_utils._cutover.journal import Next
from ...module_utils._job.errors import DrsError
from ...module_utils._service.connection import connect
from ...module_utils._service.jobs.names import asked_jobs, ids_of
from .. import _controller
from .._guard import client
from .._guard.store import is_database
from .failed_task import failure
from .options import Options, check_unfreeze, read_watching
from .step import Step, message_of


class Elsewhere(Step):
    """A step of a play that is not the cutover's own, and knows of it by its journal."""

    def options(self) -> Options:
        """Return the options. Raises :class:`DrsError` and AnsibleError."""
        return read_watching(self._vars, self._action._templar, self._defaults, ids_of=self._ids_of)

    def no_journal(self, options: Options) -> dict[str, Any]:
        """Return what it means that there is no journal."""
        said = "No cutover of these jobs has begun"
        if (options.values["missing_journal"] or ("ok" if is_database(options.journal) else "fail")) == "ok":
            return {"msg": f"{said}, so nothing is frozen.", "_ansible_verbose_always": True}
        return failure(
            f"{said} that this machine knows of: there is no journal {options.journal}. Another machine may have it. Check "
            "drs_cutover_journal, or set drs_cutover_missing_journal to ok if this is what you expect."
        )

    def _ids_of(self, values: Mapping[str, Any]) -> list[str]:
        _controller.use_environment(self._task, self._action._templar)
        with connect(values, os.environ) as service:
            return ids_of(service, asked_jobs(values))


class WatchStep(Elsewhere):
    """A step of ``watch`` or ``recover``."""

    def step(self, name: str) -> dict[str, Any]:
        """Watch, or recover, until the cutover has ended, and return the task's result."""
        try:
            options = self.options()
            check_unfreeze(options, Path(self._folder))
            wait = options.values["watch_timeout" if name == "watch" else "recover_wait"]
            answer = self.start_watch(name, options, wait=wait)
        except (DrsError, AnsibleError) as error:
            return failure(message_of(error))
        except client.GuardGoneError as error:
            return failure(
                f"The guard that {name} had started is gone ({error}). Look at the journal, and run it again."
            )
        if answer.next is not Next.ENDED:
            return failure(answer.message)
        if answer.journal is None:
            return self.no_journal(options)
        return {"msg": answer.message, "journal": answer.journal, "_ansible_verbose_always": True}
