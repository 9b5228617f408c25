# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The step of ``status``: it reads the journal of a cutover, says how that stands, and changes nothing."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleError

from ...module_utils._cutover.status import lines, status
from ...module_utils._cutover.wording import of_other_jobs
from ...module_utils._job.errors import DrsError
from .. import _files
from .._guard.look import look, of_more_jobs
from .._guard.store import BusyError, StoreError, open_store, unusable
from .failed_task import failure
from .step import message_of
from .watch import Elsewhere


class StatusStep(Elsewhere):
    """The step of ``status``."""

    def step(self) -> dict[str, Any]:
        """Return how the cutover stands; it fails only if nobody can tell."""
        try:
            options = self.options()
            _files.trust_owner_of(self._folder)
            store = open_store(options.journal, options.jobs)
        except (DrsError, AnsibleError, StoreError) as error:
            return failure(message_of(error))
        try:
            found = look(store)
            if found is None or not (found[0].frozen or found[1].lives):
                # What is over, or never began, says nothing of a cutover of more jobs.
                store.ensure_free()
        except BusyError as error:
            return failure(of_more_jobs(error))
        except (StoreError, ValueError) as error:
            return failure(unusable(store.name, "read", error))
        if found is None:
            return {"status": None, **self.no_journal(options)}
        journal, outside = found
        if options.jobs and (other := of_other_jobs(journal, options.jobs, looks=True)):
            return failure(other)
        told = lines(journal, store.name, outside)
        return {"msg": told, "status": status(journal, store.name, outside), "_ansible_verbose_always": True}
